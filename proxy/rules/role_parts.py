"""Single parts of an index grant in a role file: field-level security, the query, a flag."""

import json

from proxy.privileges import FieldSecurity, Undecidable
from proxy.privileges.patterns import included, language
from proxy.rules.source import Entry, Listing, Node, Scalar, ScalarKind, Table
from proxy.rules.values import Values

_BOOLEANS = {"true": True, "false": False}


def is_null(node: Node) -> bool:
    """Whether the value is left out, or written `null` or `~`."""
    return isinstance(node, Scalar) and node.reading == "null"


def true_or_false(values: Values, entry: Entry | None) -> bool:
    """A flag, off where it is not written. `yes` and its like are refused: not all readers of YAML agree on them."""
    if entry is None:
        return False
    node = entry.value
    if isinstance(node, Scalar) and node.reading == "bool" and node.text in _BOOLEANS:
        return _BOOLEANS[node.text]
    values.note(node.mark, f"`{entry.key}` must be true or false")
    return False


def query(values: Values, entry: Entry | None) -> str | None:
    """The query of document-level security as text: as it is written, or as the JSON of a mapping."""
    if entry is None or is_null(entry.value):
        return None
    if isinstance(entry.value, Table):
        return json.dumps(_plain(entry.value), separators=(",", ":"))
    scalar = values.text(entry.value, entry.key)
    return None if scalar is None else scalar.text


def field_security(values: Values, entry: Entry | None) -> FieldSecurity | None:
    """The fields that a grant shows; None for all. What is excepted must be part of what is granted, as in
    `FieldPermissions`."""
    if entry is None:
        return None
    before = len(values.faults)
    keys = values.table(entry, ("grant", "except"))
    if isinstance(entry.value, Table) and not entry.value.entries:
        values.note(entry.value.mark, f"`{entry.key}` is empty; it takes `grant`, `except` or both")
    lists = {key: tuple(scalar.text for scalar in values.texts(part)) for key, part in keys.items()}
    security = FieldSecurity(lists.get("grant", ("*",)), lists.get("except", ()))
    if len(values.faults) == before:
        _check(values, entry, security)
    return None if security.total else security


def _check(values: Values, entry: Entry, security: FieldSecurity) -> None:
    granted = ("*",) if "*" in security.grant else (*security.grant, "_*")
    try:
        within = included(language(security.except_), language(granted))
    except Undecidable as undecidable:
        values.note(entry.value.mark, str(undecidable))
        return
    if not within:
        message = (
            f"what is excepted ({', '.join(security.except_)}) must be part of what is granted "
            f"({', '.join(security.grant)})"
        )
        values.note(entry.value.mark, message)


def _plain(node: Node) -> object:
    if isinstance(node, Table):
        return {entry.key: _plain(entry.value) for entry in node.entries}
    if isinstance(node, Listing):
        return [_plain(item) for item in node.items]
    if node.reading == "null":
        return None
    if node.kind is ScalarKind.INT:
        return int(node.text.replace("_", ""))
    return _BOOLEANS.get(node.text, node.text) if node.reading == "bool" else node.text
