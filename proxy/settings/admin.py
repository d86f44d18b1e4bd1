"""What the admin process needs."""

from dataclasses import dataclass, field

from proxy.settings.listening import ClusterTls, ListenTls


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
    # Of one viewer: a browser with some pages open has as many.
    feed_viewers_per_user: int = 10
    # To the address, idle ones too; some 50 KiB each. The oldest idle one goes for a new one.
    connections: int = 500
    # What one viewer has put on record in a minute: signing in, exports, checks. Each is a line of the journal.
    acts_per_minute: int = 60


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
