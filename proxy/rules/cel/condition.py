"""A guard's condition, compiled: text in, `Condition` out, or BadCondition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cel_expr_python import cel

from proxy.rules.cel.check import check_text, check_tree, paths, placed
from proxy.rules.cel.cost import Terms, steps, value_of
from proxy.rules.cel.diagnosis import bad_condition, plain
from proxy.rules.cel.environment import Environment
from proxy.rules.cel.errors import BadCondition, GuardFailed
from proxy.rules.cel.language import LANGUAGE, TRIALS, TRIED
from proxy.rules.cel.limits import ROUNDS, STEPS, TEXT_BYTES
from proxy.rules.cel.messages import dynamic
from proxy.rules.cel.tree import Kind, Node, read

_DYNAMIC = dynamic()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that can be asked, by any thread, any number of times.

    `paths` are the dotted names that it looks at (`job.source.resolved`); `mentions` all names in them.
    """

    text: str
    paths: frozenset[str]
    mentions: frozenset[str]
    _expression: cel.Expression = field(repr=False, compare=False)
    _steps: Terms = field(repr=False, compare=False)
    _with_json: bool = field(repr=False, compare=False)

    def holds(self, environment: Mapping[str, Any]) -> bool:
        """Whether the condition is true of what `environment_of` gave.

        Raises GuardFailed where it needs what is not known, would take too long, or fails: a division by zero, a key
        that is not there, a comparison of JSON with a value of another type.
        """
        known = environment if isinstance(environment, Environment) else Environment(environment)
        for path in sorted(self.paths):
            if reason := known.reason_not_known(path):
                raise GuardFailed(f"{path} is not known: {reason}")
        needed = self.most_steps(known)
        if needed > STEPS:
            raise GuardFailed(f"it could take {needed:.0f} steps (at most {STEPS}): {', '.join(sorted(self.paths))}")
        try:
            found = self._expression.eval(known.activation(with_json=self._with_json))
            value = found.value()
        except (RuntimeError, ValueError, TypeError, LookupError) as exc:
            # Any but the first: the values are not of the types that the table says.
            raise GuardFailed(_failure(str(exc))) from exc
        if found.type() != cel.Type.BOOL or not isinstance(value, bool):
            raise GuardFailed(_failure(str(value)))
        return value

    def most_steps(self, environment: Environment) -> float:
        """How many steps an evaluation takes at most (`limits.STEPS`)."""
        return value_of(self._steps, environment.size)


def _failure(error: str) -> str:
    """The library's words for a failed evaluation, on one line."""
    if "budget exceeded" in error:
        return f"its loops take more than {ROUNDS - 1} rounds"
    return " ".join(error.split())


def compile_condition(text: str) -> Condition:
    """Check the text of a condition against the table of variables, and make it ready to be asked.

    Raises BadCondition for what is no CEL, names what there is not, mixes types, is no condition, or costs too much.
    """
    check_text(text, TEXT_BYTES)
    try:
        expression = LANGUAGE.compile(text)
    except RuntimeError as exc:
        raise bad_condition(text, str(exc)) from exc
    tree = read(expression.serialize())
    check_tree(tree, text)
    _check_literals(tree, text)
    _check_is_condition(expression, text)
    terms = steps(tree)
    if value_of(terms, lambda _size: 0) > STEPS:
        raise BadCondition(f"takes more than {STEPS} steps whatever the job")
    looked_at = paths(tree)
    return Condition(
        text,
        looked_at,
        frozenset(name for path in looked_at for name in path.split(".")),
        expression,
        terms,
        any(name in _DYNAMIC for name in _idents(tree)),
    )


def _idents(tree: Node) -> frozenset[str]:
    """The names of all variables in the tree."""
    return frozenset(node.name for node in tree.walk() if node.kind is Kind.IDENT)


def _check_is_condition(expression: cel.Expression, text: str) -> None:
    """The whole must be true or false, and be known to be so."""
    found = expression.return_type()
    if found == cel.Type.BOOL:
        return
    start = len(text) - len(text.lstrip())
    if found == cel.Type.DYN:
        raise BadCondition("may be of any type: compare it, such as … == true", *placed(text)(start))
    name = plain(found.name().lower())
    raise BadCondition(f"gives {name}, and a guard needs a condition (bool)", *placed(text)(start))


# What is only looked into when it is evaluated; a wrong literal is found by trying each on a made-up value.
_TRIED = {
    "matches": '"".matches({})',
    "timestamp": "timestamp({}) == timestamp(0)",
    "duration": 'duration({}) == duration("0s")',
}


def _check_literals(tree: Node, text: str) -> None:
    """Regular expressions, time zones, moments and durations that are written out must be right."""
    for node in tree.walk():
        if node.kind is not Kind.CALL or not node.children:
            continue
        literal = node.children[-1]
        form = _TRIED.get(node.name)
        if form is None and node.name.startswith("get") and len(node.children) > 1:
            form = "timestamp(0).getHours({}) == 0"
        if form is not None and isinstance(literal.value, str):
            _try(form, literal, text)


def _try(form: str, literal: Node, text: str) -> None:
    """Evaluate a made-up expression with the literal in it, and raise BadCondition where that fails."""
    tried = TRIALS.compile(form.format(TRIED)).eval(data={TRIED: literal.value})
    if tried.type() != cel.Type.BOOL:
        said = " ".join(str(tried.value()).partition(": ")[2].split())
        raise BadCondition(f"{literal.value!r} is refused: {said[:1].lower()}{said[1:]}", *placed(text)(literal.offset))
