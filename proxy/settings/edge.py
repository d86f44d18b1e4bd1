"""What an edge worker needs."""

from dataclasses import dataclass, field

from proxy.settings.listening import ClusterTls


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
