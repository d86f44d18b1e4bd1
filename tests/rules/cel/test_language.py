"""The language that conditions are written in."""

import pytest

from proxy.rules.cel.language import LANGUAGE, TRIALS, TRIED


@pytest.mark.parametrize(
    "text", ['"a,b".split(",")', '"%s".format([1])', "math.abs(-1)", "optional.of(1)", "[3, 1].sort()"]
)
def test_it_has_no_extensions(text: str) -> None:
    with pytest.raises(RuntimeError, match="undeclared reference"):
        LANGUAGE.compile(text)


def test_literals_are_tried_without_any_other_variable() -> None:
    assert TRIALS.compile(f"{TRIED} == 'a'").eval(data={TRIED: "a"}).value() is True
    with pytest.raises(RuntimeError, match="undeclared"):
        TRIALS.compile("job.id == 'a'")


def test_that_variable_is_none_of_a_condition() -> None:
    with pytest.raises(RuntimeError, match="undeclared"):
        LANGUAGE.compile(f"{TRIED} == 'a'")
