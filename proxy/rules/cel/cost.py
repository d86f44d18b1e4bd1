"""How many steps an evaluation can take at most, told from the sizes of what the condition looks at.

The bound is a polynomial in those sizes, worked out once: `job.source.resolved.exists(i, i in caller.roles)` costs
resolved * (roles + a few). Before each evaluation the sizes are put in. It errs on the high side, never on the low.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from proxy.rules.cel.check import is_filter, path_of, regex_bytes
from proxy.rules.cel.errors import BadCondition
from proxy.rules.cel.limits import BYTES_A_STEP, TERMS
from proxy.rules.cel.tree import Kind, Node
from proxy.rules.cel.variables import Kind as Type
from proxy.rules.cel.variables import kinds


class Part(StrEnum):
    """What is measured: how long a list is itself, what is within its elements, or its longest text in bytes."""

    LENGTH = "length"
    WITHIN = "within"
    TEXT = "text"


class Size(NamedTuple):
    """A size of what a dotted name stands for; of a field of a list's elements, the largest."""

    path: str
    part: Part


Terms = Mapping[tuple[Size, ...], float]
"""A polynomial: products of sizes, sorted, with what each is multiplied by."""

_ONE: tuple[Size, ...] = ()


def constant(value: float) -> Terms:
    """A number that depends on nothing."""
    return {_ONE: value} if value else {}


def plus(*parts: Terms) -> Terms:
    """The sum."""
    total: dict[tuple[Size, ...], float] = {}
    for part in parts:
        for sizes, factor in part.items():
            total[sizes] = total.get(sizes, 0) + factor
    return total


def times(left: Terms, right: Terms) -> Terms:
    """The product. Raises BadCondition where it has more than limits.TERMS terms."""
    total: dict[tuple[Size, ...], float] = {}
    for sizes, factor in left.items():
        for others, other in right.items():
            key = tuple(sorted((*sizes, *others)))
            total[key] = total.get(key, 0) + factor * other
    if len(total) > TERMS:
        raise BadCondition(f"its cost depends on more than {TERMS} sizes and products of them: make two guards of it")
    return total


def value_of(terms: Terms, size: Callable[[Size], int]) -> float:
    """The polynomial's value, `size` giving the sizes."""
    total = 0.0
    for sizes, factor in terms.items():
        for each in sizes:
            factor *= size(each)  # noqa: PLW2901 - the product is what is wanted
        total += factor
    return total


@dataclass(frozen=True, slots=True)
class Bound:
    """What a node costs in steps, and how large its value can be: the three parts of a size."""

    cost: Terms
    length: Terms = field(default_factory=dict)
    within: Terms = field(default_factory=dict)
    text: Terms = field(default_factory=dict)

    def element(self, cost: Terms) -> "Bound":
        """What one element of the value can be, or one field of a record in it."""
        return Bound(cost, self.within, self.within, self.text)


_TYPES = kinds()
# Types whose values have no size worth counting.
_SMALL = frozenset({Type.INT, Type.DOUBLE, Type.BOOL, Type.TIMESTAMP})
# What may give a list or a text that it was given, or is made of such.
_PASSING = frozenset({"_+_", "_?_:_", "string"})


class _Names(NamedTuple):
    """What names mean within loops: the path that a loop's variable runs over, and bounds where there is no path."""

    paths: Mapping[str, str]
    bounds: Mapping[str, Bound]


def steps(root: Node) -> Terms:
    """The most steps that evaluating the tree takes."""
    return _bound(root, _Names({}, {})).cost


def _bound(node: Node, names: _Names) -> Bound:
    """Cost and size of one node with all below it."""
    match node.kind:
        case Kind.CONST:
            length = len(node.value.encode()) if isinstance(node.value, str) else 0
            return Bound(constant(1), text=constant(length))
        case Kind.IDENT | Kind.SELECT:
            return _looked_up(node, names)
        case Kind.LIST:
            return _list(node, names)
        case Kind.LOOP:
            return _loop(node, names)
        case _:
            return _call(node, names)


def _looked_up(node: Node, names: _Names) -> Bound:
    """A variable or field."""
    if node.kind is Kind.IDENT and node.name in names.bounds:
        return replace(names.bounds[node.name], cost=constant(1))
    path = path_of(node, names.paths)
    below = _bound(node.children[0], names) if node.children else Bound({})
    cost = plus(constant(1), below.cost)
    return _named(path, cost) if path else below.element(cost)


def _named(path: str, cost: Terms) -> Bound:
    """What a dotted name stands for. Of JSON, and of records, all that is in it counts as length."""
    kind = _TYPES.get(path)
    if kind in _SMALL:
        return Bound(cost)
    parts: list[Terms] = [{(Size(path, part),): 1.0} for part in Part]
    length, within, text = parts
    match kind:
        case Type.STRING:
            return Bound(cost, text=text)
        case Type.STRINGS:
            return Bound(cost, length, text=text)
        case Type.RECORDS:
            return Bound(cost, length, within, text)
        case _:
            everything = plus(length, within)
            return Bound(cost, everything, everything, text)


def _list(node: Node, names: _Names) -> Bound:
    """A list that is written out."""
    elements = [_bound(child, names) for child in node.children]
    return Bound(
        plus(constant(1), *(element.cost for element in elements)),
        constant(len(elements)),
        plus(*(plus(element.length, element.within) for element in elements)),
        plus(*(element.text for element in elements)),
    )


def _call(node: Node, names: _Names) -> Bound:
    """An operator or function: it goes once over all lists and texts that it is given."""
    arguments = [_bound(child, names) for child in node.children]
    length = plus(*(argument.length for argument in arguments))
    within = plus(*(argument.within for argument in arguments))
    text = plus(*(argument.text for argument in arguments))
    given = plus(*(argument.cost for argument in arguments))
    if node.name == "_[_]":
        return arguments[0].element(plus(constant(1), given))
    own = plus(constant(1), times(text, constant(1 / BYTES_A_STEP)))
    if node.name in {"@in", "_==_", "_!=_"}:
        # Each element is compared, with texts in it.
        own = plus(own, times(plus(length, within), own))
    elif node.name == "_+_":
        own = plus(own, length)
    elif node.name == "matches":
        own = plus(own, _match(node.children[-1].value, arguments[0].text))
    cost = plus(own, given)
    if node.name not in _PASSING:
        return Bound(cost)
    # Numbers and moments become texts of some length, never a longer one than a few dozen bytes.
    made = plus(text, constant(64)) if node.name == "string" else text
    return Bound(cost, length, within, made)


def _match(pattern: str, text: Terms) -> Terms:
    """A regular expression is compiled, and then run over the text; see limits.REGEX_BYTES."""
    size = regex_bytes(pattern)
    return plus(constant(50 + 5 * size), times(text, constant(size / BYTES_A_STEP)))


def _loop(node: Node, names: _Names) -> Bound:
    """A macro's loop.

    What it adds to is a list for `map` and `filter`: the library copies it in each round, so that they are quadratic.
    """
    over = _bound(node.children[0], names)
    path = path_of(node.children[0], names.paths)
    # Only an element of `running` has fields that have sizes of their own.
    of_records = _TYPES.get(path) is Type.RECORDS
    paths = {**names.paths, node.name: path if of_records else "", node.result: ""}
    bounds = {name: bound for name, bound in names.bounds.items() if name != node.name}
    if not of_records:
        bounds[node.name] = over.element({})
    kept = start = _bound(node.children[1], names)
    if is_filter(node):
        kept = over
    elif node.children[1].kind is Kind.LIST:
        # What one round adds to an empty list, as often as there are rounds.
        once = _bound(node.children[3], _Names(paths, {**bounds, node.result: start}))
        kept = Bound({}, times(over.length, once.length), times(over.length, once.within), once.text)
    inside = _Names(paths, {**bounds, node.result: kept})
    condition, step, result = (_bound(child, inside) for child in node.children[2:])
    rounds = times(over.length, plus(constant(1), condition.cost, step.cost))
    return replace(kept, cost=plus(constant(1), over.cost, start.cost, rounds, result.cost))
