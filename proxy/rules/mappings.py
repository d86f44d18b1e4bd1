"""The `roles` and `role_mappings` parts of rule files: which role files there are, and who has which of their roles."""

from collections.abc import Mapping, Sequence

from proxy.errors import nearest
from proxy.rules.compiled import Authority, DefinedRole, Origin, RoleMapping
from proxy.rules.language import ROLE_MAPPING
from proxy.rules.overlap import covers
from proxy.rules.source import Entry, Mark, Node, Scalar, Table
from proxy.rules.values import Values

_WHO = ("users", "roles", "realms", "api_keys")


def role_paths(root: Node) -> tuple[Scalar, ...]:
    """The role files that a rule file names, as far as what it says there can be read; faults are not noted here."""
    entries = root.entries if isinstance(root, Table) else ()
    return tuple(scalar for entry in entries if entry.key == "roles" for scalar in Values().texts(entry))


def role_mappings(
    values: Values, entries: Sequence[Entry], roles: Mapping[str, DefinedRole], *, complete: bool
) -> tuple[RoleMapping, ...]:
    """The mappings of all files in their order. Faults are noted in `values`.

    `complete` says that every role file could be read: only then a role that none of them has is a fault.
    """
    found: list[tuple[RoleMapping, Mark]] = []
    for entry in entries:
        for item in values.items(entry):
            keys = values.fields(item, entry.key, ROLE_MAPPING)
            if keys is None:
                continue
            if not any(key in keys for key in _WHO):
                who = "say who, by `users`, `roles`, `realms` or `api_keys`"
                values.note(item.mark, f"this would give the roles to everybody; {who}")
            if "api_keys" in keys and "users" not in keys:
                message = "anybody may give an API key this name; say whose keys are meant, by `users`"
                values.note(keys["api_keys"].mark, message)
            grants = _grants(values, keys["grants"], roles if complete else None)
            names = {key: _names(values, keys.get(key)) for key in _WHO}
            origin = Origin(item.mark.file, item.mark.line)
            found.append((RoleMapping(grants=grants, origin=origin, **names), item.mark))
    _idle(values, found)
    return tuple(mapping for mapping, _ in found)


def check_use(
    values: Values, authority: Authority, mark: Mark, files: Sequence[Entry], mappings: Sequence[Entry]
) -> None:
    """Note roles that nobody asks, and an authority (written at `mark`) that has nobody to ask."""
    if authority is not Authority.CLUSTER:
        if not files:
            message = f"`authority: {authority}` needs role files: name them under `roles`, at the top of a rule file"
            values.note(mark, message)
        return
    for entry in (*files, *mappings):
        message = (
            f"`{entry.key}` has no use: under `authority: cluster` nobody asks role files; write `roles` or `both`"
        )
        values.note(entry.mark, message)


def _grants(values: Values, entry: Entry, roles: Mapping[str, DefinedRole] | None) -> tuple[str, ...]:
    found: dict[str, Scalar] = {}
    for scalar in values.filled(entry):
        if scalar.text in found:
            values.note(scalar.mark, f"`{scalar.text}` is there twice")
        elif roles is not None and scalar.text not in roles:
            hint = nearest(scalar.text, roles)
            values.note(scalar.mark, f"no role file defines the role `{scalar.text}`{hint}")
        found[scalar.text] = scalar
    return tuple(found)


def _names(values: Values, entry: Entry | None) -> tuple[str, ...] | None:
    patterns = values.patterns(entry)
    return None if patterns is None else tuple(scalar.text for scalar in patterns)


def _idle(values: Values, found: Sequence[tuple[RoleMapping, Mark]]) -> None:
    for place, (mapping, mark) in enumerate(found):
        for beside, (other, _) in enumerate(found):
            if place != beside and _within(mapping, other) and (beside < place or not _within(other, mapping)):
                message = f"the mapping in {other.origin} gives all of this to all of these; remove it"
                values.note(mark, message)
                break


def _within(mapping: RoleMapping, other: RoleMapping) -> bool:
    # A mapping that names no API keys speaks of none: there, nothing covers something only where both name none.
    if set(mapping.grants) - set(other.grants) or (mapping.api_keys is None) != (other.api_keys is None):
        return False
    kinds = ((getattr(mapping, kind), getattr(other, kind)) for kind in _WHO)
    return all(wide is None or (narrow is not None and covers(wide, narrow)) for narrow, wide in kinds)
