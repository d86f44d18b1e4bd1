"""What a process is told when it starts: plain values, made by `config`, carried to each process as JSON.

Every limit has its unit in its name, a default, and the reason for it beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.tracing.settings import TracingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTls:
    """Certificate chain and private key files (PEM) of a listening address.

    `more` are further pairs of such files, for clients that ask for one of their names (SNI); everybody else gets the
    first. `client_ca` is a PEM file with the authorities of clients' certificates, None where none are asked for;
    `client_certificates` is then `required` or `optional`, and `client_crl` a PEM file with the lists of what those
    authorities have revoked. Versions are `1.2` or `1.3`.
    """

    certificate: str
    key: str
    more: tuple[tuple[str, str], ...] = ()
    client_ca: str | None = None
    client_certificates: str = "required"
    client_crl: str | None = None
    # RFC 8996: what is older must not be used.
    min_version: str = "1.2"
    max_version: str = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """One address to listen on; port 0 lets the system choose. `proxy_protocol` are the networks of fronts (CIDR form)
    that must begin each connection with a PROXY header; where it is empty, nobody may."""

    host: str
    port: int
    tls: ListenTls | None = None
    proxy_protocol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTls:
    """How the cluster's certificates are checked, and what is shown to the nodes.

    `ca` is a PEM file, or the system's store where None; `verify` is `full` (chain and host name), `certificate` (chain
    only), `fingerprint` (one of `fingerprints` only) or `unsafe_none`. `fingerprints` are SHA-256 digests of nodes' own
    certificates in lower-case hex; where there are any, no other certificate will do. `server_name` is the name that is
    asked for and checked instead of a node's own. `certificate` and `key` are this side's, as PEM files.
    """

    ca: str | None = None
    verify: str = "full"
    fingerprints: tuple[str, ...] = ()
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None
    min_version: str = "1.2"
    max_version: str = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimits:
    """Bounds of an edge worker."""

    # Elasticsearch refuses request lines over 4 KiB (http.max_initial_line_length): a little above, so that its own
    # answer is what a client sees wherever an operator has raised that setting.
    request_line_bytes: int = 16 * 1024
    # Elasticsearch's http.max_header_size is 16 KiB by default; Kibana behind single sign-on sends more than 8 KiB.
    request_head_bytes: int = 64 * 1024
    # Hundreds of `Warning` headers are ordinary in answers to searches over many indices.
    answer_head_bytes: int = 1024 * 1024
    headers: int = 1000
    # Longer than Kibana's and the clients' own keep-alive, so that it is the client that closes.
    client_idle_s: float = 120.0
    # For what comes before the first request of a connection, each of a PROXY header and a TLS handshake: some packets,
    # of which the slowest client has sent the last long before.
    client_handshake_s: float = 15.0
    # So many connections at a time may be at that; the oldest goes for a new one. A handshake takes milliseconds: those
    # that are under way for long are not meant to end.
    client_handshakes: int = 1024
    # From the first byte of a head to its end (nginx's client_header_timeout is 60).
    client_head_s: float = 30.0
    # In the middle of a message: how long a client may neither send nor read a byte (nginx's client_body_timeout and
    # send_timeout are 60; a buffer of ours drains slowly on a bad line).
    client_stall_s: float = 120.0
    # A body must arrive at this rate, on average over each window in which it is the client's turn: whoever sends a
    # byte now and then holds a connection to a node for nothing. Apache's mod_reqtimeout asks for 500; this is lower
    # for the sake of clients that write a bulk request while they find out what is to stand in it.
    client_body_bytes_per_s: int = 100
    client_body_window_s: float = 60.0
    # A request and its answer in all; 0 for no limit: a search, a scroll or a reindex may take hours, and a limit here
    # would be one that the cluster knows nothing of. Starts have limits of their own.
    client_request_s: float = field(default=0.0, metadata={"or_zero": True})
    # Open connections: an idle one costs some 4 KiB (47 with TLS, and more behind big bodies), and one descriptor.
    client_connections: int = 12_000
    # Of one address, below the former: no single address can shut all others out. It is high because an address is
    # often a load balancer, or everybody behind it.
    client_connections_per_address: int = 11_000
    # Requests at a time, each of which may hold `buffer_bytes` both ways: half a GiB at the worst.
    requests_in_flight: int = 4096
    requests_in_flight_per_address: int = 3072
    # After an answer that came before the request's end: how long the rest is read and thrown away, so that the answer
    # is not lost to a reset (nginx's lingering_time is 30).
    client_linger_s: float = 30.0
    upstream_connect_s: float = 5.0
    # Shorter than what load balancers and nodes keep idle connections for.
    upstream_idle_s: float = 50.0
    upstream_idle_connections: int = 256
    # A connection that is as old as this serves no further request; 0: it may grow as old as it likes. One that is
    # always busy is never idle for long: without this, a node that was put behind a load balancer would get nothing,
    # and a certificate that is trusted no longer would be trusted for ever. nginx closes after an hour
    # (keepalive_time); a handshake every quarter of one costs nothing.
    upstream_age_s: float = field(default=900.0, metadata={"or_zero": True})
    # So many requests in a row whose answer was broken or broken off, and the node is asked last for a while: one can
    # be an accident, or a request that no node survives. A node that cannot be connected to is asked last at once.
    upstream_eject_failures: int = 5
    # The first such while, about what a client waits before it tries again; each further one is twice as long, up to
    # the longest: a node takes some 30 s to start.
    upstream_eject_s: float = 1.0
    upstream_eject_longest_s: float = 30.0
    # How long a node that is back gets less than its share: its caches are cold, and its share is what broke it before.
    upstream_return_s: float = 10.0
    # Names of nodes are resolved this often, each address being a node; 0: only where one is connected to.
    # Orchestrators give records that live 5 to 60 s.
    upstream_resolve_s: float = field(default=30.0, metadata={"or_zero": True})
    # Nodes are connected to this often, so that it is no client's request that finds one down; 0: never. Off, since a
    # refused connect sends a request to the next node anyway.
    upstream_probe_s: float = field(default=0.0, metadata={"or_zero": True})
    # Connections of a worker to one node. Elasticsearch's own queue of searches (thread_pool.search.queue_size) holds
    # 1,000: what is beyond would only be refused there.
    upstream_connections: int = 1024
    # Requests that wait for a connection where every node has its share; beyond, 429.
    upstream_waiting: int = 1024
    # How long they wait before 503: a client that has waited this long has given up, or asks again.
    upstream_wait_s: float = 10.0
    # Connections of a worker to the gate: starts that are judged at a time. More would only wait inside the gate.
    gate_connections: int = 64
    # Starts that wait for one; the gate judges some 60 a second, so this is a few seconds' worth.
    gate_waiting: int = 256
    gate_wait_s: float = 30.0
    # How long the answer to an observed call (PUT, `_update`, `_stop`, DELETE of a job) waits until it is on record; 0:
    # not at all. The gate asks the cluster two questions for it, some milliseconds; whoever changes a job has waited
    # for the cluster's state to be published, which takes as long.
    observe_wait_s: float = field(default=1.0, metadata={"or_zero": True})
    # Observed calls that the gate is being told of; what is beyond passes and is counted. Each may hold a request's
    # head.
    observe_waiting: int = 64
    # One read or write buffer per direction: what a slow peer can make a worker hold.
    buffer_bytes: int = 64 * 1024
    # How long a stopping worker lets requests in flight finish.
    drain_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What becomes of `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded`: with `keep` they pass as they came, with
    `append` those from the networks `peers` (CIDR form) are extended and others replaced, with `replace` all are."""

    mode: str = "keep"
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """What an edge worker needs: where the cluster and the gate are. `nodes` are base addresses such as
    `https://10.0.0.1:9200`; `gate_socket` is the path of a Unix socket. `sniffing` is `pass` or `rewrite`:
    what a client is told that asks for the nodes' addresses."""

    nodes: tuple[str, ...]
    gate_socket: str
    cluster_tls: ClusterTls = field(default_factory=ClusterTls)
    sniffing: str = "pass"
    limits: EdgeLimits = field(default_factory=EdgeLimits)
    forwarded: Forwarded = field(default_factory=Forwarded)


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
class CertificateNames:
    """How a client's certificate names a user: `username` is `cn`, `dn`, `email`, `dns` or `uri`, or empty where
    `users` maps distinguished names to users."""

    username: str = ""
    users: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedHeader:
    """The header in which an authenticating front names the user. `peers` are networks in CIDR form; `roles_header`
    names the roles, where the front knows them; `forward`: the cluster gets to see the headers of a start."""

    name: str
    peers: tuple[str, ...]
    roles_header: str | None = None
    forward: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLimits:
    """Bounds of verifying passwords."""

    # How long a password that was right is right without asking again; 0 asks each time. Elasticsearch's realms
    # remember for 20 minutes: here a start is rare, and a change is to count soon.
    cache_s: float = field(default=60.0, metadata={"or_zero": True})
    # bcrypt at cost 10 takes some 60 ms of a core: what guesses can take from everything else on the host.
    threads: int = 2
    # Verifications that wait or run; beyond them starts are refused with 429.
    waiting: int = 128
    # What one peer address may fail in `failures_window_s`; below `waiting`, so that one peer cannot fill the queue.
    failures: int = 30
    failures_window_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """The ways in which Startgate itself learns who asks; at least one of the first, third and fourth is there."""

    users_file: str | None = None
    users_roles_file: str | None = None
    certificates: CertificateNames | None = None
    header: TrustedHeader | None = None
    limits: IdentityLimits = field(default_factory=IdentityLimits)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminLimits:
    """Bounds of the admin port."""

    # A session that nobody uses ends: half an hour is what a meal takes, and who is away longer has left the screen.
    session_idle_s: float = 1800.0
    # And in any case: a working day with some overtime, so that nobody signs in twice a day.
    session_total_s: float = 12 * 3600.0
    # How soon a privilege that was taken away counts here. Two calls to the cluster for each session in use.
    session_check_s: float = 300.0
    # Some 2 KiB each; the one that was quiet for longest goes for a new one.
    sessions: int = 1000
    # Of one user, below the former: nobody can end all others' sessions by signing in again and again.
    sessions_per_user: int = 10
    # Wrong sign-ins of one address (an IPv6 network of 64 bits) in any `sign_in_window_s`.
    sign_in_failures: int = 10
    # And under one user name, from wherever: guesses that come from many addresses.
    sign_in_failures_per_user: int = 30
    sign_in_window_s: float = 60.0
    # A call to the cluster for a viewer: who waits longer tries again.
    cluster_call_s: float = 10.0
    # From a request's head to the end of its body: a form, or a case of some KiB.
    body_s: float = 10.0
    # Starts that are held in memory for the list, the newest.
    starts_kept: int = 10_000
    # Viewers of the live feed at a time; each costs a connection and a queue.
    feed_viewers: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """Who gets a role on the admin port: whoever holds all of the privileges `cluster`, or has one of `roles`. With
    neither, nobody."""

    cluster: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminToken:
    """A bearer token in a file. `role` is `read` or `write`."""

    name: str
    file: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAccess:
    """Who may see and do what on the admin port. `own`: whoever else the cluster knows sees their own starts.
    `metrics_signed_in`: metrics are for viewers with `read` only."""

    read: AccessRule = field(default_factory=lambda: AccessRule(cluster=("manage_security",)))
    write: AccessRule = field(default_factory=lambda: AccessRule(cluster=("all",)))
    own: bool = True
    tokens: tuple[AdminToken, ...] = ()
    metrics_signed_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPort:
    """The admin port, as it is configured. `hosts` are names by which browsers may call it, beside its own; `socket`
    is the Unix socket for the operator on the same machine."""

    host: str
    port: int
    socket: str | None = None
    tls: ListenTls | None = None
    hosts: tuple[str, ...] = ()
    access: AdminAccess = field(default_factory=AdminAccess)
    limits: AdminLimits = field(default_factory=AdminLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings:
    """What the admin process needs. `processes` are the names of those that are to tell of themselves; `certificates`
    are PEM files whose end is told of; `nodes` and `cluster_tls` are as for the others. `control` and `gate_socket` are
    the gate's sockets, `journal` its folder, which this process reads; empty where there is none."""

    listen: AdminPort
    processes: tuple[str, ...]
    nodes: tuple[str, ...]
    cluster_tls: ClusterTls = field(default_factory=ClusterTls)
    certificates: tuple[str, ...] = ()
    control: str = ""
    gate_socket: str = ""
    journal: str = ""


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
