"""The error of a condition that must not be used."""

from proxy.errors import StartgateError
from proxy.rules.cel.errors import BadCondition


def test_it_says_what_and_where() -> None:
    bad = BadCondition("is nothing", 2, 5)
    assert (bad.message, bad.line, bad.column) == ("is nothing", 2, 5)
    assert str(bad) == "2:5: is nothing"
    assert isinstance(bad, StartgateError)


def test_without_a_place_it_is_the_beginning() -> None:
    bad = BadCondition("is nothing")
    assert (bad.line, bad.column) == (1, 1)
