"""The `trusted_intermediaries` part of rule files: who starts jobs for others without saying for whom."""

from proxy.errors import nearest
from proxy.rules.compiled import Origin, Trusted
from proxy.rules.language import TRUSTED
from proxy.rules.source import Entry, Mark, Node, Table
from proxy.rules.values import Values, listed

# Names that need no realm beside them, with the realm (name and type) that the cluster itself keeps them in. Any other
# name may be held by a user of several realms.
_BUILT_IN = {"kibana_system": "reserved", "elastic/kibana": "_service_account"}


def trusted(values: Values, entry: Entry | None, mark: Mark) -> tuple[Trusted, ...]:
    """The intermediaries; where there is no entry, the built-in ones, as if written at `mark`. Notes faults."""
    if entry is None:
        origin = Origin(mark.file, mark.line)
        return tuple(Trusted(name, realm, origin, realm) for name, realm in _BUILT_IN.items())
    found: dict[tuple[str, str], Trusted] = {}
    for item in values.items(entry):
        one = _with_realm(values, item) if isinstance(item, Table) else _by_name(values, item, entry.key)
        if one is None:
            continue
        key = (one.username, one.realm)
        if key in found:
            values.note(item.mark, f"`{one.username}` of the realm `{one.realm}` is there twice")
        found[key] = one
    return tuple(found.values())


def _with_realm(values: Values, table: Table) -> Trusted | None:
    keys = values.fields(table, "trusted_intermediaries", TRUSTED)
    if keys is None:
        return None
    username, realm = (values.text(keys[key].value, key) for key in ("username", "realm"))
    if username is None or realm is None:
        return None
    return Trusted(username.text, realm.text, Origin(table.mark.file, table.mark.line))


def _by_name(values: Values, item: Node, key: str) -> Trusted | None:
    scalar = values.text(item, key)
    if scalar is None:
        return None
    realm = _BUILT_IN.get(scalar.text)
    if realm is not None:
        return Trusted(scalar.text, realm, Origin(scalar.mark.file, scalar.mark.line), realm)
    values.note(
        scalar.mark,
        f"`{scalar.text}` needs its realm beside it, as users of that name may be in several realms: "
        f"{{username: {scalar.text}, realm: …}}{nearest(scalar.text, _BUILT_IN)}; by name alone: {listed(_BUILT_IN)}",
    )
    return None
