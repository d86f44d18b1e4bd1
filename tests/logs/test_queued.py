"""Lines that nobody waits for: written in order, bounded, and told of where they are dropped."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.logs import queued
from proxy.logs.out import Out
from proxy.logs.queued import Queued

Make = Callable[..., "Queued[int]"]


def line(item: int, most: int) -> bytes:
    """An item as a line."""
    return f"{item}\n".encode()[:most]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes queues, which are closed if the test did not."""
    made: list[Queued[int]] = []

    def one(path: Path | str, form: Callable[[int, int], bytes] = line, most: int = 100_000) -> Queued[int]:
        made.append(Queued(Out(str(path)), form, most=most))
        return made[-1]

    yield one
    for each in made:
        each.out.close()


def test_all_is_written_in_order(tmp_path: Path, make: Make) -> None:
    queue = make(tmp_path / "log")
    for item in range(50_000):
        queue.put(item)
    queue.close()
    assert (tmp_path / "log").read_text() == "".join(f"{item}\n" for item in range(50_000))
    assert queue.dropped == 0


def test_what_is_put_is_written_without_being_closed(tmp_path: Path, make: Make) -> None:
    written = threading.Event()

    def form(item: int, most: int) -> bytes:
        written.set()
        return line(item, most)

    queue = make(tmp_path / "log", form)
    for item in (1, 2):
        written.clear()
        queue.put(item)
        assert written.wait(20)
    queue.close()


def test_a_writer_that_stands_still_holds_up_nobody(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    begun, free = threading.Event(), threading.Event()

    def form(item: int, most: int) -> bytes:
        begun.set()
        free.wait(20)
        return line(item, most)

    queue = make(tmp_path / "log", form, most=10)
    queue.put(-1)
    assert begun.wait(20)
    for item in range(100):
        queue.put(item)
    free.set()
    queue.close()
    assert queue.dropped == 90
    assert (tmp_path / "log").read_text() == "-1\n" + "".join(f"{item}\n" for item in range(10))
    assert "90 lines of the access log were dropped: they came faster than they could be written" in caplog.text


def test_lines_that_find_no_place_are_told_once_a_minute(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    queue = make("/dev/full")
    for item in range(3):
        queue.put(item)
    queue.close()
    assert queue.dropped == 3
    told = [record for record in caplog.records if "were dropped" in record.message]
    assert "No space left on device" in told[0].message
    assert len(told) <= 2, "when the first was lost, and at the end"


def test_what_is_dropped_within_a_minute_is_told_together(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    queue = make(tmp_path / "log", most=0)
    for at_s in (0.0, 1.0, queued.TELL_S - 1, queued.TELL_S):
        queue.put(1)
        queue._tell(at_s)
    queue._tell(10 * queued.TELL_S)
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [1, 3]
    queue.close()


def test_no_write_to_a_pipe_is_longer_than_one_that_cannot_mix(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sizes: list[int] = []
    queue = make(path, lambda item, _most: f"{item:1000d}\n".encode())
    true_write = queue.out.write

    def write(data: bytes) -> bool:
        sizes.append(len(data))
        return true_write(data)

    monkeypatch.setattr(queue.out, "write", write)
    for item in range(20):
        queue.put(item)
    queue.close()
    os.close(reader)
    assert sum(sizes) == 20 * 1001
    assert max(sizes) <= queue.out.most


def test_a_writer_that_never_ends_does_not_hold_up_the_end(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queued, "LAST_S", 0.01)
    begun, free = threading.Event(), threading.Event()

    def form(item: int, most: int) -> bytes:
        begun.set()
        free.wait(20)
        return line(item, most)

    queue = make(tmp_path / "log", form)
    queue.put(1)
    assert begun.wait(20)
    queue.put(2)
    queue.close()
    assert "1 lines of the access log were dropped" in caplog.text
    free.set()
    queue._thread.join(20)
