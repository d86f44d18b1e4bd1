"""Time values as Elasticsearch reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Refusal
from proxy.gate.timevalue import DEFAULT_TIMEOUT_S, parse_timeout
from tests.gate.fakes import tried

UNIT = "unit is missing or unrecognized"
NEGATIVE = "negative durations are not supported"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, DEFAULT_TIMEOUT_S),
        ("20s", 20.0),
        (" 5 S ", 5.0),
        ("1500ms", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        ("3micros", 3e-6),
        ("7nanos", 7e-9),
        ("0", 0.0),
        ("000", 0.0),
        ("0s", 0.0),
        ("-1", None),
        ("-01", None),
        ("1MS", 0.001),
    ],
)
def test_times_are_read(text: str | None, seconds: float | None) -> None:
    assert parse_timeout(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", UNIT),
        ("x", UNIT),
        ("10", UNIT),
        ("10x", UNIT),
        ("s", UNIT),
        ("10 s s", UNIT),
        ("5M", UNIT),
        ("1e3s", UNIT),
        ("+5s", UNIT),
        ("٣s", UNIT),
        ("9" * 19 + "s", UNIT),
        ("-5s", NEGATIVE),
        ("-1s", NEGATIVE),
    ],
)
def test_what_is_no_time_is_refused_in_elasticsearchs_words(text: str, why: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_timeout(text)
    assert (refused.value.status, refused.value.type) == (400, "illegal_argument_exception")
    assert refused.value.reason == f"failed to parse setting [timeout] with value [{text}] as a time value: {why}"


@pytest.mark.parametrize("text", ["1.5s", "0.5m", "-1.5s"])
def test_fractions_are_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_timeout(text)
    assert refused.value.reason == f"failed to parse [{text}], fractional time values are not supported"


@given(st.one_of(st.text(), st.from_regex(r"-?[0-9]{1,20}(\.[0-9])? ?(nanos|micros|ms|s|m|h|d)?")))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Never anything but a number of seconds, None for no limit, or a Refusal with status 400."""
    seconds = tried(lambda: parse_timeout(text))
    if isinstance(seconds, Refusal):
        assert seconds.status == 400
    else:
        assert seconds is None or seconds >= 0
