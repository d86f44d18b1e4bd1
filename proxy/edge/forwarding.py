"""What nodes and gate are told of who asked, where an operator wants more than what came (`forwarded.mode`)."""

from asyncio import BaseTransport

from proxy.edge.networks import Networks
from proxy.settings import Forwarded
from proxy.wire.forwarded import tell_forwarded
from proxy.wire.request import RequestHead


class Forwarding:
    """The rule of a worker. Made only for modes that change something: see `forwarding`."""

    __slots__ = ("_believed",)

    def __init__(self, settings: Forwarded) -> None:
        self._believed = Networks(settings.peers if settings.mode == "append" else ())

    def told(self, head: RequestHead, address: str, scheme: str) -> RequestHead:
        """The head with a section that tells of a peer at `address` (an IP address, or empty), which came by `scheme`
        (`http` or `https`)."""
        believed = address in self._believed
        section = tell_forwarded(head.section, address=address, scheme=scheme, believed=believed)
        return head._replace(section=section)

    def told_over(self, transport: BaseTransport, head: RequestHead, address: str) -> RequestHead:
        """As `told`, of a request that came over this transport."""
        secure = transport.get_extra_info("ssl_object") is not None
        return self.told(head, address, "https" if secure else "http")


def forwarding(settings: Forwarded) -> Forwarding | None:
    """The rule; None where everything passes as it came."""
    return None if settings.mode == "keep" else Forwarding(settings)
