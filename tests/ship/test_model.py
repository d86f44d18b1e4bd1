"""Sinks are what the protocol says."""

from proxy.ship.model import Sink, SinkFailure
from tests.ship.samples import FakeSink, failing


def test_a_sink_has_a_name_sends_and_closes() -> None:
    sink: Sink = FakeSink()
    assert sink.name == "fake"


def test_a_failure_has_a_text_for_operators() -> None:
    assert isinstance(failing(), SinkFailure)
    assert str(failing("the reason")) == "the reason"
