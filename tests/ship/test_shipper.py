"""A sink gets all records, in order, once where it says what it took; whatever fails in between."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal.entry import timestamp
from proxy.ship import cursor, rejected, source
from proxy.ship.cursor import cursor_path, held, load
from proxy.ship.model import Cursor, Lag, Record, SinkFailure, Taken
from proxy.ship.shipper import Shipper, measured
from tests.ship.samples import FIRST, LIMITS, SECOND, FakeSink, Written, failing


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


@asynccontextmanager
async def running(shipper: Shipper) -> AsyncIterator[None]:
    task = asyncio.ensure_future(shipper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what must come; pytest's own timeout bounds it."""
    while not holds():  # noqa: ASYNC110 -- what is waited for is another's state
        await asyncio.sleep(0.005)


async def test_all_there_is_is_shipped(written: Written) -> None:
    written.append(25)
    written.append(5, SECOND)
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS)
    await shipper.all_there_is()
    assert [record.line for record in sink.got] == written.lines
    assert max(sink.batches) == LIMITS.batch_records
    assert (shipper.status.accepted, shipper.status.rejected, shipper.status.lag) == (30, 0, Lag())


async def test_the_next_process_goes_on_where_this_one_ended(written: Written) -> None:
    written.append(12)
    first, second = FakeSink(), FakeSink()
    await Shipper(written.folder, first, LIMITS).all_there_is()
    written.append(3)
    await Shipper(written.folder, second, LIMITS).all_there_is()
    assert second.numbers == [13, 14, 15]


async def test_the_cursor_is_there_from_the_first_moment(written: Written) -> None:
    """Before that, retention would not know of the sink."""
    written.append(1)
    with pytest.raises(SinkFailure, match="away"):
        await Shipper(written.folder, FakeSink(failing()), LIMITS).all_there_is()
    assert load(written.folder, "fake") == source.beginning(written.folder)


async def test_what_is_appended_is_shipped_while_it_runs(written: Written) -> None:
    sink = FakeSink()
    async with running(Shipper(written.folder, sink, LIMITS)):
        for number in range(1, 30):
            written.append(1, f"starts-{number // 10 + 1:06}.jsonl")
            await until(lambda: len(sink.got) == number)  # noqa: B023 -- waited for within the loop
    assert [record.line for record in sink.got] == written.lines


async def test_failures_are_tried_again_and_told_once(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    written.append(15)
    sink = FakeSink(failing("away"), failing("away"), failing("away"), failing("full"))
    shipper = Shipper(written.folder, sink, LIMITS)
    async with running(shipper):
        await until(lambda: shipper.status.accepted == 15)
        await until(lambda: not shipper.status.trouble)
    assert sink.numbers == list(range(1, 16))
    assert caplog.text.count("away") == 1
    assert caplog.text.count("full") == 1
    assert "goes on after 4 failures" in caplog.text


async def test_a_failure_that_nobody_foresaw_ends_nothing(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    """Else a sink would get nothing more until a restart, and retention would keep every file."""
    written.append(15)
    sink = FakeSink(ValueError("odd answer"), ValueError("odd answer"))
    shipper = Shipper(written.folder, sink, LIMITS)
    async with running(shipper):
        await until(lambda: shipper.status.accepted == 15)
    assert sink.numbers == list(range(1, 16))
    assert [one.exc_info is not None for one in caplog.records if "not foreseen" in one.message] == [True, True]
    assert "ValueError('odd answer'); it is tried again" in caplog.text


async def test_a_shipper_that_is_cancelled_lets_go_of_the_cursor_only_once_it_is_written(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.append(5)
    asked, goes_on = threading.Event(), threading.Event()
    save = cursor.save

    def slow(folder: Path, sink: str, at: Cursor) -> None:
        if at.seq:
            asked.set()
            assert goes_on.wait(20)
        save(folder, sink, at)

    monkeypatch.setattr(cursor, "save", slow)
    task = asyncio.ensure_future(Shipper(written.folder, FakeSink(), LIMITS).run())
    assert await asyncio.to_thread(asked.wait, 20)
    task.cancel()
    await asyncio.wait([task], timeout=0.05)
    with held(written.folder, "fake") as ours:
        assert not ours
    goes_on.set()
    await asyncio.gather(task, return_exceptions=True)
    with held(written.folder, "fake") as ours:
        assert ours
    found = load(written.folder, "fake")
    assert found is not None
    assert found.seq == 5


async def test_a_part_that_was_taken_is_not_sent_again(written: Written) -> None:
    written.append(10)
    sink = FakeSink(most=3)
    shipper = Shipper(written.folder, sink, LIMITS)
    async with running(shipper):
        await until(lambda: shipper.status.accepted == 10)
    assert sink.numbers == list(range(1, 11))


async def test_nothing_settled_moves_nothing(written: Written) -> None:
    written.append(2)
    sink = FakeSink(most=0)
    with pytest.raises(SinkFailure, match="is full"):
        await Shipper(written.folder, sink, LIMITS).all_there_is()
    assert load(written.folder, "fake") == source.beginning(written.folder)


async def test_rejected_records_are_kept_and_passed_over(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    written.append(12)
    sink = FakeSink(bad=[3, 12])
    shipper = Shipper(written.folder, sink, LIMITS)
    await shipper.all_there_is()
    assert sink.numbers == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert rejected.numbers(written.folder, "fake") == {3, 12}
    assert (shipper.status.accepted, shipper.status.rejected) == (10, 2)
    assert caplog.text.count("does not take record") == 2
    assert "not wanted" in caplog.text


async def test_what_cannot_be_kept_aside_stays_to_be_sent(written: Written) -> None:
    written.append(3)
    rejected.rejected_path(written.folder, "fake").mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        await Shipper(written.folder, FakeSink(bad=[2]), LIMITS).all_there_is()
    assert load(written.folder, "fake") == source.beginning(written.folder)


async def test_broken_lines_are_kept_aside_and_hold_nothing_up(written: Written) -> None:
    written.raw(b"garbage\n")
    written.append(2)
    written.raw(b"\xff\n{}\n")
    written.append(2)
    written.raw(b"more\n")
    sink = FakeSink()
    await Shipper(written.folder, sink, LIMITS).all_there_is()
    assert sink.numbers == [1, 2, 3, 4]
    assert rejected.count(written.folder, "fake") == 4


async def test_a_cursor_that_cannot_be_written_is_written_later_and_sends_nothing_twice(
    written: Written, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written.append(14)
    sink, failures = FakeSink(), [JournalError("no room")] * 4
    real = cursor.save

    def save(*given: Any) -> None:
        if sink.got and failures:
            raise failures.pop()
        real(*given)

    monkeypatch.setattr("proxy.ship.shipper.cursors.save", save)
    shipper = Shipper(written.folder, sink, LIMITS)
    async with running(shipper):
        await until(lambda: load(written.folder, "fake") == written.records()[-1].after)
    assert sink.numbers == list(range(1, 15))
    assert caplog.text.count("no room") == 1
    assert not failures


async def test_after_a_crash_without_a_cursor_written_all_is_sent_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.append(4)
    sink = FakeSink()
    await Shipper(written.folder, FakeSink(most=0), LIMITS)._place()

    def full(*_: object) -> None:
        raise JournalError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("proxy.ship.shipper.cursors.save", full)
        with pytest.raises(JournalError, match="no room"):
            await Shipper(written.folder, sink, LIMITS).all_there_is()
    await Shipper(written.folder, sink, LIMITS).all_there_is()
    assert sink.numbers == [1, 2, 3, 4] * 2


@pytest.mark.parametrize("longer", [True, False])
async def test_what_was_taken_back_under_a_shipper_is_followed_by_what_stands_there_now(
    written: Written, longer: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed fsync: the line is cut off again, and its number and its place in the file are given to others."""
    written.append(3)
    kept, size = written.link, (written.folder / FIRST).stat().st_size
    written.append(1, refused="x" * (5 if longer else 400))
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS)
    async with running(shipper):
        await until(lambda: sink.numbers == [1, 2, 3, 4])
        os.truncate(written.folder / FIRST, size)
        written.link = kept
        del written.lines[3:]
        written.append(2, more="y" * 60)
        await until(lambda: {record.line for record in sink.got} >= set(written.lines))
    assert shipper.status.rejected == 0
    assert "does not hold record 4 any more" in caplog.text


async def test_what_is_written_anew_while_it_is_looked_at_is_not_read_from_the_middle(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.append(3)
    kept, size = written.link, (written.folder / FIRST).stat().st_size
    written.append(1, refused="x" * 400)
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS)
    await shipper.all_there_is()
    read = source.read

    def just_before(*asked: Any) -> tuple[Record, ...]:
        monkeypatch.setattr(source, "read", read)
        os.truncate(written.folder / FIRST, size)
        written.link = kept
        del written.lines[3:]
        written.append(3, more="y" * 200)
        return read(*asked)

    monkeypatch.setattr(source, "read", just_before)
    await shipper.all_there_is()
    assert shipper.status.rejected == 0
    assert {record.line for record in sink.got} >= set(written.lines)


async def test_what_is_not_durable_is_not_read(written: Written) -> None:
    durable = 3
    written.append(5)
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS, durable=lambda: durable)
    await shipper.all_there_is()
    assert sink.numbers == [1, 2, 3]
    durable = 5
    await shipper.all_there_is()
    assert sink.numbers == [1, 2, 3, 4, 5]


async def test_lines_from_before_the_chain_are_durable(written: Written) -> None:
    written.raw(b'{"startgate":{"receipt":"old"}}\n')
    written.append(2)
    sink = FakeSink()
    await Shipper(written.folder, sink, LIMITS, durable=lambda: 1).all_there_is()
    assert sink.numbers == [0, 1]


async def test_a_folder_without_files_is_waited_for(written: Written) -> None:
    """As a mount that went away leaves it: the sink does not get all of it again."""
    written.append(4)
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS)
    await shipper.all_there_is()
    (written.folder / FIRST).rename(written.folder / "away")
    assert not await shipper._step()
    (written.folder / "away").rename(written.folder / FIRST)
    written.append(1)
    await shipper.all_there_is()
    assert sink.numbers == [1, 2, 3, 4, 5]


async def test_a_sink_that_hangs_is_given_up_and_tried_again(written: Written) -> None:
    class Hanging(FakeSink):
        async def send(self, records: Sequence[Record]) -> Taken:
            if not self.batches:
                self.batches.append(0)
                await asyncio.Event().wait()
            return await super().send(records)

    written.append(3)
    sink = Hanging()
    shipper = Shipper(written.folder, sink, replace(LIMITS, send_s=0.05))
    with pytest.raises(SinkFailure, match=r"took no batch within 0.05 s \(limits.ship.send_s\)"):
        await shipper.all_there_is()
    await shipper.all_there_is()
    assert sink.numbers == [1, 2, 3]


async def test_two_do_not_ship_to_one_sink(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    written.append(3)
    sink = FakeSink()
    shipper = Shipper(written.folder, sink, LIMITS)
    with held(written.folder, "fake"):
        with pytest.raises(SinkFailure, match="another process ships to fake"):
            await shipper.all_there_is()
        async with running(shipper):
            await until(lambda: "another process" in caplog.text)
        assert not sink.got
    async with running(shipper):
        await until(lambda: len(sink.got) == 3)


async def test_a_cursor_of_a_journal_that_was_replaced_begins_anew_and_says_so(
    written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    written.append(5)
    await Shipper(written.folder, FakeSink(), LIMITS).all_there_is()
    (written.folder / FIRST).unlink()
    other = Written(written.folder, "another-journal")
    other.append(4)
    sink = FakeSink()
    await Shipper(written.folder, sink, LIMITS).all_there_is()
    assert [record.line for record in sink.got] == other.lines
    assert "does not hold record 5 any more" in caplog.text


async def test_a_folder_that_is_gone_ends_nothing(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    sink = FakeSink()
    shipper = Shipper(written.folder / "later", sink, LIMITS)
    async with running(shipper):
        await until(lambda: "cannot be used" in caplog.text)
        Written(written.folder / "later").append(2)
        await until(lambda: len(sink.got) == 2)


def test_the_lag_is_measured_in_records_bytes_and_seconds(tmp_path: Path) -> None:
    written = Written(tmp_path)
    hour_ago = timestamp(time.time_ns() // 1_000_000 - 3_600_000)
    written.append(1)
    written.append(4, **{"@timestamp": hour_ago})
    at = written.records()[0].after
    lag = measured(tmp_path, at)
    assert lag.records == 4
    assert lag.bytes == (tmp_path / FIRST).stat().st_size - at.offset
    assert 3600 <= lag.seconds < 7200
    assert measured(tmp_path, written.records()[-1].after) == Lag()


def test_a_lag_of_lines_before_the_chain_counts_what_is_known(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.raw(b'{"startgate":{}}\n')
    lag = measured(tmp_path, source.beginning(tmp_path))
    assert (lag.records, lag.seconds, lag.bytes) == (1, 0.0, 17)


def test_a_clock_that_went_back_makes_nothing_younger_than_now(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(1, **{"@timestamp": "2999-01-01T00:00:00.000Z"})
    assert measured(tmp_path, source.beginning(tmp_path)).seconds == 0.0


def test_a_half_written_line_is_bytes_and_no_record(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.raw(b'{"half')
    assert measured(tmp_path, source.beginning(tmp_path)) == Lag(bytes=6)
    assert cursor_path(tmp_path, "fake").name == "cursor-fake.json"
