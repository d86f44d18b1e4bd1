"""Parameters: read once, refused where nobody reads them."""

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.params import Params, time_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20), ("1m", 60), ("500ms", 0.5), ("2h", 7200), ("1d", 86400), ("-1", -1), ("0", 0), ("1.5s", 1.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert time_seconds(text, "timeout") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "20", "x", "20 y", "s"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(Failure, match=r"failed to parse setting \[timeout\] with value"):
        time_seconds(text, "timeout")


def test_typed_reading() -> None:
    params = Params({"a": "", "b": "false", "n": "7", "t": "3s"})
    assert params.flag("a") is True
    assert params.flag("b", default=True) is False
    assert params.flag("c", default=True) is True
    assert params.whole("n", 1) == 7
    assert params.whole("m", 1) == 1
    assert params.seconds("t", 1.0) == 3.0
    assert params.seconds("u", 1.0) == 1.0
    assert params.text("z") is None
    params.finish("/x")


def test_wrong_types_are_refused() -> None:
    with pytest.raises(Failure, match=r"Failed to parse value \[maybe\]"):
        Params({"x": "maybe"}).flag("x")
    with pytest.raises(Failure, match=r"Failed to parse int parameter \[x\] with value \[maybe\]"):
        Params({"x": "maybe"}).whole("x", 1)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"foo": "1"}, "request [/p] contains unrecognized parameter: [foo]"),
        ({"timeou": "1"}, "request [/p] contains unrecognized parameter: [timeou] -> did you mean [timeout]?"),
        ({"prety": "1"}, "request [/p] contains unrecognized parameter: [prety] -> did you mean [pretty]?"),
        ({"b": "1", "a": "1"}, "request [/p] contains unrecognized parameters: [a], [b]"),
    ],
)
def test_unread_parameters_are_refused(query: dict[str, str], text: str) -> None:
    params = Params(query)
    params.text("timeout")
    with pytest.raises(Failure) as caught:
        params.finish("/p", "identifier")
    assert caught.value.reason == text


def test_common_parameters_are_always_taken() -> None:
    Params({"pretty": "", "human": "", "format": "yaml", "filter_path": "a", "error_trace": ""}).finish("/p")
