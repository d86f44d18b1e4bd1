"""The `flows` part of rule files: which sources may be copied into which destinations."""

import re
from collections.abc import Sequence

from proxy.rules.compiled import Flow, Origin
from proxy.rules.language import FLOW
from proxy.rules.overlap import Neighbours, covers
from proxy.rules.source import Entry, Mark, Scalar
from proxy.rules.values import Values

# MetadataCreateIndexService.validateIndexOrAliasName; `*` and `?` are wildcards.
_NAME = re.compile(r"[^-_+\\/\"<>|\s,#:A-Z][^\\/\"<>|\s,#:A-Z]*")


def flows(values: Values, entries: Sequence[Entry]) -> tuple[Flow, ...] | None:
    """The flows of all files in their order; None where no file has any. Faults are noted in `values`.

    An empty list would let nothing be copied: that is a fault, so that the loss of the last flow is one.
    """
    if not entries:
        return None
    found: list[tuple[Flow, Mark]] = []
    for entry in entries:
        items = values.items(entry)
        for item in items:
            keys = values.fields(item, entry.key, FLOW)
            if keys is None:
                continue
            origin = Origin(item.mark.file, item.mark.line)
            flow = Flow(sources=_names(values, keys["from"]), destinations=_names(values, keys["to"]), origin=origin)
            found.append((flow, item.mark))
    if not found and not values.faults:
        values.note(entries[0].value.mark, "`flows` is empty, so nothing could be copied; leave it out to allow any")
    _idle(values, found)
    return tuple(flow for flow, _ in found)


def _names(values: Values, entry: Entry) -> tuple[str, ...]:
    before = len(values.faults)
    patterns = values.patterns(entry) or ()
    if len(values.faults) == before:
        for scalar in patterns:
            if problem := _problem(scalar):
                values.note(scalar.mark, f"`{scalar.text}` {problem}")
    return tuple(scalar.text for scalar in patterns)


def _problem(scalar: Scalar) -> str:
    text = scalar.text
    if text.startswith("/") or _NAME.fullmatch(text):
        return ""
    if text == "_all":
        return "is no name of an index; write `*` for all of them"
    if text.startswith("-"):
        return "takes nothing away here: a flow names what may be copied, and the rest is denied"
    if ":" in text:
        return "names another cluster, and a job copies within its own"
    return 'can match no index: names are lower case, and have none of \\ / " < > | , # : or white space'


def _idle(values: Values, found: Sequence[tuple[Flow, Mark]]) -> None:
    neighbours = Neighbours(flow.sources for flow, _ in found)
    for place, (flow, mark) in enumerate(found):
        for beside in neighbours.of(flow.sources):
            other, _ = found[beside]
            if place != beside and _within(flow, other) and (beside < place or not _within(other, flow)):
                values.note(mark, f"the flow in {other.origin} covers this one, so it makes no difference; remove it")
                break


def _within(flow: Flow, other: Flow) -> bool:
    return covers(other.destinations, flow.destinations) and covers(other.sources, flow.sources)
