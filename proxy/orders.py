"""What the supervisor tells a child process, as one line of JSON: plain records, known to both sides."""

from dataclasses import dataclass, field

from proxy.logs.settings import LogSettings
from proxy.settings import AdminSettings, EdgeSettings, GateSettings, ListenTls

# What a child writes to its standard output, as one line, once it serves.
READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listening socket that the child inherits under the descriptor `fd`; the rest is as in `settings.Listen`."""

    fd: int
    tls: ListenTls | None = None
    proxy_protocol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOrder:
    """Be an edge worker. `name` stands in log lines, and `log` says how they are written; `metrics` is the socket of
    whoever asks for metrics, None where nobody does."""

    name: str
    settings: EdgeSettings
    listeners: tuple[Listener, ...]
    metrics: str | None = None
    log: LogSettings = field(default_factory=LogSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOrder:
    """Be the gate. `name`, `log` and `metrics` as above."""

    name: str
    settings: GateSettings
    metrics: str | None = None
    log: LogSettings = field(default_factory=LogSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminOrder:
    """Serve the admin port. `name` and `log` as above; `metrics` is the socket on which the other processes tell."""

    name: str
    settings: AdminSettings
    metrics: str
    log: LogSettings = field(default_factory=LogSettings)
