"""The listening sockets: bound once by the supervisor, one for each worker and address, and inherited by the workers.

The supervisor keeps them open, so that the connections in a socket's queue outlive the worker that was to take them.
See docs/decisions/040-a-socket-for-each-worker.md.
"""

import errno
import socket
from collections.abc import Sequence
from dataclasses import replace

from proxy.errors import CannotServe, ExitStatus
from proxy.settings import Listen

# Connections that may wait while a worker is busy or is being started again; Linux cuts it to net.core.somaxconn.
BACKLOG = 1024


def bind(listens: Sequence[Listen], workers: int) -> list[list[socket.socket]]:
    """For each worker its sockets, in the order of `listens`. All workers share each address (SO_REUSEPORT); where a
    port is 0, the system's choice for the first worker holds for all.

    Raises:
        CannotServe: an address is taken, not this machine's, or not allowed. Nothing stays bound.
    """
    held: list[list[socket.socket]] = [[] for _ in range(workers)]
    try:
        for listen in listens:
            family, address = _resolve(listen)
            for sockets in held:
                sockets.append(_bound(family, address, listen))
                address = (address[0], sockets[-1].getsockname()[1])
    except BaseException:
        close(held)
        raise
    return held


def adopt(
    listens: Sequence[Listen], workers: int, taken: Sequence[tuple[tuple[str, int], socket.socket]]
) -> list[list[tuple[Listen, socket.socket]]]:
    """As `bind`, with the sockets of the version that is taken over from, each with host and port as its configuration
    names them. What it had more of is spread over the workers: no queue may be without somebody who serves it. Sockets
    of addresses that are no longer listened on are closed.

    Raises:
        CannotServe: as `bind`, for an address that is new, or further workers of an old one. Nothing stays open.
    """
    left = list(taken)
    held: list[list[tuple[Listen, socket.socket]]] = [[] for _ in range(workers)]
    try:
        for listen in listens:
            mine = [one for address, one in left if address == (listen.host, listen.port)]
            left = [(address, one) for address, one in left if address != (listen.host, listen.port)]
            for number, one in enumerate(mine):
                held[number % workers].append((listen, one))
            for number in range(len(mine), workers):
                port = mine[0].getsockname()[1] if mine else listen.port
                ((one,),) = bind([replace(listen, port=port)], 1)
                mine.append(one)
                held[number].append((listen, one))
    except BaseException:
        close([[one for _, one in pairs] for pairs in held])
        raise
    finally:
        close([[one for _, one in left]])
    return held


def prove_free(listens: Sequence[Listen]) -> None:
    """Finds out whether somebody listens on an address already: SO_REUSEPORT would let a second Startgate of the same
    user share the port in silence, and a socket without it may not.

    Raises:
        CannotServe: as `bind`.
    """
    for listen in listens:
        family, address = _resolve(listen)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _only_v6(probe, family)
            _bind(probe, address, listen)


def close(held: Sequence[Sequence[socket.socket]]) -> None:
    """Closes every socket: what still waits in a queue is refused by the system."""
    for sockets in held:
        for one in sockets:
            one.close()


def shown(one: socket.socket, *, tls: bool) -> str:
    """The address of a listening socket as a client would write it."""
    host, port = one.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _resolve(listen: Listen) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as failure:
        raise _cannot(listen, f"{listen.host} is no address of this machine ({failure.strerror})") from None
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _bound(family: socket.AddressFamily, address: tuple[str, int], listen: Listen) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _only_v6(one, family)
        _bind(one, address, listen)
        one.listen(BACKLOG)
        one.setblocking(False)
    except BaseException:
        one.close()
        raise
    return one


def _only_v6(one: socket.socket, family: socket.AddressFamily) -> None:
    """`[::]` and `0.0.0.0` may then both be listened on, and each says what it takes."""
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _bind(one: socket.socket, address: tuple[str, int], listen: Listen) -> None:
    try:
        one.bind(address)
    except OSError as failure:
        raise _cannot(listen, _reason(failure)) from None


def _reason(failure: OSError) -> str:
    if failure.errno == errno.EADDRINUSE:
        return "the port is in use; stop what listens there, or choose another with `listen`"
    if failure.errno == errno.EACCES:
        return "permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
    if failure.errno == errno.EADDRNOTAVAIL:
        return "this is no address of this machine"
    return failure.strerror or str(failure)


def _cannot(listen: Listen, reason: str) -> CannotServe:
    return CannotServe(ExitStatus.ADDRESS, f"cannot listen on {listen.host}:{listen.port}: {reason}")
