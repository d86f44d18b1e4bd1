"""Networks that an operator named, and whether an address is in one of them."""

import ipaddress
from collections.abc import Sequence


class Networks:
    """Addresses in CIDR form; an IPv4 address in IPv6 form is an IPv4 one."""

    __slots__ = ("_networks",)

    def __init__(self, written: Sequence[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(one) for one in written)

    def __contains__(self, address: object) -> bool:
        """Whether `address`, as text, is in one of them; what is no address is in none."""
        try:
            found = ipaddress.ip_address(str(address).partition("%")[0])
        except ValueError:
            return False
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return any((mapped or found) in network for network in self._networks)
