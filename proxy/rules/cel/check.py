"""What a condition that type-checks must keep to besides: our own subset of CEL, and its static bounds."""

import re
from collections.abc import Callable, Iterator, Mapping

from proxy.errors import nearest
from proxy.rules.cel.errors import BadCondition
from proxy.rules.cel.limits import LOOPS_DEEP, NODES, REGEX_BYTES
from proxy.rules.cel.messages import dynamic
from proxy.rules.cel.tree import Kind, Node
from proxy.rules.cel.variables import FUNCTIONS

_OPERATORS = frozenset(
    {
        *("_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]"),
        *("_+_", "_-_", "_*_", "_/_", "_%_", "-_"),
        # What macros are made of.
        "@not_strictly_false",
    }
)
_FUNCTIONS = frozenset(function.name for function in FUNCTIONS)
_ZONED = frozenset(name for name in _FUNCTIONS if name.startswith("get"))
_DYNAMIC = frozenset(dynamic())

# A named zone is read from the system's files, at load and never again; an absolute path would be any file.
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*|[+-]?\d\d:\d\d")
_REPEATED = re.compile(r"\{([0-9]+(?:,[0-9]*)?)\}")

Place = Callable[[int], tuple[int, int]]
"""From an offset in the text to line and column."""


def placed(text: str) -> Place:
    """How offsets in `text`, in characters, become line and column, from 1."""

    def place(offset: int) -> tuple[int, int]:
        before = text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    return place


def check_text(text: str, limit_bytes: int) -> None:
    """Raise BadCondition unless the text is short, and all of it can be seen.

    Control characters, and those that change the direction of writing, let a text read otherwise than it means.
    """
    place = placed(text)
    for offset, char in enumerate(text[: limit_bytes + 1]):
        if not char.isprintable() and char not in "\n\r\t":
            raise BadCondition(f"has an invisible character: U+{ord(char):04X}", *place(offset))
    # Half a character can only be beyond what was looked through.
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limit_bytes:
        raise BadCondition(f"is {size} bytes long (at most {limit_bytes})")
    if not text.strip():
        raise BadCondition('is empty: write a condition, such as job.analysis == "regression"')


def check_tree(root: Node, text: str) -> None:
    """Raise BadCondition for what we do not offer, and for what might cost too much."""
    place = placed(text)
    for number, node in enumerate(root.walk(), start=1):
        if number > NODES:
            raise BadCondition(f"has more than {NODES} parts")
        if fault := _fault(node, text):
            raise BadCondition(fault, *place(_shown(node, text)))
    for node in _deep(root, 0):
        raise BadCondition(f"has loops more than {LOOPS_DEEP} deep", *place(node.offset))


def _shown(node: Node, text: str) -> int:
    """Where a fault of the node is shown: the name of a called function, not the bracket after it."""
    if node.kind is Kind.CALL and text[node.offset : node.offset + 1] == "(" and node.name.isalnum():
        return max(node.offset - len(node.name), 0)
    return node.offset


def _fault(node: Node, text: str) -> str | None:
    """What is wrong with one node, if anything."""
    match node.kind:
        case Kind.STRUCT:
            return "maps and messages cannot be written here: compare single values"
        case Kind.CONST if isinstance(node.value, bytes):
            return 'bytes cannot be used here: write "text"'
        case Kind.IDENT if node.name in _DYNAMIC and text[node.offset : node.offset + 1] == "(":
            # The library takes has(job.settings) for job.settings itself: the name is a variable's.
            return f"{node.name} is always there: name a key, has({node.name}.key)"
        case Kind.CALL:
            return _call_fault(node)
        case _:
            return None


def _call_fault(node: Node) -> str | None:
    """What is wrong with a call, if anything."""
    if node.name in _OPERATORS:
        return None
    if node.name not in _FUNCTIONS:
        return f"{node.name}() is not offered here{nearest(node.name, _FUNCTIONS)}"
    if node.name == "matches":
        return _pattern_fault(node.children[-1])
    if node.name in _ZONED and len(node.children) > 1:
        return _zone_fault(node.children[1])
    return None


def _pattern_fault(pattern: Node) -> str | None:
    """A regular expression must be a literal: one out of a job or request would be its author's."""
    if not isinstance(pattern.value, str):
        return "matches() takes a literal: the expression must be known when rules are loaded"
    if re.search(r"\\[pP]", pattern.value):
        return r"\p is not supported in regular expressions here: name the letters, [a-z]"
    size = regex_bytes(pattern.value)
    if size > REGEX_BYTES:
        return f"the regular expression is {size} bytes with its repetitions written out (at most {REGEX_BYTES})"
    return None


def _zone_fault(zone: Node) -> str | None:
    """A time zone must be a literal, so that it is read when rules are loaded."""
    if not isinstance(zone.value, str):
        return 'a time zone is a literal, "Europe/Berlin"'
    if _ZONE.fullmatch(zone.value) is None:
        return f'{zone.value!r} is not a time zone: write "Europe/Berlin", "UTC" or "+02:00"'
    return None


def regex_bytes(pattern: str) -> int:
    """An upper bound of what a regular expression has in bytes once its repetitions are written out.

    Repetitions may be within each other, so that their greatest numbers are multiplied.
    """
    wide = len(re.findall(r"\.|\[\^|\\[DWSCBX]|\(\?[a-zA-Z]*i", pattern))
    size = len(_REPEATED.sub("", pattern).encode()) + 7 * wide
    for numbers in _REPEATED.findall(pattern):
        size *= max(int(number) for number in numbers.split(",") if number) or 1
        if size > REGEX_BYTES:
            break
    return size


def _deep(node: Node, depth: int) -> Iterator[Node]:
    """The loops that are nested too deeply. What a loop runs over is evaluated once, outside of it."""
    inside = depth
    if node.kind is Kind.LOOP:
        inside += 1
        if inside > LOOPS_DEEP:
            yield node
    for number, child in enumerate(node.children):
        yield from _deep(child, depth if node.kind is Kind.LOOP and number == 0 else inside)


def paths(root: Node) -> frozenset[str]:
    """What the expression looks at, as dotted names: `job.source.resolved`, `running.id`.

    The variable that a loop runs with counts as what it runs over.
    """
    return frozenset(path for path in _paths(root, {}) if path)


def path_of(node: Node, names: Mapping[str, str]) -> str:
    """The dotted name that a chain of fields means, with loops' variables in `names`; empty where it is no such chain.

    An element of a list has the list's name, and so has what `filter` leaves of it.
    """
    match node.kind:
        case Kind.IDENT:
            return names.get(node.name, node.name)
        case Kind.SELECT:
            above = path_of(node.children[0], names)
            return above and f"{above}.{node.name}"
        case Kind.CALL if node.name == "_[_]":
            return path_of(node.children[0], names)
        case Kind.LOOP if is_filter(node):
            return path_of(node.children[0], names)
        case _:
            return ""


def is_filter(loop: Node) -> bool:
    """Whether the loop gives elements of what it runs over, as they are."""
    step = loop.children[3]
    if step.name != "_?_:_" or step.children[1].name != "_+_":
        return False
    added = step.children[1].children[1]
    return added.kind is Kind.LIST and [(each.kind, each.name) for each in added.children] == [(Kind.IDENT, loop.name)]


def _paths(node: Node, names: Mapping[str, str]) -> Iterator[str]:
    """All dotted names in the tree; only the longest of a chain."""
    path = "" if node.kind is Kind.LOOP else path_of(node, names)
    if path:
        yield path
        yield from _indexes(node, names)
        return
    if node.kind is Kind.SELECT:
        # A field of what is computed: its name counts, whatever it is a field of.
        yield node.name
    inside = names
    if node.kind is Kind.LOOP:
        over = path_of(node.children[0], names)
        inside = {**names, node.name: over, node.result: ""}
    for number, child in enumerate(node.children):
        yield from _paths(child, names if number == 0 else inside)


def _indexes(node: Node, names: Mapping[str, str]) -> Iterator[str]:
    """What else a chain looks at: in brackets, `running[size(job.id)].id`, and in the loop that it begins with."""
    if node.kind is Kind.LOOP:
        yield from _paths(node, names)
        return
    if node.kind is Kind.CALL:
        yield from _paths(node.children[1], names)
    for child in node.children[:1]:
        yield from _indexes(child, names)
