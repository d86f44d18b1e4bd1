"""Durable appends: on disk before they return, whole or not at all, whatever goes wrong."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.errors import JournalError, JournalLate
from proxy.journal.folder import FIRST_FILE
from proxy.journal.standing import JournalState
from proxy.journal.writer import Journal, open_journal
from proxy.settings import JournalSettings
from tests.journal.disk import Clock, Disk, actions, check_chain, everything, receipts, record, said
from tests.journal.test_checkpoints import PRIVATE

ROOT = Path(__file__).parents[2]
# Nobody waits that long in a test that goes well.
LONG_S = 30.0
CONTINUE = JournalSettings(on_full="unsafe_continue", append_limit_s=LONG_S)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def journal(tmp_path: Path, disk: Disk) -> AsyncIterator[Journal]:
    opened = open_journal(tmp_path / "journal", JournalSettings(append_limit_s=LONG_S), files=disk, now_ms=Clock())
    yield opened
    disk.answers.set()
    await opened.close()
    check_chain(opened.folder)


async def asked(disk: Disk) -> None:
    """Until an fsync waits."""
    assert await asyncio.to_thread(disk.asked.wait, 20)


async def test_a_record_is_synced_before_append_returns(journal: Journal, disk: Disk) -> None:
    await journal.append(record(1, text="ä"))
    [synced] = disk.synced[1:]
    opened, written = synced.splitlines()
    assert b'"startgate-journal-opened"' in opened
    assert written.startswith(b'{"startgate":{"chain":{"hash":"')
    assert written.endswith(b'"seq":2},"phase":"outcome","receipt":"r1"},"text":"\xc3\xa4"}')
    await journal.append(record(2))
    assert [synced.count(b"\n") for synced in disk.synced] == [1, 2, 3]


async def test_records_that_arrive_during_an_fsync_share_the_next(journal: Journal, disk: Disk) -> None:
    disk.hold()
    first = asyncio.ensure_future(journal.append(record(0)))
    await asked(disk)
    others = [asyncio.ensure_future(journal.append(record(number))) for number in range(1, 100)]
    await asyncio.sleep(0)
    disk.answers.set()
    await asyncio.gather(first, *others)
    assert len(disk.synced) == 3
    assert receipts(journal.folder) == [f"r{number}" for number in range(100)]
    assert journal.standing().appended == 100


async def test_no_append_returns_before_the_fsync_that_holds_it(journal: Journal, disk: Disk) -> None:
    async def append(number: int) -> None:
        await asyncio.sleep(number % 7 / 2000)
        await journal.append(record(number))
        assert f'"r{number}"'.encode() in disk.synced[-1]

    await asyncio.gather(*(append(number) for number in range(50)))


async def test_a_caller_that_is_cancelled_does_not_take_its_record_back(journal: Journal, disk: Disk) -> None:
    disk.hold()
    waiting = [asyncio.ensure_future(journal.append(record(number))) for number in range(3)]
    await asked(disk)
    waiting[1].cancel()
    disk.answers.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    await journal.append(record(3))
    assert receipts(journal.folder) == ["r0", "r1", "r2", "r3"]


async def test_a_failed_fsync_refuses_all_who_wait_and_leaves_nothing(
    journal: Journal, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    await journal.append(record(0))
    disk.fail("sync")
    outcomes = await asyncio.gather(*(journal.append(record(number)) for number in (1, 2)), return_exceptions=True)
    text = f"the journal {journal.folder} cannot be written: Input/output error"
    assert [str(outcome) for outcome in outcomes] == [text] * 2
    assert all(isinstance(outcome, JournalError) for outcome in outcomes)
    assert receipts(journal.folder) == ["r0"]
    standing = journal.standing()
    assert (standing.state, standing.reason, standing.refused) == (JournalState.FAILING, text, 2)
    await journal.append(record(3))
    assert receipts(journal.folder) == ["r0", "r3"]
    standing = journal.standing()
    assert (standing.state, standing.reason, standing.appended) == (JournalState.WRITABLE, "", 2)
    assert [entry.levelname for entry in caplog.records] == ["ERROR", "WARNING"]


async def test_a_lasting_failure_is_logged_once(journal: Journal, disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    disk.fail("sync", 5, errno.ENOSPC)
    for number in range(5):
        with pytest.raises(JournalError, match="No space left on device"):
            await journal.append(record(number))
    assert len(caplog.records) == 1
    assert journal.standing().refused == 5


async def test_a_cancelled_caller_is_not_missed_when_the_write_fails(journal: Journal, disk: Disk) -> None:
    """Nobody is left to fetch the error; that is no error of its own."""
    disk.fail("sync")
    disk.hold()
    waiting = asyncio.ensure_future(journal.append(record(1)))
    await asked(disk)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    disk.answers.set()
    await journal.append(record(2))
    assert receipts(journal.folder) == ["r2"]


async def test_where_no_thread_can_be_started_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path / "journal")

    def exhausted(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(journal._thread, "submit", exhausted)
    with pytest.raises(JournalError, match="can't start new thread"):
        await journal.append(record(1))
    await journal.close()
    await open_journal(tmp_path / "journal").close()


async def test_a_failure_that_nobody_foresaw_refuses_who_waits_and_loses_no_debt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(tmp_path / "journal", CONTINUE)
    commit = journal._store.commit

    def odd(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(journal._store, "commit", odd)
    with pytest.raises(JournalError, match="cannot be written: no room"):
        await journal.append(record(1), for_certain=True)
    await journal.append(record(2))
    await journal.append(record(3))
    monkeypatch.setattr(journal._store, "commit", commit)
    await journal.append(record(4))
    await journal.close()
    assert receipts(journal.folder) == ["r4"]
    assert [one["receipts"] for one in said(journal.folder, "lost")] == [["r2", "r3"]]
    assert [one.exc_info is not None for one in caplog.records if "not foreseen" in one.message][:1] == [True]


async def test_what_is_no_json_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError, match="cannot be written as JSON"):
        await journal.append({"half a pair": "\ud800"})
    with pytest.raises(JournalError, match="cannot be written as JSON"):
        await journal.append({"what": object()})
    await journal.append(record(1))
    assert receipts(journal.folder) == ["r1"]


async def test_a_closed_journal_takes_nothing(journal: Journal) -> None:
    waiting = asyncio.ensure_future(journal.append(record(1)))
    await asyncio.sleep(0)
    await journal.close()
    await waiting
    with pytest.raises(JournalError, match="is closed"):
        await journal.append(record(2))
    await journal.close()
    assert receipts(journal.folder) == ["r1"]


def removed(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    file.rename(file.with_suffix(".old"))
    file.write_bytes(b"")


def cut(file: Path) -> None:
    os.truncate(file, 3)


def written_to(file: Path) -> None:
    with file.open("ab") as other:
        other.write(b"{}\n")


def folder_removed(file: Path) -> None:
    file.parent.rename(file.parent.with_suffix(".away"))


@pytest.mark.parametrize("meddle", [removed, replaced, cut, written_to])
async def test_a_file_that_somebody_meddles_with_is_noticed(
    tmp_path: Path, meddle: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waits then is refused; after that the journal goes on in a new file, which says why."""
    journal = open_journal(tmp_path / "journal")
    await journal.append(record(1))
    meddle(journal.folder / FIRST_FILE)
    with pytest.raises(JournalError, match=r"cannot be written: .* while in use"):
        await journal.append(record(2))
    await journal.append(record(3))
    await journal.close()
    assert [one for one in receipts(journal.folder) if one != "r1"] == ["r3"]
    [rotated] = said(journal.folder, "rotated")
    assert rotated["file"] == "starts-000002.jsonl"
    assert "while in use" in rotated["why"]
    assert sum("goes on in" in entry.message for entry in caplog.records) == 1
    second = everything(journal.folder)[-2:]
    assert [one["startgate"]["chain"]["seq"] for one in second] == [3, 4]


async def test_a_folder_that_is_taken_away_is_noticed_until_it_is_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    await journal.append(record(1))
    folder_removed(journal.folder / FIRST_FILE)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"cannot be written: .* while in use"):
            await journal.append(record(2))
    journal.folder.with_suffix(".away").rename(journal.folder)
    await journal.append(record(3))
    await journal.close()
    assert receipts(journal.folder) == ["r1", "r3"]
    assert actions(journal.folder) == ["opened"]
    check_chain(journal.folder)


async def test_a_disk_that_does_not_answer_is_not_waited_for_longer_than_the_limit(tmp_path: Path, disk: Disk) -> None:
    """What it had already comes onto the disk all the same, and a later record says that it was refused."""
    journal = open_journal(tmp_path / "journal", JournalSettings(append_limit_s=0.05), files=disk)
    disk.hold()
    first = asyncio.ensure_future(journal.append(record(1)))
    await asked(disk)
    second = asyncio.ensure_future(journal.append(record(2)))
    for refused in (first, second):
        with pytest.raises(JournalError, match=r"has not answered within 0\.05 s \(journal\.append_limit_s\)"):
            await refused
    # The second was not handed over: it cannot come late.
    assert [type(one.exception()) for one in (first, second)] == [JournalLate, JournalError]
    assert journal.standing().state is JournalState.STALLED
    # Nobody is kept waiting any more: this one would not be for its own turn, either.
    with pytest.raises(JournalError, match="has not answered within"):
        await journal.append(record(3))
    assert journal.standing().refused == 3
    disk.answers.set()
    await settled(journal)
    patient(journal)
    await journal.append(record(4))
    await journal.close()
    assert receipts(journal.folder) == ["r1", "r4"]
    [late] = said(journal.folder, "late")
    assert (late["records"], late["receipts"]) == (1, ["r1"])
    standing = journal.standing()
    assert (standing.refused, standing.late, standing.lost, standing.state) == (3, 1, 0, JournalState.WRITABLE)
    check_chain(journal.folder)


def patient(journal: Journal) -> None:
    """From now on no machine is too slow."""
    journal._settings = replace(journal._settings, append_limit_s=LONG_S)


async def settled(journal: Journal) -> None:
    """Until nothing is being written."""
    async with asyncio.timeout(20):
        while journal._flushing is not None:  # noqa: ASYNC110 -- a thread, not a task, is waited for
            await asyncio.sleep(0.005)


async def test_what_was_refused_and_failed_in_the_end_is_counted_once(tmp_path: Path, disk: Disk) -> None:
    journal = open_journal(tmp_path / "journal", JournalSettings(append_limit_s=0.05), files=disk)
    disk.hold()
    disk.fail("sync")
    with pytest.raises(JournalError, match="has not answered"):
        await journal.append(record(1))
    disk.answers.set()
    await settled(journal)
    patient(journal)
    await journal.append(record(2))
    await journal.close()
    assert receipts(journal.folder) == ["r2"]
    assert actions(journal.folder) == ["opened"]
    assert (journal.standing().refused, journal.standing().late) == (1, 0)


async def test_a_journal_can_be_left_while_the_disk_does_not_answer(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(tmp_path / "journal", JournalSettings(append_limit_s=0.05), files=disk)
    disk.hold()
    with pytest.raises(JournalError, match="has not answered"):
        await journal.append(record(1))
    await journal.close()
    assert "is left while the disk does not answer" in caplog.text
    # It is still locked: what is being written must not mix with another process's.
    with pytest.raises(JournalError, match="in use by another process"):
        open_journal(tmp_path / "journal")
    disk.answers.set()
    await settled(journal)


async def test_a_last_checkpoint_that_the_disk_does_not_take_holds_up_nobody(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    settings = JournalSettings(append_limit_s=0.05, checkpoint_key=PRIVATE)
    journal = open_journal(tmp_path / "journal", settings, files=disk)
    disk.hold()
    await journal.close()
    assert "is left while the disk does not answer" in caplog.text
    disk.answers.set()


async def test_with_unsafe_continue_a_start_goes_on_and_the_loss_is_recorded(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(tmp_path / "journal", CONTINUE, files=disk)
    disk.fail("sync", 2, errno.ENOSPC)
    await journal.append(record(1))
    await journal.append(record(2))
    lost = [entry for entry in caplog.records if entry.levelname == "CRITICAL"]
    assert [entry.getMessage().split(":")[0] for entry in lost] == [
        "start r1 goes on without its record",
        "start r2 goes on without its record",
    ]
    assert journal.standing().state is JournalState.FAILING
    await journal.append(record(3))
    await journal.close()
    assert receipts(journal.folder) == ["r3"]
    [said_lost] = said(journal.folder, "lost")
    assert (said_lost["records"], said_lost["receipts"]) == (2, ["r1", "r2"])
    assert (journal.standing().lost, journal.standing().refused, journal.standing().appended) == (2, 0, 1)
    assert check_chain(journal.folder) == 3


async def test_a_loss_is_recorded_without_another_start(tmp_path: Path, disk: Disk) -> None:
    journal = open_journal(tmp_path / "journal", CONTINUE, files=disk, retry_s=0.01)
    disk.fail("sync", 3)
    await journal.append(record(1))
    async with asyncio.timeout(20):
        while not said(journal.folder, "lost"):  # noqa: ASYNC110 -- the journal is a file
            await asyncio.sleep(0.01)
    await journal.close()
    assert [one["records"] for one in said(journal.folder, "lost")] == [1]


async def test_a_loss_is_recorded_at_the_end_at_the_latest(tmp_path: Path, disk: Disk) -> None:
    journal = open_journal(tmp_path / "journal", CONTINUE, files=disk)
    disk.fail("sync")
    await journal.append(record(1))
    await journal.close()
    assert [one["receipts"] for one in said(journal.folder, "lost")] == [["r1"]]


async def test_with_unsafe_continue_a_slow_disk_loses_only_what_it_never_had(tmp_path: Path, disk: Disk) -> None:
    settings = JournalSettings(on_full="unsafe_continue", append_limit_s=0.05)
    journal = open_journal(tmp_path / "journal", settings, files=disk)
    disk.hold()
    first = asyncio.ensure_future(journal.append(record(1)))
    await asked(disk)
    await asyncio.gather(first, journal.append(record(2)))
    await journal.append(record(3))
    disk.answers.set()
    await settled(journal)
    patient(journal)
    await journal.close()
    assert receipts(journal.folder) == ["r1"]
    assert [one["receipts"] for one in said(journal.folder, "lost")] == [["r2", "r3"]]
    assert (journal.standing().lost, journal.standing().late) == (2, 0)


async def test_with_unsafe_continue_what_is_no_record_is_refused_all_the_same(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal", CONTINUE)
    with pytest.raises(JournalError, match="cannot be written as JSON"):
        await journal.append({"what": object()})
    await journal.close()
    with pytest.raises(JournalError, match="is closed"):
        await journal.append(record(1))


async def test_the_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in range(3):
        opened = open_journal(tmp_path)
        await opened.append(record(number))
        await opened.close()
    assert receipts(tmp_path) == ["r0", "r1", "r2"]
    assert check_chain(tmp_path) == 6


KILLED = """
import asyncio, sys
from pathlib import Path
from proxy.journal.writer import open_journal
from proxy.settings import JournalSettings

async def one(opened, worker):
    for number in range(100_000):
        await opened.append({"startgate": {"receipt": f"{worker}-{number}", "phase": "outcome"}, "pad": "x" * 200})
        print(f"{worker}-{number}", flush=True)

async def run(folder, size):
    opened = open_journal(folder, JournalSettings(rotate_size_bytes=size))
    await asyncio.gather(*(one(opened, worker) for worker in range(8)))

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize(("after", "size"), [(1, 10**9), (50, 10**9), (400, 10**9), (1, 1), (200, 1), (400, 5000)])
def test_a_process_that_is_killed_loses_no_acknowledged_record(tmp_path: Path, after: int, size: int) -> None:
    """Also where every batch, or every few, begins a file."""
    asked = [sys.executable, "-c", KILLED, str(tmp_path), str(size)]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    asyncio.run(open_journal(tmp_path).close())
    found = set(receipts(tmp_path))
    assert (len(list(tmp_path.glob("starts-*.jsonl"))) > 1) is (size < 10**9)
    promised = {line.decode().strip() for line in told if line.endswith(b"\n")}
    assert len(promised) >= after
    assert promised <= found
    check_chain(tmp_path)
