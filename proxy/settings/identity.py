"""Who asks, where the proxy says it and not the cluster."""

from dataclasses import dataclass, field


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
