"""What the gate needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.settings.identity import IdentitySettings
from proxy.settings.journal import JournalSettings, Masking, Sinks
from proxy.settings.listening import ClusterTls
from proxy.tracing.settings import TracingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """Bounds of the gate."""

    # The body of a start holds an id and a timeout; nothing else is allowed in it.
    start_body_bytes: int = 64 * 1024
    # From a start's head to the end of its body: a few bytes, sent by a machine.
    start_body_s: float = 10.0
    # One call to the cluster while a start is judged.
    cluster_call_s: float = 30.0
    # An answer of the cluster that is held whole while a start is judged: a mapping of a hundred thousand fields is
    # some 5 MiB.
    cluster_answer_bytes: int = 64 * 1024 * 1024
    # Mappings and settings of a start's sources are never held whole: ten thousand indices of a thousand fields are
    # 400 MiB.
    source_answer_bytes: int = 2 * 1024 * 1024 * 1024
    # What is held of them: each distinct mapping once. Merging this much takes some tenths of a second, in which no
    # other start goes on.
    source_distinct_bytes: int = 64 * 1024 * 1024
    # Added to the start's own `timeout` when it is forwarded.
    forward_grace_s: float = 10.0
    # A start with `timeout=-1` waits as long as it takes; this is how long that may be.
    forward_limit_s: float = 3600.0
    # How long a job is watched after its start, and the longest pause between two looks: all jobs are looked at in one
    # call, which costs the nodes that run them a message each.
    follow_up_s: float = 7 * 24 * 3600.0
    follow_up_poll_s: float = 5.0
    # How long a stopping gate lets starts in flight finish.
    drain_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What the gate needs. `service` is the value of an `Authorization` header (`ApiKey …` or `Basic …`) or None;
    `rules` is a file or folder; `journal` a folder; `identity` is None where the cluster says who asks.

    `control` is the path of the control API's Unix socket, None for none; `watch_s` how many seconds lie between two
    looks at the rule files, None where nobody looks; `break_glass_keys` are public keys (PEM) by name; a start that
    takes `slow_start_s` is logged step by step (0: none); `tracing` is None where nothing is traced.
    """

    socket: str
    nodes: tuple[str, ...]
    rules: str
    journal: str
    service: str | None = field(default=None, repr=False)
    cluster_tls: ClusterTls = field(default_factory=ClusterTls)
    limits: GateLimits = field(default_factory=GateLimits)
    control: str | None = None
    watch_s: float | None = None
    break_glass_keys: Mapping[str, str] = field(default_factory=dict)
    identity: IdentitySettings | None = None
    sinks: Sinks = field(default_factory=Sinks)
    journaling: JournalSettings = field(default_factory=JournalSettings)
    masking: Masking = field(default_factory=Masking)
    tracing: TracingSettings | None = None
    slow_start_s: float = 10.0
