import pytest

from proxy.embedded.core import date_math, dates
from proxy.embedded.core.failure import ElasticError

NOW = 1_708_953_296_789  # 2024-02-26T13:14:56.789Z, a Monday


def shown(text: str, *, round_up: bool = False) -> str:
    return dates.render(date_math.parse(text, dates.DEFAULT, round_up=round_up, now_ms=NOW), dates.DEFAULT)


@pytest.mark.parametrize(
    ("text", "down", "up"),
    [
        ("now", "2024-02-26T13:14:56.789Z", "2024-02-26T13:14:56.789Z"),
        ("now-1d", "2024-02-25T13:14:56.789Z", "2024-02-25T13:14:56.789Z"),
        ("now+2h-30m", "2024-02-26T14:44:56.789Z", "2024-02-26T14:44:56.789Z"),
        ("now/s", "2024-02-26T13:14:56.000Z", "2024-02-26T13:14:56.999Z"),
        ("now/m", "2024-02-26T13:14:00.000Z", "2024-02-26T13:14:59.999Z"),
        ("now/h", "2024-02-26T13:00:00.000Z", "2024-02-26T13:59:59.999Z"),
        ("now/d", "2024-02-26T00:00:00.000Z", "2024-02-26T23:59:59.999Z"),
        ("now+2d/w", "2024-02-26T00:00:00.000Z", "2024-03-03T23:59:59.999Z"),
        ("now/M", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("now-1y/y", "2023-01-01T00:00:00.000Z", "2023-12-31T23:59:59.999Z"),
        ("2024-01-31||+1M", "2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00.000Z"),
        ("2024-01-31||+1M/d", "2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("2024-01-01", "2024-01-01T00:00:00.000Z", "2024-01-01T23:59:59.999Z"),
        ("2024-02", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("2024", "2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z"),
        ("2024-01-01T10:30", "2024-01-01T10:30:00.000Z", "2024-01-01T10:30:59.999Z"),
        ("2024-01-01T10:30:15", "2024-01-01T10:30:15.000Z", "2024-01-01T10:30:15.999Z"),
        ("2024-01-01T10:30:15.5Z", "2024-01-01T10:30:15.500Z", "2024-01-01T10:30:15.500Z"),
    ],
)
def test_math(text: str, down: str, up: str) -> None:
    assert shown(text) == down
    assert shown(text, round_up=True) == up


def test_now_is_the_wall_clock_unless_given() -> None:
    assert date_math.parse("now", dates.DEFAULT, round_up=False) > NOW


@pytest.mark.parametrize("text", ["now*2", "now-1x", "2024-01-01||?", "foo", "foo||+1d", "now/"])
def test_math_that_is_none(text: str) -> None:
    with pytest.raises(ElasticError) as caught:
        shown(text)
    assert caught.value.type == "parse_exception"
