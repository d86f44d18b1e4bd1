"""The `guards` part of rule files: conditions that speak against a start, compiled and checked."""

from collections.abc import Sequence

from proxy.rules.cel import BadCondition, compile_condition
from proxy.rules.compiled import Guard, GuardFailed, Mode, Origin, Program
from proxy.rules.ids import Ids
from proxy.rules.language import GUARD
from proxy.rules.places import place_in
from proxy.rules.source import Entry, Node, Scalar
from proxy.rules.values import Values

# It goes into the answer and, where a guard only warns, into a header.
MESSAGE_CHARS = 1000
# Names that always stand for the same.
_CONSTANTS = frozenset({"kib", "mib", "gib", "tib"})


def guards(values: Values, entries: Sequence[Entry]) -> tuple[Guard, ...]:
    """The guards of all files in their order. Faults are noted in `values`."""
    ids = Ids(values, "guard")
    found = (_guard(values, ids, entry, item) for entry in entries for item in values.items(entry))
    return tuple(guard for guard in found if guard is not None)


def _guard(values: Values, ids: Ids, entry: Entry, item: Node) -> Guard | None:
    keys = values.fields(item, entry.key, GUARD)
    if keys is None:
        return None
    name = ids.take(keys["id"])
    mode = values.choice(keys.get("mode"), Mode.ENFORCE)
    message = _message(values, keys["message"])
    deny = values.text(keys["deny"].value, "deny")
    program = None if deny is None else _program(values, deny)
    if name is None or deny is None or program is None:
        return None
    origin = Origin(item.mark.file, item.mark.line)
    return Guard(id=name, mode=mode, deny=deny.text, program=program, message=message, origin=origin)


def _message(values: Values, entry: Entry) -> str:
    scalar = values.text(entry.value, entry.key)
    text = "" if scalar is None else scalar.text.strip()
    if not text.isprintable():
        values.note(entry.value.mark, "`message` must be one line of printable characters")
    elif len(text) > MESSAGE_CHARS:
        values.note(entry.value.mark, f"`message` has more than {MESSAGE_CHARS} characters")
    return text


def _program(values: Values, deny: Scalar) -> Program | None:
    try:
        program = compile_condition(deny.text)
    except BadCondition as bad:
        values.note(place_in(deny, bad.line, bad.column), f"`deny`: {bad.message}")
        return None
    if program.mentions <= _CONSTANTS:
        values.note(deny.mark, f"the guard {_always(program)}, whatever is started: it looks at nothing")
    return program


def _always(program: Program) -> str:
    try:
        return "always denies" if program.holds({}) else "never denies"
    except GuardFailed:
        return "cannot be told"
