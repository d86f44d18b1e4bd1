"""The roles that every cluster has (`ReservedRolesStore`), read from the table of `builtin_roles`.

Two releases were looked at, 8.15.3 and 9.1.0. A cluster is taken to have the roles of the newer of them that is not
newer than it; one before 8.15, those of 8.15.3. See docs/decisions/018-built-in-roles.md.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from proxy.privileges.builtin_roles import ROLES
from proxy.privileges.roles import IndexGrant, Role

# The version (major, minor) of the newer release.
CHANGED = (9, 1)

# Names that a role file must not define, whatever the version: those of both releases, and one of 7.x alone.
_GONE = "kibana_dashboard_only_user"

_LINE = re.compile(r" *(?:(?P<when>since|before) 9\.1 )?(?P<kind>role|cluster|run_as|index!?)(?: (?P<rest>.*))?")


def built_in(version: tuple[int, int]) -> Mapping[str, Role]:
    """The built-in roles of a cluster of this version (major, minor), by name."""
    return _NEWER if version >= CHANGED else _OLDER


def _read(without: str) -> Mapping[str, Role]:
    """The roles of the table, but for what is marked as `without`."""
    found: dict[str, Role] = {}
    name = ""
    left_out = False
    for line in re.sub(r"\n {4,}", " ", ROLES.strip()).splitlines():
        part = _LINE.fullmatch(line)
        assert part is not None, line  # noqa: S101 - the table is part of the code
        kind, rest = part["kind"], part["rest"]
        if kind == "role":
            name, left_out = rest, part["when"] == without
        if left_out or part["when"] == without:
            continue
        found[name] = Role(name=name) if kind == "role" else _with(found[name], kind, rest)
    return MappingProxyType(found)


def _with(role: Role, kind: str, rest: str) -> Role:
    """The role with one more part."""
    if kind == "cluster":
        return replace(role, cluster=(*role.cluster, *rest.split(", ")))
    if kind == "run_as":
        return replace(role, run_as=(*role.run_as, *rest.split(", ")))
    privileges, names = rest.split(" on ")
    grant = IndexGrant(
        names=tuple(names.split()), privileges=tuple(privileges.split(", ")), allow_restricted=kind == "index!"
    )
    return replace(role, indices=(*role.indices, grant))


_OLDER = _read("since")
_NEWER = _read("before")

# Each role as the newest release has it that has it at all.
BUILT_IN: Mapping[str, Role] = MappingProxyType({**_OLDER, **_NEWER})

RESERVED_ROLES = frozenset({*BUILT_IN, _GONE})
