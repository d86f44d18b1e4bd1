"""The `break_glass` part of rule files: exceptions for an emergency. Whether they are vouched for is for `signed`."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from proxy.rules.compiled import BreakGlass, Origin
from proxy.rules.forms import MOMENT
from proxy.rules.ids import Ids
from proxy.rules.language import BREAK_GLASS
from proxy.rules.source import Entry, Node, Scalar, ScalarKind
from proxy.rules.values import Values

_MOMENT = re.compile(MOMENT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def break_glass(values: Values, entries: Sequence[Entry]) -> tuple[BreakGlass, ...]:
    """The exceptions of all files in their order. Faults are noted in `values`."""
    ids = Ids(values, "exception")
    found = (_exception(values, ids, entry, item) for entry in entries for item in values.items(entry))
    return tuple(one for one in found if one is not None)


def _exception(values: Values, ids: Ids, entry: Entry, item: Node) -> BreakGlass | None:
    keys = values.fields(item, entry.key, BREAK_GLASS)
    if keys is None:
        return None
    name = ids.take(keys["id"])
    start, end = _moment_ms(values, keys["from"]), _moment_ms(values, keys["until"])
    texts = {key: values.text(keys[key].value, key) for key in ("reason", "signed_by", "signature")}
    names = {key: tuple(one.text for one in values.patterns(keys[key]) or ()) for key in ("users", "jobs")}
    if name is None or start is None or end is None:
        return None
    return BreakGlass(
        id=name,
        from_ms=start,
        until_ms=end,
        users=names["users"],
        jobs=names["jobs"],
        origin=Origin(item.mark.file, item.mark.line),
        **{key: "" if scalar is None else scalar.text for key, scalar in texts.items()},
    )


def _moment_ms(values: Values, entry: Entry) -> int | None:
    node = entry.value
    if isinstance(node, Scalar) and (node.kind is ScalarKind.TEXT or node.reading == "date"):
        try:
            if _MOMENT.fullmatch(node.text):
                return (datetime.fromisoformat(node.text.upper()) - _EPOCH) // timedelta(milliseconds=1)
        except ValueError:
            pass  # a 13th month, a 25th hour
    values.note(node.mark, f"`{entry.key}` takes a time with its zone, such as 2026-11-24T22:00:00Z")
    return None
