"""What a front is made of, whichever program it runs in."""

from dataclasses import dataclass, field

from proxy.fronts.ordinary import HINTS
from proxy.settings import EdgeLimits

# A search, a scroll or a reindex may take hours, and a front that gives up on it knows nothing of it: a day.
ANSWER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host (a name, or an address without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTls:
    """How the certificates of what is behind are checked, and what is shown to it. `ca` is a PEM file, None for the
    system's authorities; `verify` is one of `proxy.settings.ClusterTls`; `names` are those that a certificate may be
    for, `server_name` the one that is asked for (SNI), None for none; versions are `1.2` or `1.3`."""

    ca: str | None = None
    verify: str = "full"
    fingerprints: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None
    min_version: str = "1.2"
    max_version: str = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Servers that can stand for each other. `proxy_header`: each connection to them begins with a PROXY header."""

    servers: tuple[Address, ...]
    tls: UpstreamTls | None = None
    proxy_header: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One front. `certificate` and `key` are PEM files, None where clients speak without TLS; `remove` are request
    headers that no client may set; `hints` are the literals of targets that go to Startgate; times are in seconds."""

    listen: Address
    nodes: Upstream
    startgate: Upstream
    certificate: str | None = None
    key: str | None = None
    http2: bool = False
    remove: tuple[str, ...] = ()
    hints: tuple[str, ...] = HINTS
    limits: EdgeLimits = field(default_factory=EdgeLimits)
    answer_s: float = ANSWER_S
