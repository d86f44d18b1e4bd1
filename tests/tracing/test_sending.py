"""Whoever has something sent never waits: what does not fit, or does not arrive, is counted and told of."""

import logging
import threading
import time
from collections.abc import Sequence

import pytest

from proxy.tracing.sending import TOLD_EVERY_S, Counts, Losses, Sending
from proxy.tracing.settings import TraceLimits

PATIENCE_S = 30.0


class Receiver:
    """Takes batches; can be made to hold them, to fail and to raise."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.problem = ""
        self.failure: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.taking = threading.Event()

    def send(self, batch: Sequence[int]) -> str:
        """Take one batch."""
        self.taking.set()
        self.open.wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        if not self.problem:
            self.batches.append(list(batch))
        return self.problem

    @property
    def taken(self) -> list[int]:
        """All that came."""
        return [one for batch in self.batches for one in batch]


def sending(receiver: Receiver, queue: int = 100, batch: int = 10, flush_s: float = PATIENCE_S) -> Sending[int]:
    """A queue to a receiver, which waits a minute where no batch is full."""
    limits = TraceLimits(queue_spans=queue, batch_spans=batch, pause_s=60.0, flush_s=flush_s)
    return Sending(receiver.send, receiver.open.set, limits)


def test_what_is_put_in_is_sent_in_order_and_the_rest_at_the_end() -> None:
    receiver = Receiver()
    one = sending(receiver)
    for number in range(25):
        one.put(number)
    one.close()
    assert receiver.taken == list(range(25))
    assert all(len(batch) <= 10 for batch in receiver.batches)
    assert one.counts == Counts(sent=25, lost=0)


def test_a_pause_ends_a_batch_that_is_not_full() -> None:
    receiver = Receiver()
    one = Sending(receiver.send, receiver.open.set, TraceLimits(pause_s=0.01))
    one.put(1)
    assert receiver.taking.wait(PATIENCE_S)
    one.close()
    assert receiver.taken == [1]


def test_a_receiver_that_is_slow_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    receiver.open.clear()
    one = sending(receiver, queue=20, batch=10)
    for number in range(10):
        one.put(number)
    assert receiver.taking.wait(PATIENCE_S)
    # The batch is under way, and nothing is taken any more: each of these returns at once all the same.
    for number in range(1000):
        one.put(number)
    assert one.losses.total == 980
    receiver.open.set()
    one.close()
    assert len(receiver.taken) == 30
    assert one.counts == Counts(sent=30, lost=980)
    assert "980 spans of traces were not sent: the collector takes fewer" in caplog.text


@pytest.mark.parametrize(("problem", "failure"), [("status 500", None), ("", RuntimeError("a secret"))])
def test_what_the_receiver_refuses_is_lost_and_told(
    caplog: pytest.LogCaptureFixture, problem: str, failure: Exception | None
) -> None:
    receiver = Receiver()
    receiver.problem, receiver.failure = problem, failure
    one = sending(receiver)
    for number in range(10):
        one.put(number)
    one.close()
    assert one.losses.total == 10
    assert f"10 spans of traces were not sent: {problem or 'RuntimeError'}" in caplog.text
    assert "a secret" not in caplog.text


def test_after_a_failure_it_goes_on() -> None:
    receiver = Receiver()
    receiver.failure = RuntimeError()
    one = sending(receiver, batch=1)
    one.put(1)
    deadline = time.monotonic() + PATIENCE_S
    while one.losses.total == 0 and time.monotonic() < deadline:
        time.sleep(0.001)
    receiver.failure = None
    one.put(2)
    one.close()
    assert receiver.taken == [2]


def test_the_end_does_not_wait_for_a_receiver_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    receiver.open.clear()
    one = Sending(receiver.send, lambda: None, TraceLimits(queue_spans=5, batch_spans=1, pause_s=60.0, flush_s=0.01))
    one.put(1)
    assert receiver.taking.wait(PATIENCE_S)
    one.put(2)
    one.put(3)
    one.close()
    assert one.losses.total == 2
    one.put(4)
    assert one.losses.total == 3
    assert "2 spans of traces were not sent: the gate stops" in caplog.text
    receiver.open.set()


def test_losses_are_told_once_a_minute() -> None:
    now = [1000.0]
    losses = Losses(lambda: now[0])
    assert losses.due() is None
    losses.note(3, "a")
    assert losses.due() == (3, "a")
    losses.note(1, "b")
    now[0] += TOLD_EVERY_S - 0.1
    losses.note(2, "c")
    assert losses.due() is None
    now[0] += 0.2
    assert losses.due() == (3, "c")
    now[0] += 1000
    assert losses.due() is None
    losses.note(1, "d")
    assert losses.due() == (1, "d")
    losses.note(1, "e")
    assert losses.due() is None
    assert losses.due(now=True) == (1, "e")
    assert losses.total == 8


def test_it_is_told_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    receiver.problem = "status 503"
    one = sending(receiver)
    one.put(1)
    one.close()
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "proxy.tracing.sending")
