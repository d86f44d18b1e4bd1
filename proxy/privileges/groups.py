"""What a set of roles grants on indices, in the groups that Elasticsearch forms (`CompositeRolesStore`).

Grants on exactly the same set of names are joined first: privileges are united and, which matters for field-level
security, so are the fields that each shows. A grant without field security shows all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from proxy.privileges.automata import Undecidable
from proxy.privileges.fields import FieldSecurity
from proxy.privileges.names import union_of_index
from proxy.privileges.patterns import Language, language
from proxy.privileges.restricted import RESTRICTED
from proxy.privileges.roles import IndexGrant, Role
from proxy.privileges.tables import ALSO_MAPPING, BOTH_COMPONENTS, FAILURES_ONLY, MAPPING_ACTIONS


@dataclass(frozen=True, slots=True)
class Group:
    """Privileges (lower case) on a set of names. `views` is None where every field is shown."""

    names: frozenset[str]
    privileges: frozenset[str]
    allow_restricted: bool
    views: frozenset[FieldSecurity] | None

    def index_language(self) -> Language:
        """The index names that the group covers. Raises Undecidable."""
        return language(self.names, minus=() if self.allow_restricted else RESTRICTED)

    def data_privileges(self) -> frozenset[str]:
        """The privileges that reach data: all but those of the failure store."""
        return self.privileges - FAILURES_ONLY

    def failure_privileges(self) -> frozenset[str]:
        """The privileges that reach the failure store."""
        return self.privileges & (FAILURES_ONLY | BOTH_COMPONENTS)

    def covers(self, name: str) -> bool:
        """Whether the one index, alias or data stream of this name is covered. Raises Undecidable."""
        return self.index_language().matches(name)

    def allows(self, action: str) -> bool:
        """Whether the group allows the action on data of what it covers (an index or alias, not a data stream)."""
        if action in MAPPING_ACTIONS and self.privileges & ALSO_MAPPING:
            return True
        return union_of_index(self.data_privileges()).matches(action)


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """The names of one group. Each that it covers begins with one of `beginnings`."""

    language: Language
    beginnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """All groups with the same privileges on one component, data or failure store.

    `each` are the names of every group, and `together` of all; groups whose names cannot be read are in neither:
    `unreadable` says why, and is empty where there is none.
    """

    privileges: frozenset[str]
    each: tuple[Names, ...]
    together: Language
    unreadable: str


def groups_of(roles: Iterable[Role]) -> tuple[Group, ...]:
    """The groups of a set of roles, in the order in which their names first appear."""
    return _groups(tuple(roles))


@lru_cache(maxsize=256)
def _groups(roles: tuple[Role, ...]) -> tuple[Group, ...]:
    found: dict[tuple[frozenset[str], bool], Group] = {}
    for grant in (grant for role in roles if not _denies(role) for grant in role.indices):
        key = (frozenset(grant.names), grant.allow_restricted)
        fresh = Group(
            names=key[0],
            privileges=frozenset(privilege.lower() for privilege in grant.privileges),
            allow_restricted=grant.allow_restricted,
            views=None if grant.field_security is None else frozenset({grant.field_security}),
        )
        found[key] = _joined(found[key], fresh) if key in found else fresh
    return tuple(found.values())


@lru_cache(maxsize=256)
def joined_of(roles: tuple[Role, ...], *, failures: bool) -> tuple[Joined, ...]:
    """The groups of a set of roles by their privileges on data or on the failure store; those without are left out."""
    found: dict[frozenset[str], list[Group]] = {}
    for group in groups_of(roles):
        privileges = group.failure_privileges() if failures else group.data_privileges()
        if privileges:
            found.setdefault(privileges, []).append(group)
    return tuple(_join(privileges, groups) for privileges, groups in found.items())


def _join(privileges: frozenset[str], groups: Iterable[Group]) -> Joined:
    # One automaton for all plain names, one for all that may be restricted: hundreds of groups cost as much as one.
    plain: set[str] = set()
    reaching: set[str] = set()
    each: list[Names] = []
    unreadable = ""
    for group in groups:
        try:
            each.append(Names(group.index_language(), tuple(_beginning(name) for name in group.names)))
        except Undecidable as undecided:
            # It must not spoil the others that share its privileges.
            unreadable = str(undecided)
            continue
        (reaching if group.allow_restricted else plain).update(group.names)
    together = language(plain, minus=RESTRICTED) | language(reaching)
    return Joined(privileges, tuple(each), together, unreadable)


def _beginning(pattern: str) -> str:
    """The characters before the first that may mean something else than itself."""
    return re.split(r"[*?\\]|^/", pattern, maxsplit=1)[0]


def _denies(role: Role) -> bool:
    # A role whose only grant names `none` first counts as if it had no grant at all.
    only: tuple[IndexGrant, ...] = role.indices
    return len(only) == 1 and bool(only[0].privileges) and only[0].privileges[0].lower() == "none"


def _joined(one: Group, other: Group) -> Group:
    views = None if one.views is None or other.views is None else one.views | other.views
    return Group(one.names, one.privileges | other.privileges, one.allow_restricted, views)
