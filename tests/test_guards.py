"""Guards against whatever is written in them: a verdict or a documented error, nothing else, and the right verdict.

The second half builds conditions together with what they mean by plain rules of CEL, and compares.
"""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.rules.cel import BadCondition, GuardFailed, compile_condition
from tests.rules.cel.starts import environment, situation

START = environment(situation())


def judged(text: str) -> bool | None:
    """What a condition says of the start; None where it cannot be told. Raises BadCondition."""
    condition = compile_condition(text)
    try:
        return condition.holds(START)
    except GuardFailed:
        return None


TOKENS = [
    *(
        "job",
        "caller",
        "running",
        "now",
        "gib",
        ".",
        ".",
        ".",
        "id",
        "source",
        "resolved",
        "settings",
        "roles",
        "config",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "+",
        "-",
        "*",
        "/",
        "%",
        " in ",
    ),
    *(
        "exists(",
        "all(",
        "map(",
        "filter(",
        "has(",
        "size(",
        "matches(",
        "startsWith(",
        "getHours(",
        "dyn(",
        "duration(",
    ),
    *(
        "x",
        "x",
        "true",
        "false",
        "null",
        "1",
        "0",
        "1.5",
        "2u",
        "9223372036854775807",
        '"a"',
        "'('",
        'b"a"',
        '"1h"',
        "0x1f",
    ),
    *(" ", "\n", "\x00", "\u202e", "é", "//", '"', "\\", "@", "@result", "__result__", "google.protobuf.Any"),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join))
@settings(max_examples=1000)
def test_any_words_of_the_language_are_judged_or_refused(text: str) -> None:
    try:
        assert judged(text) in (True, False, None)
    except BadCondition as bad:
        assert bad.line >= 1  # noqa: PT017 - which of the two it is is open
        assert bad.column >= 1  # noqa: PT017 - likewise


@given(st.text(max_size=60))
def test_any_text_is_judged_or_refused(text: str) -> None:
    try:
        assert judged(text) in (True, False, None)
    except BadCondition as bad:
        assert bad.message  # noqa: PT017 - which of the two it is is open


WHOLE = [
    'job.source.resolved.exists(i, i.startsWith("pii-")) && !("dpo" in data.roles)',
    'running.filter(r, r.analysis == job.analysis).size() >= 4 || now.getHours("Europe/Berlin") < 6',
    'has(job.config._meta.team) && job.settings.training_percent > 50 && request.user_agent.matches("^curl/[0-9]+")',
]


@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=300)
def test_any_damage_to_a_condition_is_judged_or_refused(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    damaged = text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[end:]
    try:
        judged(damaged)
    except BadCondition as bad:
        assert "\n" not in bad.message  # noqa: PT017 - which of the two it is is open


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "true" + ")" * 5000,
        "[" * 4000 + "]" * 4000 + " == []",
        "true?" * 1000 + "true" + ":true" * 1000,
        "+".join(["1"] * 4000) + " == 1",
        "job" + ".a" * 4000 + " == 1",
        "job.settings" + ".a" * 4000 + " == 1",
        "[1,2].all(a," * 400 + "true" + ")" * 400,
        '"' + "a" * 1_000_000 + '" == ""',
        "\x00" * 100_000,
        "\ud800" * 100_000,
        "9" * 8000 + " > 0",
        'job.id.matches("' + "(" * 400 + "a" + ")*" * 400 + '{1000}")',
        'job.id.matches("(((a{1000}){1000}){1000}){1000}")',
        'job.id.matches("' + "(a?){30}" * 30 + "a{30}" * 30 + '")',
        "job.id == '" + "\\x" * 1000 + "'",
    ],
    ids=lambda text: f"{text[:12]!r}…{len(text)}",
)
def test_hostile_conditions_are_refused(text: str) -> None:
    with pytest.raises(BadCondition) as caught:
        compile_condition(text)
    assert len(caught.value.message) < 1000


ERROR = object()
"""What has no value. It spoils what it is part of, unless `&&`, `||` or `? :` do without it."""

Meant = tuple[str, Any]
INT64 = range(-(1 << 63), 1 << 63)


def whole(value: int) -> Any:
    """A number, where it fits."""
    return value if value in INT64 else ERROR


def divided(left: int, right: int) -> Any:
    """CEL divides towards zero."""
    return ERROR if right == 0 else whole(abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1))


def remainder(left: int, right: int) -> Any:
    """What division leaves, with the sign of the dividend. The one quotient that does not fit spoils it, too."""
    return ERROR if right == 0 or divided(left, right) is ERROR else left - right * divided(left, right)


def both(form: str, meaning: Callable[[Any, Any], Any]) -> Callable[[tuple[Meant, Meant]], Meant]:
    """An operator of two values, which an error in either spoils."""

    def made(pair: tuple[Meant, Meant]) -> Meant:
        (left, first), (right, second) = pair
        spoilt = first is ERROR or second is ERROR
        return form.format(left, right), ERROR if spoilt else meaning(first, second)

    return made


def joined(form: str, *, deciding: bool) -> Callable[[tuple[Meant, Meant]], Meant]:
    """`&&` or `||`: one side that decides does, whatever the other is."""

    def made(pair: tuple[Meant, Meant]) -> Meant:
        (left, first), (right, second) = pair
        if first is deciding or second is deciding:
            return form.format(left, right), deciding
        return form.format(left, right), ERROR if ERROR in (first, second) else not deciding

    return made


def chosen(three: tuple[Meant, Meant, Meant]) -> Meant:
    """`? :`: only the branch that is taken counts."""
    (text, truth), (yes, first), (no, second) = three
    return f"({text} ? {yes} : {no})", ERROR if truth is ERROR else first if truth else second


def looped(macro: str, *, deciding: bool) -> Callable[[tuple[list[int], Meant]], Meant]:
    """`exists` or `all` over numbers, with a comparison that may have no value."""

    def made(parts: tuple[list[int], Meant]) -> Meant:
        numbers, (text, limit) = parts
        found = [ERROR if limit is ERROR else number < limit for number in numbers]
        value = deciding if deciding in found else ERROR if ERROR in found else not deciding
        return f"{numbers}.{macro}(x, x < {text})", value

    return made


def pairs(left: st.SearchStrategy[Meant], right: st.SearchStrategy[Meant]) -> st.SearchStrategy[tuple[Meant, Meant]]:
    """Two values."""
    return st.tuples(left, right)


def numbers_over(below: st.SearchStrategy[Meant]) -> st.SearchStrategy[Meant]:
    """Numbers made of numbers."""
    two = pairs(below, below)
    return st.one_of(
        two.map(both("({} + {})", lambda a, b: whole(a + b))),
        two.map(both("({} - {})", lambda a, b: whole(a - b))),
        two.map(both("({} * {})", lambda a, b: whole(a * b))),
        two.map(both("({} / {})", divided)),
        two.map(both("({} % {})", remainder)),
        st.tuples(BOOLS, below, below).map(chosen),
    )


def bools_over(below: st.SearchStrategy[Meant]) -> st.SearchStrategy[Meant]:
    """Conditions made of conditions."""
    two = pairs(below, below)
    return st.one_of(
        two.map(joined("({} && {})", deciding=False)),
        two.map(joined("({} || {})", deciding=True)),
        two.map(both("({} == {})", operator.eq)),
        below.map(lambda meant: (f"!({meant[0]})", ERROR if meant[1] is ERROR else not meant[1])),
        st.tuples(below, below, below).map(chosen),
    )


TEXTS = st.sampled_from([('""', ""), ('"j"', "j"), ("'ab'", "ab"), ("job.id", "j"), ("job.analysis", "regression")])
BOOLS = st.sampled_from([("true", True), ("false", False), ("destination.exists", True), ("caller.runs_as", False)])
NUMBERS = st.recursive(
    st.one_of(
        st.integers(-3, 3).map(lambda number: (str(number), number)),
        st.sampled_from(
            [(str(INT64[-1]), INT64[-1]), (str(INT64[0]), INT64[0]), ("job.max_num_threads", 2), ("gib", 1 << 30)]
        ),
        TEXTS.map(lambda meant: (f"size({meant[0]})", len(meant[1]))),
        st.just(("int(job.id)", ERROR)),
    ),
    numbers_over,
    max_leaves=6,
)
CONDITIONS = st.recursive(
    st.one_of(
        BOOLS,
        pairs(NUMBERS, NUMBERS).map(both("({} < {})", operator.lt)),
        pairs(NUMBERS, NUMBERS).map(both("({} >= {})", operator.ge)),
        pairs(NUMBERS, NUMBERS).map(both("({} != {})", operator.ne)),
        pairs(TEXTS, TEXTS).map(both("{}.startsWith({})", str.startswith)),
        pairs(TEXTS, TEXTS).map(both("({}).contains({})", lambda a, b: b in a)),
        pairs(TEXTS, TEXTS).map(both("({0} + {1}).endsWith({1})", lambda _a, _b: True)),
        pairs(TEXTS, TEXTS).map(both("({} < {})", operator.lt)),
        pairs(NUMBERS, NUMBERS).map(both("({} in [1, {}])", lambda a, b: a in (1, b))),
        st.tuples(st.lists(st.integers(-3, 3), max_size=4), NUMBERS).map(looped("exists", deciding=True)),
        st.tuples(st.lists(st.integers(-3, 3), max_size=4), NUMBERS).map(looped("all", deciding=False)),
    ),
    bools_over,
    max_leaves=6,
)


@pytest.mark.slow
@given(CONDITIONS)
@settings(max_examples=1500)
def test_conditions_mean_what_cel_says(meant: Meant) -> None:
    text, value = meant
    assert judged(text) is (None if value is ERROR else value), text
