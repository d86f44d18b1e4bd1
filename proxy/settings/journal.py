"""The journal, what is masked in it, and where copies of it go."""

from dataclasses import dataclass, field

from proxy.settings.listening import ClusterTls


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """Which fields of records are masked (`journal.mask.MASKABLE`), and the key: whoever has it can find out who is
    behind a mask by trying all names."""

    fields: tuple[str, ...] = ()
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """How the journal is written. `on_full` is `refuse` or `unsafe_continue`: what becomes of a start that cannot be
    recorded. `checkpoint_key` is an Ed25519 private key (PEM), empty for no checkpoints. 0 of an age or of a number of
    files is no bound."""

    on_full: str = "refuse"
    # An fsync takes milliseconds; a volume in a cloud that is moved or throttled pauses for seconds. Two such waits end
    # before Kibana gives a request up (30 s).
    append_limit_s: float = 5.0
    # Some 30,000 starts: small enough to be copied and searched at once, big enough that a year is not ten thousand
    # files.
    rotate_size_bytes: int = 64 * 1024 * 1024
    # A file a day, so that files can be kept and removed by their age.
    rotate_age_s: float = 24 * 3600.0
    # By default nothing is ever deleted.
    retain_files: int = 0
    retain_age_s: float = 0.0
    checkpoint_key: str = field(default="", repr=False)
    # What can be cut off unnoticed at the worst; a signature and an fsync for each.
    checkpoint_every_records: int = 1000

    @property
    def continues(self) -> bool:
        """Whether a start goes on that cannot be recorded."""
        return self.on_full == "unsafe_continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipLimits:
    """Bounds of shipping the journal to sinks, for each sink alone."""

    # A batch is the most that a sink holds in memory, and that is sent again after a failure. Records have some 2 KiB,
    # so these are reached about together, far below what a node takes (http.max_content_length, 100 MiB).
    batch_records: int = 1000
    batch_bytes: int = 4 * 1024 * 1024
    # From a batch's first byte to the answer: a node that is busy takes seconds for a bulk request.
    send_s: float = 30.0
    # The first pause after a failure; each further one is twice as long, up to the longest, and a part of it is chance.
    retry_s: float = 0.5
    retry_longest_s: float = 60.0
    # Between two looks at the journal where all is shipped: some system calls for each file.
    poll_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSink:
    """A data stream in the cluster. `authorization` is the value of an `Authorization` header of its own, None where
    the service credential is used; `keep_days` how long the cluster is asked to keep documents, 0 for ever."""

    data_stream: str
    authorization: str | None = field(default=None, repr=False)
    # PCI DSS 10.5.1 asks for a year of audit logs; others ask for less.
    keep_days: int = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogSink:
    """A syslog receiver; plain TCP where `tls` is None."""

    host: str
    port: int
    tls: ClusterTls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """A URL that takes batches of records, signed with `secret`."""

    url: str
    secret: str = field(repr=False)
    tls: ClusterTls = field(default_factory=ClusterTls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where the journal is shipped to. `stdout` is the descriptor that lines are written to, None where they are
    not."""

    elasticsearch: StreamSink | None = None
    syslog: SyslogSink | None = None
    webhook: WebhookSink | None = None
    stdout: int | None = None
    limits: ShipLimits = field(default_factory=ShipLimits)
