"""What `_has_privileges` would answer, from role definitions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.privileges.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedIndex:
    """Index privileges asked for: every privilege on every name; names are patterns taken verbatim."""

    names: tuple[str, ...]
    privileges: tuple[str, ...]
    allow_restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of `_has_privileges`."""

    cluster: tuple[str, ...] = ()
    index: tuple[AskedIndex, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The answer: privilege → held, and index name verbatim → privilege → held."""

    cluster: Mapping[str, bool] = field(default_factory=dict)
    index: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything asked is held."""
        return not self.missing()

    def missing(self) -> tuple[tuple[str | None, str], ...]:
        """All that is not held: (index name, or None for the cluster; privilege), in the order of the answer."""
        raise NotImplementedError


def check(roles: Iterable[Role], asked: Asked) -> Held:
    """What of `asked` these roles together hold. Raises `Undecidable`."""
    raise NotImplementedError


def check_limited(roles: Iterable[Role], limited_by: Iterable[Role], asked: Asked) -> Held:
    """What of `asked` both sets of roles hold, each by itself (API keys). Raises `Undecidable`."""
    raise NotImplementedError
