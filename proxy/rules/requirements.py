"""The `require` part of a rule file: which privileges must be held.

A rule file may ask for more than Elasticsearch does, never for less than a start and its copy need: a list that is
missing, empty, or does not add up to `least` is a fault. So no slip of a pen makes a file that lets more through.
See docs/decisions/013-a-floor-under-rule-files.md.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proxy.privileges import UnknownPrivilege, require_cluster_privilege, require_index_privilege
from proxy.privileges.names import union_of_cluster, union_of_index
from proxy.privileges.patterns import Language
from proxy.rules.compiled import START_ACTION, Origin, Requirement
from proxy.rules.source import Entry, Scalar, Table
from proxy.rules.values import Values, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One of the lists: how its names are checked, what it must at least add up to, what is documented."""

    check: Callable[[str], None]
    union: Callable[[Iterable[str]], Language]
    least: tuple[str, ...]
    documented: str


_KINDS = {
    "cluster": _Kind(
        check=require_cluster_privilege,
        union=union_of_cluster,
        least=(START_ACTION,),
        documented="manage_ml",
    ),
    "source": _Kind(
        check=require_index_privilege,
        union=union_of_index,
        least=("indices:data/read/search", "indices:admin/mappings/get"),
        documented="read, view_index_metadata",
    ),
    "destination": _Kind(
        check=require_index_privilege,
        union=union_of_index,
        least=("indices:data/read/search", "indices:data/write/bulk", "indices:admin/create", "indices:admin/get"),
        documented="read, create_index, manage, index",
    ),
}

Required = dict[str, tuple[Requirement, ...]]


def requirements(values: Values, section: Entry, require: Entry | None) -> Required:
    """The privileges required, by kind: `cluster`, `source`, `destination`. Faults are noted in `values`."""
    if require is None:
        values.note(section.mark, f"`require` is missing; it lists the privileges for {listed(_KINDS)}")
        return dict.fromkeys(_KINDS, ())
    lists = values.table(require, _KINDS)
    found: Required = {}
    for name, kind in _KINDS.items():
        entry = lists.get(name)
        if entry is not None:
            found[name] = _list(values, kind, entry)
        elif isinstance(require.value, Table):
            values.note(require.mark, f"`require.{name}` is missing; {_advice(name, kind)}")
    return {name: found.get(name, ()) for name in _KINDS}


def _list(values: Values, kind: _Kind, entry: Entry) -> tuple[Requirement, ...]:
    before = len(values.faults)
    found = _privileges(values, kind, values.texts(entry))
    if len(values.faults) > before:
        return found
    if not found:
        message = f"`require.{entry.key}` is empty, so it would require nothing; {_advice(entry.key, kind)}"
        values.note(entry.value.mark, message)
        return found
    together = kind.union([item.privilege for item in found])
    for action in kind.least:
        if not together.matches(action):
            message = (
                f"`require.{entry.key}` must include a privilege that allows [{action}]; {_advice(entry.key, kind)}"
            )
            values.note(entry.value.mark, message)
    return found


def _privileges(values: Values, kind: _Kind, names: Sequence[Scalar]) -> tuple[Requirement, ...]:
    found: dict[str, Requirement] = {}
    for scalar in names:
        name = scalar.text.lower()
        try:
            kind.check(name)
        except UnknownPrivilege as unknown:
            values.note(scalar.mark, str(unknown))
            continue
        if not kind.union([name]).terms:
            values.note(scalar.mark, f"`{scalar.text}` allows no action, so to require it requires nothing")
        elif name in found:
            values.note(scalar.mark, f"`{scalar.text}` is there twice")
        else:
            found[name] = Requirement(name, Origin(scalar.mark.file, scalar.mark.line))
    return tuple(found.values())


def _advice(name: str, kind: _Kind) -> str:
    return f"Elasticsearch documents `{name}: [{kind.documented}]`"
