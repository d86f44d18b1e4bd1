"""What `_has_privileges` would answer, from role definitions (`RBACEngine`, `IndicesPermission`).

The question is textual: no index need exist, no alias, data stream or wildcard is resolved. A pattern asked for, minus
restricted names, must be a subset of what one group covers. What all groups that contain it allow together must include
what the privilege asked for needs. 9.1 unites groups with the same privileges first, 8.15 does not: to be told the
version is to answer as it does, and without one as the stricter does (docs/decisions/019-groups-are-not-united.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.privileges.automata import Undecidable
from proxy.privileges.groups import Joined, joined_of
from proxy.privileges.names import asked_cluster_language, index_language, union_of_cluster, union_of_index
from proxy.privileges.patterns import MAX_STEPS, NOTHING, Language, effort, included, language
from proxy.privileges.restricted import RESTRICTED, is_restricted
from proxy.privileges.roles import Role
from proxy.privileges.tables import FAILURES_ONLY, OWN_KEYS
from proxy.privileges.versions import Version

# When groups with the same privileges are known to count as one.
UNITED_SINCE: Version = (9, 1)

# Steps over all names of one question. Whoever makes a job chooses its source expressions, and each may cost as much as
# one comparison may: a thousand of those would take minutes. Thousands of plain names stay far below this.
MAX_STEPS_IN_ALL = 5 * MAX_STEPS


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
        cluster = tuple((None, privilege) for privilege, held in self.cluster.items() if not held)
        index = tuple(
            (name, privilege) for name, answer in self.index.items() for privilege, held in answer.items() if not held
        )
        return cluster + index


def check(roles: Iterable[Role], asked: Asked, *, version: Version | None = None) -> Held:
    """What of `asked` these roles together hold. Raises Undecidable, and UnknownPrivilege for what is asked.

    `version` (major, minor) is the cluster's, where it is known: see the head of this module.
    """
    known = tuple(roles)
    granted = {privilege.lower() for role in known for privilege in role.cluster}
    allowed = union_of_cluster(granted)
    index: dict[str, dict[str, bool]] = {}
    work = _Work(united=version is not None and version >= UNITED_SINCE)
    for entry in asked.index:
        for name in entry.names:
            answer = _index_answer(known, name, entry, work)
            before = index.setdefault(name, {})
            before.update({privilege: held and before.get(privilege, True) for privilege, held in answer.items()})
    return Held(
        cluster={
            privilege: (privilege.lower() == OWN_KEYS[0] in granted)
            or (included(asked_cluster_language(privilege), allowed) and bool(granted))
            for privilege in asked.cluster
        },
        index=index,
    )


def check_limited(
    roles: Iterable[Role], limited_by: Iterable[Role], asked: Asked, *, version: Version | None = None
) -> Held:
    """What of `asked` both sets of roles hold, each by itself (API keys). Raises as `check`.

    `roles` are a key's own descriptors; a key without any has exactly what `limited_by` has, so pass that for both.
    """
    own, limit = check(roles, asked, version=version), check(limited_by, asked, version=version)
    return Held(
        cluster={privilege: held and limit.cluster[privilege] for privilege, held in own.cluster.items()},
        index={
            name: {privilege: held and limit.index[name][privilege] for privilege, held in answer.items()}
            for name, answer in own.index.items()
        },
    )


class _Work:
    """Compares names, within what one question may cost. `united` says whether groups of equal privileges are one."""

    def __init__(self, *, united: bool) -> None:
        self.united = united
        self._left = MAX_STEPS_IN_ALL

    def included(self, inner: Language, outer: Language) -> bool:
        """As `patterns.included`. Raises Undecidable also where all that was compared so far has cost too much."""
        # Once it is used up, nothing more is compared.
        self._left -= effort(inner, outer) if self._left > 0 else 0
        if self._left <= 0:
            raise Undecidable(
                f"comparing all the names takes more than {MAX_STEPS_IN_ALL} steps; fewer or simpler ones would help"
            )
        return included(inner, outer)


def _index_answer(roles: tuple[Role, ...], name: str, entry: AskedIndex, work: _Work) -> dict[str, bool]:
    wanted = {privilege: index_language(privilege) for privilege in entry.privileges}
    plain = entry.allow_restricted or _names_restricted(name)
    asked = language([name], minus=() if plain else RESTRICTED)
    if work.included(asked, NOTHING):
        return dict.fromkeys(wanted, False)
    # A plain name is covered by groups together only where one of them covers it.
    one_by_one = not work.united and _is_pattern(name)
    sample = _sample(name, asked) if one_by_one else None
    answer: dict[str, bool] = {}
    for failures in (False, True):
        some = {
            privilege: needed
            for privilege, needed in wanted.items()
            if (privilege.lower() in FAILURES_ONLY) is failures
        }
        if some:
            component = _Component(
                asked, joined_of(roles, failures=failures), work, one_by_one=one_by_one, sample=sample
            )
            answer.update({privilege: component.allows(needed) for privilege, needed in some.items()})
    return answer


def _names_restricted(name: str) -> bool:
    # One restricted index by its exact name may be asked about without further ado.
    return not _is_pattern(name) and is_restricted(name)


def _is_pattern(name: str) -> bool:
    return name.startswith("/") or any(sign in name for sign in "*?")


def _sample(name: str, asked: Language) -> str | None:
    """A text that is asked about, found at a glance; None where there is no telling."""
    text = name.replace("*", "").replace("?", "a")
    return text if asked.matches(text) else None


class _Component:
    """What the groups allow on all of the names asked for; what could not be compared counts only if it matters."""

    def __init__(
        self, asked: Language, groups: Iterable[Joined], work: _Work, *, one_by_one: bool, sample: str | None
    ) -> None:
        self._work = work
        self._undecided = ""
        self._allowed = NOTHING
        self._perhaps = NOTHING
        self._contained = False
        for joined in groups:
            if joined.unreadable:
                self._note(joined.unreadable, joined)
            # What not even all together cover, none does: most often that is all there is to compare.
            covered = self._covered(asked, joined.together, joined)
            if covered and one_by_one and len(joined.each) > 1:
                # Of hundreds of groups, few begin as a text does that all must match.
                near = (names for names in joined.each if sample is None or sample.startswith(names.beginnings))
                covered = any(self._covered(asked, names.language, joined) for names in near)
            if covered:
                self._allowed |= union_of_index(joined.privileges)
                self._contained = True

    def _covered(self, asked: Language, names: Language, joined: Joined) -> bool:
        try:
            return self._work.included(asked, names)
        except Undecidable as undecided:
            self._note(str(undecided), joined)
            return False

    def _note(self, why: str, joined: Joined) -> None:
        self._undecided = why
        self._perhaps |= union_of_index(joined.privileges)

    def allows(self, needed: Language) -> bool:
        """Whether all that is needed is allowed. Raises Undecidable if only an undecided group could make it so."""
        # Where no group has the names, nothing is held: not even `none`, which needs nothing.
        if self._contained and included(needed, self._allowed):
            return True
        if self._undecided and included(needed, self._allowed | self._perhaps):
            raise Undecidable(self._undecided)
        return False
