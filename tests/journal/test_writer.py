"""Durable appends: on disk before they return, whole or not at all, whatever goes wrong."""

import asyncio
import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import JournalError
from proxy.journal import writer
from proxy.journal.read import records
from proxy.journal.writer import FIRST_FILE, LOCK_FILE, Journal, open_journal

ROOT = Path(__file__).parents[2]


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"startgate": {"receipt": f"r{number}", "phase": "outcome"}, **more}


def receipts(folder: Path) -> list[str]:
    return [one["startgate"]["receipt"] for one in records(folder)]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = open_journal(tmp_path / "journal")
    yield opened
    await opened.close()


class Disk:
    """Counts fsyncs, can fail them, and says what was in the journal at each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[bytes] = []
        self.real, self.failing, self.pause_s = os.fsync, 0, 0.0
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, file: int) -> None:
        time.sleep(self.pause_s)
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.real(file)
        if stat.S_ISREG(os.fstat(file).st_mode):
            self.synced.append(os.pread(file, 1 << 20, 0))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def test_a_record_is_synced_before_append_returns(journal: Journal, disk: Disk) -> None:
    await journal.append(record(1, text="ä"))
    assert disk.synced == [b'{"startgate":{"receipt":"r1","phase":"outcome"},"text":"\xc3\xa4"}\n']
    await journal.append(record(2))
    assert [synced.count(b"\n") for synced in disk.synced] == [1, 2]


async def test_records_that_arrive_during_an_fsync_share_the_next(journal: Journal, disk: Disk) -> None:
    disk.pause_s = 0.02
    first = asyncio.ensure_future(journal.append(record(0)))
    await asyncio.sleep(0.005)
    await asyncio.gather(first, *(journal.append(record(number)) for number in range(1, 100)))
    assert len(disk.synced) == 2
    assert receipts(journal.folder) == [f"r{number}" for number in range(100)]


async def test_no_append_returns_before_the_fsync_that_holds_it(journal: Journal, disk: Disk) -> None:
    disk.pause_s = 0.002

    async def append(number: int) -> None:
        await asyncio.sleep(number % 7 / 2000)
        await journal.append(record(number))
        assert f'"r{number}"'.encode() in disk.synced[-1]

    await asyncio.gather(*(append(number) for number in range(50)))
    assert len(disk.synced) < 50


async def test_a_caller_that_is_cancelled_does_not_take_its_record_back(journal: Journal, disk: Disk) -> None:
    disk.pause_s = 0.02
    waiting = [asyncio.ensure_future(journal.append(record(number))) for number in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await journal.append(record(3))
    assert receipts(journal.folder) == ["r0", "r1", "r2", "r3"]


async def test_a_failed_fsync_refuses_all_who_wait_and_leaves_nothing(journal: Journal, disk: Disk) -> None:
    await journal.append(record(0))
    disk.failing = 1
    outcomes = await asyncio.gather(*(journal.append(record(number)) for number in (1, 2)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == [
        f"the journal {journal.folder} cannot be written: Input/output error"
    ] * 2
    assert all(isinstance(outcome, JournalError) for outcome in outcomes)
    assert receipts(journal.folder) == ["r0"]
    await journal.append(record(3))
    assert receipts(journal.folder) == ["r0", "r3"]


async def test_a_cancelled_caller_is_not_missed_when_the_write_fails(journal: Journal, disk: Disk) -> None:
    """Nobody is left to fetch the error; that is no error of its own."""
    disk.failing, disk.pause_s = 1, 0.02
    waiting = asyncio.ensure_future(journal.append(record(1)))
    await asyncio.sleep(0.005)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await journal.append(record(2))
    assert receipts(journal.folder) == ["r2"]


async def test_a_part_that_was_written_is_cut_off(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    await journal.append(record(0))
    real, calls = os.write, iter([7, 5])

    def half(file: int, data: bytes) -> int:
        with contextlib.suppress(StopIteration):
            return real(file, data[: next(calls)])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(JournalError, match="cannot be written: No space left on device"):
            await journal.append(record(1))
    assert (journal.folder / FIRST_FILE).read_bytes().count(b"\n") == 1
    await journal.append(record(2))
    assert receipts(journal.folder) == ["r0", "r2"]


async def test_what_could_not_be_cut_off_at_once_is_cut_off_before_the_next_record(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def broken(file: int, data: bytes) -> int:
        real(file, data[:9])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def also_broken(_file: int, _size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", broken)
        patched.setattr(os, "ftruncate", also_broken)
        with pytest.raises(JournalError):
            await journal.append(record(1))
    assert (journal.folder / FIRST_FILE).stat().st_size == 9
    await journal.append(record(2))
    assert receipts(journal.folder) == ["r2"]


async def test_where_no_thread_can_be_started_nothing_is_recorded(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(journal._thread, "submit", exhausted)
    with pytest.raises(JournalError, match="can't start new thread"):
        await journal.append(record(1))


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


@pytest.mark.parametrize("meddle", [removed, replaced, cut, written_to, folder_removed])
async def test_a_file_that_somebody_meddles_with_is_noticed(journal: Journal, meddle: Callable[[Path], None]) -> None:
    await journal.append(record(1))
    meddle(journal.folder / FIRST_FILE)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"cannot be written: .* while in use"):
            await journal.append(record(2))


async def test_modes_keep_others_out(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    await open_journal(folder).close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / FIRST_FILE, folder / LOCK_FILE)}
    assert modes == {"journal": 0o700, FIRST_FILE: 0o600, LOCK_FILE: 0o600}


async def test_the_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in range(3):
        opened = open_journal(tmp_path)
        await opened.append(record(number))
        await opened.close()
    assert receipts(tmp_path) == ["r0", "r1", "r2"]


OPEN = """
import asyncio, sys
from pathlib import Path
from proxy.errors import JournalError
from proxy.journal.writer import open_journal
try:
    opened = open_journal(Path(sys.argv[1]))
except JournalError as error:
    sys.exit(str(error))
asyncio.run(opened.close())
"""


def run(script: str, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT, timeout=30, **more)


async def test_one_folder_has_one_process(tmp_path: Path) -> None:
    opened = open_journal(tmp_path)
    told = run(OPEN, tmp_path)
    assert told.returncode == 1
    assert told.stderr.strip() == (
        f"the journal folder {tmp_path} is in use by another process; each gate needs a folder of its own"
    )
    with pytest.raises(JournalError, match="in use by another process"):
        open_journal(tmp_path)
    await opened.close()
    assert run(OPEN, tmp_path).returncode == 0


@pytest.mark.parametrize("name", [FIRST_FILE, LOCK_FILE])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    """Whoever can put a link into the folder must not choose what the gate writes to."""
    target = tmp_path / "target"
    target.write_text("precious")
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / name).symlink_to(target)
    with pytest.raises(JournalError, match="symbolic links"):
        open_journal(folder)
    assert target.read_text() == "precious"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"the journal folder .*/file/journal cannot be used: Not a directory"):
        open_journal(tmp_path / "file" / "journal")


def test_a_file_that_cannot_be_opened_is_named_and_the_lock_given_back(tmp_path: Path) -> None:
    (tmp_path / FIRST_FILE).mkdir()
    with pytest.raises(JournalError, match=r"starts-000001\.jsonl cannot be opened: Is a directory"):
        open_journal(tmp_path)
    (tmp_path / FIRST_FILE).rmdir()
    assert run(OPEN, tmp_path).returncode == 0


WHOLE = b'{"startgate":{"receipt":"r1","phase":"intent"}}\n'


def set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("*.torn-at-*"))


@pytest.mark.parametrize(
    ("content", "kept", "torn"),
    [
        (b"", b"", None),
        (WHOLE, WHOLE, None),
        (WHOLE + b'{"half', WHOLE, b'{"half'),
        (b'{"half', b"", b'{"half'),
        (WHOLE + b"x" * 200_000, WHOLE, b"x" * 200_000),
    ],
)
async def test_a_line_that_a_crash_cut_short_is_set_aside(
    tmp_path: Path, content: bytes, kept: bytes, torn: bytes | None
) -> None:
    (tmp_path / FIRST_FILE).write_bytes(content)
    opened = open_journal(tmp_path)
    assert (tmp_path / FIRST_FILE).read_bytes() == kept
    aside = set_aside(tmp_path)
    assert [path.read_bytes() for path in aside] == ([] if torn is None else [torn])
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in aside)
    await opened.append(record(2))
    await opened.close()
    assert (tmp_path / FIRST_FILE).read_bytes().startswith(kept + b'{"startgate":{"receipt":"r2"')


async def test_what_was_set_aside_before_is_kept(tmp_path: Path) -> None:
    """A full disk can cut the same line twice."""
    for part in (b"first half", b"2nd"):
        with (tmp_path / FIRST_FILE).open("ab") as file:
            file.write(part)
        await open_journal(tmp_path).close()
    assert (tmp_path / f"{FIRST_FILE}.torn-at-0").read_bytes() == b"first half2nd"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 3 * len(WHOLE)), block=st.sampled_from([1, 7, 64 * 1024]))
def test_a_crash_at_any_byte_costs_only_the_line_it_hit(tmp_path: Path, at: int, block: int) -> None:
    file = tmp_path / FIRST_FILE
    file.write_bytes((WHOLE * 3)[:at])
    handle = os.open(file, os.O_RDONLY)
    try:
        assert writer._end_of_last_line(handle, at, block) == at // len(WHOLE) * len(WHOLE)
    finally:
        os.close(handle)


APPEND = """
import asyncio, resource, signal, sys
from pathlib import Path
from proxy.errors import JournalError
from proxy.journal.writer import open_journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def run(folder, limit, enough):
    opened = open_journal(folder)
    number = 0
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    while number < 100_000:
        try:
            await opened.append({"startgate": {"receipt": f"r{number}", "phase": "outcome"}, "pad": "x" * 300})
        except JournalError as error:
            print(f"failed {error}", flush=True)
            break
        print(f"done {number}", flush=True)
        number += 1
    enough()
    await opened.append({"startgate": {"receipt": "after", "phase": "outcome"}})
    print("recovered", flush=True)
    await opened.close()

def more():
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), more))
"""


def acknowledged(told: str) -> list[str]:
    return [f"r{line.removeprefix('done ')}" for line in told.splitlines() if line.startswith("done ")]


def test_a_file_that_may_not_grow_refuses_records_and_recovers(tmp_path: Path) -> None:
    """A limit on the size of files is met like a full disk: a part is written, then an error comes."""
    told = run(APPEND, tmp_path, 10_000)
    assert told.returncode == 0, told.stderr
    assert "cannot be written: File too large" in told.stdout
    assert told.stdout.endswith("recovered\n")
    assert len(acknowledged(told.stdout)) == 10_000 // 360
    assert receipts(tmp_path) == [*acknowledged(told.stdout), "after"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_refuses_records_and_recovers(small_disk: Path) -> None:
    opened = open_journal(small_disk / "journal")
    filler = small_disk / "filler"
    done = []
    filler.write_bytes(b"x" * 50_000)
    failure = None
    for number in range(100):
        try:
            await opened.append(record(number, pad="x" * 500))
        except JournalError as error:
            failure = error
            break
        done.append(f"r{number}")
    assert done
    assert "No space left on device" in str(failure)
    filler.unlink()
    await opened.append(record(1000))
    await opened.close()
    assert receipts(opened.folder) == [*done, "r1000"]


KILLED = """
import asyncio, sys
from pathlib import Path
from proxy.journal.writer import open_journal

async def one(opened, worker):
    for number in range(100_000):
        await opened.append({"startgate": {"receipt": f"{worker}-{number}", "phase": "outcome"}, "pad": "x" * 200})
        print(f"{worker}-{number}", flush=True)

async def run(folder):
    opened = open_journal(folder)
    await asyncio.gather(*(one(opened, worker) for worker in range(8)))

asyncio.run(run(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("after", [1, 50, 400])
def test_a_process_that_is_killed_loses_no_acknowledged_record(tmp_path: Path, after: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    asyncio.run(open_journal(tmp_path).close())
    found = set(receipts(tmp_path))
    promised = {line.decode().strip() for line in told if line.endswith(b"\n")}
    assert len(promised) >= after
    assert promised <= found
    whole = (tmp_path / FIRST_FILE).read_bytes()
    assert all(len(msgspec.json.decode(line)["pad"]) == 200 for line in whole.splitlines())
