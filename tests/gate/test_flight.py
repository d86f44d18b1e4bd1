"""What is known of a start while it is under way."""

from proxy.gate.flight import Flight
from proxy.model import Credential
from tests.gate.fakes import arrived


def test_marks_are_milliseconds_since_the_start_began() -> None:
    flight = Flight(arrived=arrived(), revision="r", begun_ms=1_000_000, begun_s=50.0)
    flight.mark("identified", 50.0015)
    flight.mark("answered", 51.23456789)
    assert flight.marks_ms == {"identified": 1.5, "answered": 1234.568}


def test_nothing_is_done_at_first() -> None:
    flight = Flight(arrived=arrived(), revision="r", begun_ms=0, begun_s=0)
    assert not flight.intended
    assert not flight.created
    assert flight.marks_ms == {}


def test_credentials_do_not_show() -> None:
    assert "secret" not in repr(Credential(whose="caller", headers=(("authorization", "secret"),)))
