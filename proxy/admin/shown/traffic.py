"""What passes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficQuery:
    """Of the plots, only samples after `since` (seconds since 1970): for who has the earlier ones."""

    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a plot: a value for each of the times of its plot; None where none is known."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Lines over the same times (seconds since 1970). `unit` is of the values: `requests/s`, `bytes/s`, `ms`, `1`."""

    id: str
    title: str
    unit: str
    times: tuple[float, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node of the cluster, over all workers, since they began. Latencies are of the last minutes."""

    node: str
    state: str
    requests: int
    errors: int
    in_flight: int
    connections: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How often something was refused on the wire, and why."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One of our processes."""

    name: str
    up: bool
    pid: int | None
    up_for_s: float | None
    cpu_share: float | None
    memory_bytes: int | None
    loop_lag_ms: float | None
    deaths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """All of it, as of now; `plots` go back as far as they are kept."""

    time: str
    requests_per_s: float
    bytes_in_per_s: float
    bytes_out_per_s: float
    errors_per_s: float
    in_flight: int
    client_connections: int
    nodes: tuple[NodeRow, ...]
    refusals: tuple[Refusal, ...]
    processes: tuple[ProcessRow, ...]
    plots: tuple[Plot, ...]
