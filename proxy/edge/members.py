"""Which nodes there are: names are resolved again and again, and every address that a name has is a node.

A name stands for itself until it is first resolved, and for what it was last resolved to while it cannot be. Addresses
that are written as numbers, and `localhost`, are no names: what listens there does not move (RFC 6761 §6.3).
See docs/decisions/104-names-and-probes.md.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence

from proxy.edge.nodes import Address
from proxy.edge.pool import Pool

logger = logging.getLogger(__name__)

Resolve = Callable[[str], Awaitable[Sequence[str]]]


async def resolve(host: str) -> list[str]:
    """The addresses that a name has now, each once. Raises OSError."""
    # Addresses of a family that this machine does not have are none (RFC 3493 §6.1).
    found = await asyncio.get_running_loop().getaddrinfo(
        host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


def is_name(host: str) -> bool:
    """Whether a host is one to resolve."""
    if not host or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


class Members:
    """Keeps the nodes of a pool in step with the names among `addresses`, of which the pool was made."""

    def __init__(self, pool: Pool, addresses: Sequence[Address], find: Resolve = resolve) -> None:
        self._pool = pool
        self._find = find
        # Of each name, what stands for it in the pool: at first itself.
        self._members = {base: {base.host: base} for base in addresses if base.at is not None and is_name(base.host)}
        self._unknown: set[Address] = set()

    async def keep(self, interval_s: float) -> None:
        """Resolves all names now and every `interval_s` seconds, until cancelled; at once if there are none."""
        while self._members:
            await self.look()
            await asyncio.sleep(interval_s)

    async def look(self) -> None:
        """Resolves each name once."""
        for base in self._members:
            try:
                found = list(await self._find(base.host))
            except (OSError, UnicodeError) as failure:
                self._not_found(base, str(failure))
                continue
            if not found:
                self._not_found(base, "it has no address")
                continue
            self._unknown.discard(base)
            self._apply(base, found)

    def _apply(self, base: Address, found: Sequence[str]) -> None:
        members = self._members[base]
        if base.at is None or set(found) == set(members):
            return
        new = {host: base.at(host) for host in found if host not in members}
        leaving = {address for host, address in members.items() if host not in found}
        self._members[base] = {host: members.get(host) or new[host] for host in found}
        self._pool.replace([node for node in self._pool.nodes if node.address in leaving], new.values())
        logger.info("%s is at %s", base.name, ", ".join(found))

    def _not_found(self, base: Address, why: str) -> None:
        if base not in self._unknown:
            self._unknown.add(base)
            logger.warning("%s cannot be resolved; what is known of it stays in force: %s", base.name, why)
