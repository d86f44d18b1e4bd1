"""Retention: from the oldest on, never what is not shipped or not finished, and never without a record of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal.chain import place
from proxy.journal.folder import journal_files
from proxy.journal.retention import keep_retiring, old_files, retire, retiring
from proxy.journal.writer import Journal, open_journal
from proxy.settings import JournalSettings
from tests.journal.disk import Clock, Disk, check_chain, lines, said

DAY_MS = 24 * 3600 * 1000
# Every batch has a file of its own.
EACH = JournalSettings(rotate_size_bytes=1, rotate_age_s=0, append_limit_s=30.0)
SINKS = ("stream",)


def phase(receipt: str, name: str, outcome: str = "failure") -> dict[str, Any]:
    """A start's record."""
    return {"event": {"outcome": outcome}, "startgate": {"receipt": receipt, "phase": name}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    """A file with the opening, and four with a refused start each; a day lies between any two."""
    opened = open_journal(tmp_path / "journal", EACH, now_ms=clock)
    for number in range(4):
        clock.ms += DAY_MS
        await opened.append(phase(f"r{number}", "outcome"))
    yield opened
    await opened.close()


def ship(folder: Path, file: int, seq: int, sink: str = "stream") -> None:
    cursor = {"file": f"starts-{file:06d}.jsonl", "offset": 0, "seq": seq}
    (folder / f"cursor-{sink}.json").write_text(json.dumps(cursor))


def numbers(folder: Path) -> list[int]:
    return [int(path.stem.removeprefix("starts-")) for path in journal_files(folder)]


def retain(files: int = 0, age_s: float = 0.0) -> JournalSettings:
    return JournalSettings(retain_files=files, retain_age_s=age_s)


async def test_by_default_nothing_is_deleted(journal: Journal, clock: Clock) -> None:
    ship(journal.folder, 99, 99)
    assert await retire(journal, JournalSettings(), SINKS, now_ms=clock.ms + 10_000 * DAY_MS) == 0
    assert numbers(journal.folder) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("files", "left"), [(6, 5), (5, 5), (4, 4), (2, 2), (1, 1)])
async def test_so_many_files_are_kept(journal: Journal, clock: Clock, files: int, left: int) -> None:
    ship(journal.folder, 99, 99)
    found = old_files(journal.folder, retain(files), SINKS, clock.ms)
    assert len(found) == 5 - left
    assert {one.why for one in found} <= {"files"}


@pytest.mark.parametrize(
    ("age_days", "late_ms", "gone"), [(3, -1, 1), (3, 0, 2), (9, 0, 0), (1, 0, 4), (0.5, DAY_MS, 4)]
)
async def test_files_are_kept_for_so_long_after_their_last_record(
    journal: Journal, clock: Clock, age_days: float, late_ms: int, gone: int
) -> None:
    """The files' last records are 4, 3, 2, 1 and 0 days old; the last file is never deleted."""
    ship(journal.folder, 99, 99)
    found = old_files(journal.folder, retain(age_s=age_days * 86400), SINKS, clock.ms + late_ms)
    assert len(found) == gone
    assert {one.why for one in found} <= {"age"}


async def test_what_a_deletion_leaves_is_told_and_chained(journal: Journal, clock: Clock) -> None:
    ship(journal.folder, 99, 99)
    before = [place(line) for line in lines(journal.folder)]
    first_file = (journal.folder / "starts-000002.jsonl").stat().st_size
    assert await retire(journal, retain(3), SINKS, now_ms=clock.ms) == 2
    assert numbers(journal.folder)[0] == 3
    told = said(journal.folder, "retired")
    assert [one["file"] for one in told] == ["starts-000001.jsonl", "starts-000002.jsonl"]
    assert told[1]["bytes"] == first_file
    ends = [(one["first_seq"], one["first_hash"], one["last_seq"], one["last_hash"]) for one in told]
    one, two, three = before[:3]
    assert one is not None
    assert two is not None
    assert three is not None
    assert ends == [(1, one.hash, 1, one.hash), (2, two.hash, 3, three.hash)]
    check_chain(journal.folder)


@pytest.mark.parametrize(("file", "seq", "gone"), [(1, 0, 0), (1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 3, 2), (3, 3, 2)])
async def test_what_is_not_shipped_is_not_deleted(
    journal: Journal, clock: Clock, file: int, seq: int, gone: int
) -> None:
    """The first file ends with record 1, the second with record 3."""
    ship(journal.folder, file, seq)
    assert len(old_files(journal.folder, retain(1), SINKS, clock.ms)) == gone


async def test_the_slowest_sink_counts_and_one_that_is_not_known_holds_all(journal: Journal, clock: Clock) -> None:
    ship(journal.folder, 99, 99)
    assert len(old_files(journal.folder, retain(1), SINKS, clock.ms)) == 4
    ship(journal.folder, 2, 3, "other")
    assert len(old_files(journal.folder, retain(1), ("stream", "other"), clock.ms)) == 2
    assert old_files(journal.folder, retain(1), ("stream", "third"), clock.ms) == ()
    assert old_files(journal.folder, retain(1), (), clock.ms) == ()


async def test_a_file_with_a_start_that_is_not_finished_stays(tmp_path: Path, clock: Clock) -> None:
    journal = open_journal(tmp_path / "journal", EACH, now_ms=clock)
    await journal.append(phase("denied", "outcome"))
    await journal.append(phase("runs", "intent", "unknown"))
    await journal.append(phase("runs", "outcome", "success"))
    await journal.append(phase("denied", "outcome"))
    ship(journal.folder, 99, 99)
    assert [one.path.name for one in old_files(journal.folder, retain(1), SINKS, clock.ms)] == [
        "starts-000001.jsonl",
        "starts-000002.jsonl",
    ]
    await journal.append(phase("runs", "end", "success"))
    assert len(old_files(journal.folder, retain(1), SINKS, clock.ms)) == 5
    await journal.close()


async def test_files_from_before_the_chain_go_once_the_cursor_is_past_them(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    old = b'{"startgate":{"phase":"outcome","receipt":"old"},"event":{"outcome":"failure"}}\n'
    (folder / "starts-000001.jsonl").write_bytes(old)
    (folder / "starts-000002.jsonl").write_bytes(old * 2)
    (folder / "starts-000003.jsonl").write_bytes(old)
    journal = open_journal(folder, EACH, now_ms=clock)
    ship(folder, 2, 0)
    [one] = old_files(folder, retain(2), SINKS, clock.ms)
    assert (one.path.name, one.first, one.last) == ("starts-000001.jsonl", None, None)
    # Of no known age.
    assert old_files(folder, retain(age_s=1), SINKS, clock.ms) == ()
    await journal.close()


async def test_from_a_journal_that_cannot_be_read_nothing_is_deleted(journal: Journal, clock: Clock) -> None:
    """Nobody can say whether a start is finished whose record may be the line that is broken."""
    ship(journal.folder, 99, 99)
    with (journal.folder / "starts-000002.jsonl").open("ab") as file:
        file.write(b"garbage\n")
    with pytest.raises(JournalError, match=r"starts-000002\.jsonl:3 is not a record"):
        await retire(journal, retain(1), SINKS, now_ms=clock.ms)
    assert numbers(journal.folder) == [1, 2, 3, 4, 5]


async def test_no_file_goes_without_its_record(tmp_path: Path, clock: Clock) -> None:
    """Not even where starts go on without theirs."""
    disk = Disk()
    settings = JournalSettings(rotate_size_bytes=1, on_full="unsafe_continue", append_limit_s=30.0)
    journal = open_journal(tmp_path / "journal", settings, now_ms=clock, files=disk)
    for number in range(3):
        await journal.append(phase(f"r{number}", "outcome"))
    ship(journal.folder, 99, 99)
    disk.fail("write", 100)
    before = numbers(journal.folder)
    with pytest.raises(JournalError, match="Input/output error"):
        await retire(journal, retain(1), SINKS, now_ms=clock.ms)
    assert numbers(journal.folder) == before
    assert journal.standing().lost == 0
    disk.fail("write", 0)
    await journal.close()


async def test_a_file_that_cannot_be_removed_is_retired_again(journal: Journal, clock: Clock) -> None:
    ship(journal.folder, 99, 99)
    disk = Disk()
    disk.fail("remove")
    with pytest.raises(OSError, match="Input/output"):
        await retire(journal, retain(3), SINKS, now_ms=clock.ms, files=disk)
    assert numbers(journal.folder)[0] == 1
    await retire(journal, retain(3), SINKS, now_ms=clock.ms, files=disk)
    assert numbers(journal.folder)[0] > 1
    assert [one["file"] for one in said(journal.folder, "retired")][:2] == ["starts-000001.jsonl"] * 2
    check_chain(journal.folder)


async def until_gone(path: Path) -> None:
    async with asyncio.timeout(60):
        while path.exists():  # noqa: ASYNC110, ASYNC240 -- the journal is a file
            await asyncio.sleep(0.01)


async def test_it_goes_on_by_itself_and_over_failures(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    keeping = asyncio.ensure_future(keep_retiring(journal, retain(2), SINKS, look_s=0.01))
    await asyncio.sleep(0.05)
    ship(journal.folder, 99, 99)
    await until_gone(journal.folder / "starts-000003.jsonl")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await journal.close()
    broken = asyncio.ensure_future(keep_retiring(journal, retain(1), SINKS, look_s=0.01))
    async with asyncio.timeout(60):
        while "are not deleted: the journal" not in caplog.text:  # noqa: ASYNC110 -- a line of the log
            await asyncio.sleep(0.01)
    broken.cancel()
    await asyncio.gather(broken, return_exceptions=True)


async def test_a_file_that_can_never_be_removed_is_on_record_once(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    ship(journal.folder, 99, 99)
    disk = Disk()
    disk.fail("remove", 10_000)
    keeping = asyncio.ensure_future(keep_retiring(journal, retain(2), SINKS, look_s=0.001, files=disk))
    async with asyncio.timeout(60):
        while caplog.text.count("are not deleted") < 3:  # noqa: ASYNC110 -- a line of the log
            await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert [one["file"] for one in said(journal.folder, "retired")] == ["starts-000001.jsonl"]


@pytest.mark.parametrize(("settings", "sinks"), [(JournalSettings(), SINKS), (retain(1), ())])
async def test_where_nothing_is_to_be_deleted_nobody_looks(
    journal: Journal, settings: JournalSettings, sinks: tuple[str, ...]
) -> None:
    await asyncio.wait_for(keep_retiring(journal, settings, sinks), 20)


async def test_it_is_done_in_the_background_for_as_long_as_the_gate_runs(journal: Journal) -> None:
    ship(journal.folder, 99, 99)
    async with retiring(journal, retain(2), SINKS):
        await until_gone(journal.folder / "starts-000003.jsonl")
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("retire")]
