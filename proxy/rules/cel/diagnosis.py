"""What the library says of a bad condition, in the words of a rule file: where, what is allowed, the nearest name."""

import re
from collections.abc import Iterable

from proxy.errors import nearest
from proxy.rules.cel.errors import BadCondition
from proxy.rules.cel.limits import NESTING
from proxy.rules.cel.messages import PACKAGE
from proxy.rules.cel.variables import FUNCTIONS, MACROS, VARIABLES, Variable

_PLACED = re.compile(r"ERROR: [^\n:]*:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_SELECT = re.compile(r"expression of type '([^']*)' cannot be the operand of a select operation")
_INPUT = re.compile(r"input '([^']*)'")
# As Python, SQL and shells write them; and as Elasticsearch writes sizes.
_OPERATORS = {"and": "&&", "or": "||", "not": "!", "&": "&&", "|": "||", "=": "=="}
_UNITS = frozenset({"b", "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib", "t", "tb", "tib"})
_DEEP = re.compile(r"recursion (?:limit|depth)", re.IGNORECASE)
_TIMESTAMP = "google.protobuf.Timestamp"
# Names of types as docs/guards.md has them, and an error's code, which says nothing.
_SHOWN = {
    f"{PACKAGE}.": "",
    "[INVALID_ARGUMENT]": "",
    _TIMESTAMP: "timestamp",
    "google.protobuf.Duration": "duration",
}
_CALLABLE = tuple(function.name for function in (*MACROS, *FUNCTIONS))


def bad_condition(text: str, error: str) -> BadCondition:
    """The first of the faults that the library found in `text`."""
    if _DEEP.search(error):
        return BadCondition(f"is nested too deeply (at most {NESTING} levels)")
    placed = _PLACED.search(error)
    if placed is None:
        return BadCondition(f"is not a CEL expression: {plain(error)}")
    line, column = max(int(placed[1]), 1), max(int(placed[2]), 1)
    said = placed[3]
    lines = text.split("\n")
    written = lines[line - 1] if line <= len(lines) else ""
    if undeclared := _UNDECLARED.search(said):
        return _undeclared(undeclared[1], written, line, column)
    if field := _FIELD.search(said):
        return BadCondition(_no_field(field[1], field[2]), line, _after_dot(written, column))
    if select := _SELECT.search(said):
        message = f"a {plain(select[1])} has no fields"
        return BadCondition(message, line, _after_dot(written, column))
    if overload := _OVERLOAD.search(said):
        return BadCondition(_no_overload(overload[1], overload[2]), line, column)
    return BadCondition(_syntax(said), line, column)


def _syntax(said: str) -> str:
    """A syntax error without the list of all that might have stood there."""
    short = re.sub(r" expecting (?:\{.*\}|'<EOF>')$", "", said.removeprefix("Syntax error: "))
    if "'<EOF>'" in short:
        return "ends too early: something is missing here"
    return f"is not a CEL expression: {plain(short)}{_meant(short)}"


def _meant(said: str) -> str:
    """What may have been meant, where others write what CEL does not know: `and`, or `4gb`."""
    found = _INPUT.search(said)
    word = found[1].lower() if found else ""
    if word in _OPERATORS:
        return f" (did you mean {_OPERATORS[word]!r}?)"
    return " (sizes are written so: 4 * gib)" if word in _UNITS else ""


def _undeclared(name: str, written: str, line: int, column: int) -> BadCondition:
    """A name that means nothing: of a function where a bracket follows, else of a variable."""
    if written[column - 1 : column] == "(":
        start = max(column - len(name), 1)
        return BadCondition(f"there is no function {name!r}{nearest(name, _CALLABLE)}", line, start)
    first, _, rest = name.partition(".")
    # A chain is reported at its last dot. Spaces in it make the beginning unknown: then the dot has to do.
    before = name.rpartition(".")[0]
    start = column - len(before) if rest and written[: column - 1].endswith(before) else column
    known = [variable.name for variable in VARIABLES]
    hint = nearest(first, known) or f" (allowed: {', '.join(known)})"
    return BadCondition(f"there is no variable {first!r}{hint}", line, start)


def _after_dot(written: str, column: int) -> int:
    """The column of a field's name, where the dot before it was named."""
    return column + 1 if written[column - 1 : column] == "." else column


def _no_field(name: str, struct: str) -> str:
    """That a record lacks a field, with the nearest one, or all."""
    path = struct.removeprefix(f"{PACKAGE}.").split("_")
    allowed = [field.name for field in _fields(path)]
    hint = nearest(name, allowed) or f" (allowed: {', '.join(allowed)})"
    return f"{'.'.join(path)} has no field {name!r}{hint}"


def _fields(path: Iterable[str]) -> tuple[Variable, ...]:
    """The fields of a record by its path."""
    fields: tuple[Variable, ...] = VARIABLES
    for piece in path:
        fields = next((variable.fields for variable in fields if variable.name == piece), ())
    return fields


def _no_overload(name: str, types: str) -> str:
    """That an operator or function does not take values of these types."""
    shown = name.removeprefix("@").replace("_", " ").strip() if not name.isalnum() else name
    message = f"{shown!r} cannot be applied to ({plain(types)})"
    taken = set(types.split(", "))
    if {"int", "double"} <= taken:
        message += ": whole numbers and fractions do not mix, write double(x) or int(x)"
    elif taken == {_TIMESTAMP, "string"}:
        message += ': write timestamp("2026-01-31T00:00:00Z")'
    return message


def plain(text: str) -> str:
    """The library's text on one line, with records named as rule files name them."""
    for written, shown in _SHOWN.items():
        text = text.replace(written, shown)
    return " ".join(text.split())
