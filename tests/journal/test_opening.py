"""Opening a journal's folder: private, locked, mended, and gone on with; or refused with nothing touched."""

import asyncio
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal import chain
from proxy.journal.folder import FIRST_FILE, LOCK_FILE
from proxy.journal.opening import open_store
from proxy.journal.writer import open_journal
from proxy.settings import JournalSettings
from tests.journal.disk import Clock, Disk, actions, check_chain, everything, lines, receipts, record, said

ROOT = Path(__file__).parents[2]


async def test_modes_keep_others_out(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    await open_journal(folder).close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / FIRST_FILE, folder / LOCK_FILE)}
    assert modes == {"journal": 0o700, FIRST_FILE: 0o600, LOCK_FILE: 0o600}


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


@pytest.mark.parametrize("below", ["journal", "a/b/journal"])
def test_a_new_folder_is_on_the_disk_before_anything_is_in_it(tmp_path: Path, below: str) -> None:
    """Else a power failure takes away the folder, and with it what was recorded."""
    made: list[tuple[Path, bool]] = []

    class Noting(Disk):
        def sync_folder(self, folder: Path) -> None:
            made.append((folder, (tmp_path / below / LOCK_FILE).exists()))
            super().sync_folder(folder)

    folder = tmp_path / below
    around = [one for one in folder.parents if one.is_relative_to(tmp_path)]
    open_store(folder, JournalSettings(), Noting(), Clock()).close()
    assert made[: len(around)] == [(one, False) for one in around]
    made.clear()
    open_store(folder, JournalSettings(), Noting(), Clock()).close()
    assert {one for one, _ in made} == {folder}, "what was there already is nobody's to sync"


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
    with pytest.raises(JournalError, match="symbolic link"):
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


def opened_once(folder: Path) -> None:
    """Opened and closed again."""
    asyncio.run(open_journal(folder).close())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
    held = (tmp_path / FIRST_FILE).read_bytes()
    assert held.startswith(kept + b'{"@timestamp":')
    aside = set_aside(tmp_path)
    assert [path.read_bytes() for path in aside] == ([] if torn is None else [torn])
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in aside)
    await opened.append(record(2))
    await opened.close()
    assert receipts(tmp_path)[-1] == "r2"
    [mark] = said(tmp_path, "opened")
    assert mark["before"] == ("records without a chain" if kept else "nothing")
    told = mark.get("torn")
    assert told == (None if torn is None else {"kept_in": aside[0].name, "bytes": len(torn), "sha256": sha256(torn)})


async def test_what_was_set_aside_before_is_kept(tmp_path: Path) -> None:
    """A full disk can cut the same line twice."""
    disk = Disk()
    for part in (b"first half", b"2nd"):
        with (tmp_path / FIRST_FILE).open("ab") as file:
            file.write(part)
        disk.takes = [len(part)]
        await open_journal(tmp_path, files=disk).close()
    assert (tmp_path / f"{FIRST_FILE}.torn-at-0").read_bytes() == b"first half2nd"


async def test_a_new_journal_has_a_chain_from_its_first_line(tmp_path: Path) -> None:
    await open_journal(tmp_path, now_ms=Clock()).close()
    [line] = lines(tmp_path)
    placed, fault = chain.check(line, None)
    assert fault is None
    assert placed is not None
    assert (placed.seq, placed.prev, len(placed.journal)) == (1, "0" * 64, 22)
    assert everything(tmp_path)[0]["@timestamp"] == "2025-06-15T15:06:40.000Z"
    assert said(tmp_path, "opened") == [{"file": FIRST_FILE, "before": "nothing"}]


async def test_every_process_says_that_it_goes_on(tmp_path: Path) -> None:
    for _ in range(3):
        await open_journal(tmp_path).close()
    assert [mark["before"] for mark in said(tmp_path, "opened")] == ["nothing", "records", "records"]
    assert check_chain(tmp_path) == 3
    assert len({one["startgate"]["chain"]["journal"] for one in everything(tmp_path)}) == 1


async def test_a_journal_without_a_chain_gets_one_from_now_on(tmp_path: Path) -> None:
    (tmp_path / FIRST_FILE).write_bytes(WHOLE * 3)
    opened = open_journal(tmp_path)
    await opened.append(record(2))
    await opened.close()
    assert said(tmp_path, "opened")[0]["before"] == "records without a chain"
    assert (tmp_path / FIRST_FILE).read_bytes().startswith(WHOLE * 3)
    assert check_chain(tmp_path) == 2


async def test_a_chain_is_found_behind_what_an_older_version_wrote_after_it(tmp_path: Path) -> None:
    await open_journal(tmp_path).close()
    with (tmp_path / FIRST_FILE).open("ab") as file:
        file.write(WHOLE * 2)
    await open_journal(tmp_path).close()
    assert [one["startgate"]["chain"]["seq"] for one in everything(tmp_path) if "chain" in one["startgate"]] == [1, 2]


async def test_a_file_that_a_crash_left_empty_is_gone_on_with(tmp_path: Path) -> None:
    """A crash in the middle of a rotation leaves a file without its first line, or with a part of it."""
    await open_journal(tmp_path).close()
    (tmp_path / "starts-000002.jsonl").write_bytes(b'{"half')
    opened = open_journal(tmp_path)
    await opened.append(record(1))
    await opened.close()
    assert check_chain(tmp_path) == 3
    assert len((tmp_path / "starts-000002.jsonl").read_bytes().splitlines()) == 2
    assert said(tmp_path, "opened")[1]["torn"]["bytes"] == 6


async def test_the_last_file_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    await open_journal(tmp_path).close()
    for name in ("starts-000010.jsonl", "starts-000009.jsonl", "starts-1000000.jsonl"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "starts-x.jsonl").write_bytes(b"not ours")
    await open_journal(tmp_path).close()
    assert (tmp_path / "starts-1000000.jsonl").stat().st_size
    assert (tmp_path / "starts-x.jsonl").read_bytes() == b"not ours"


def chained(**more: Any) -> bytes:
    return chain.seal({"startgate": {"format": 1, "receipt": "r1", "phase": "end", **more}}, chain.genesis("j" * 22))[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            chained(format=99),
            r"starts-000001\.jsonl:1 was written by a newer version \(format 99; this one writes \d+\)",
        ),
        (chained().replace(b"r1", b"r2"), r"starts-000001\.jsonl:1 is not what was written"),
        (WHOLE + b"garbage\n", r"starts-000001\.jsonl:2 is not a record of a start"),
        (WHOLE + b"\xff\xfe\n", r"starts-000001\.jsonl:2 is not a record of a start"),
        (b"[]\n", "is not a record of a start"),
        (b'{"startgate":7}\n', "is not a record of a start"),
        (b"\n", "is not a record of a start"),
        (b"\x00" * 100 + b"\n", "is not a record of a start"),
    ],
)
def test_what_is_not_to_be_gone_on_with_is_left_as_it_is(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / FIRST_FILE).write_bytes(content)
    with pytest.raises(JournalError, match=why + r".*nothing was changed"):
        open_journal(tmp_path)
    assert (tmp_path / FIRST_FILE).read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {FIRST_FILE, LOCK_FILE}
    assert run(OPEN, tmp_path).returncode == 1


@pytest.mark.parametrize("mode", [0o770, 0o703, 0o722])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(JournalError, match=rf"mode {mode:04o}\); make it private: chmod 700 .*/journal$"):
        open_journal(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    assert not [*folder.iterdir()]


def test_a_folder_that_others_may_list_is_used_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o755)
    opened_once(tmp_path)
    [note] = said(tmp_path, "opened")[0]["notes"]
    assert note.startswith(f"others may list the folder {tmp_path} (mode 0755)")
    assert note in caplog.text
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_files_that_others_could_read_are_made_private(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened_once(tmp_path)
    for name in (FIRST_FILE, LOCK_FILE):
        (tmp_path / name).chmod(0o644)
    opened_once(tmp_path)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (FIRST_FILE, LOCK_FILE)} == {0o600}
    assert said(tmp_path, "opened")[1]["notes"] == [
        f"others could read or write {FIRST_FILE} (mode 0644); it is private now"
    ]
    assert "private now" in caplog.text


@pytest.mark.parametrize("number", [1, 2])
def test_no_file_of_the_journal_is_a_link(tmp_path: Path, number: int) -> None:
    target = tmp_path / "target"
    target.write_bytes(WHOLE)
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    for name in ("starts-000001.jsonl", "starts-000002.jsonl", "starts-000003.jsonl"):
        (folder / name).write_bytes(WHOLE)
    (folder / f"starts-00000{number}.jsonl").unlink()
    (folder / f"starts-00000{number}.jsonl").symlink_to(target)
    with pytest.raises(JournalError, match=rf"starts-00000{number}\.jsonl is a symbolic link"):
        open_journal(folder)
    assert target.read_bytes() == WHOLE


def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FIRST_FILE)
    with pytest.raises(JournalError, match="it is no regular file"):
        open_journal(tmp_path)


async def test_on_a_full_disk_a_gate_opens_its_journal_and_says_so_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It serves, and refuses starts; what it has to say stands before the first record that can be written."""
    disk = Disk()
    disk.takes = []
    opened = open_journal(tmp_path, files=disk)
    assert "No space left on device" in caplog.text
    with pytest.raises(JournalError, match="No space left on device"):
        await opened.append(record(1))
    disk.takes = None
    await opened.append(record(2))
    await opened.close()
    assert actions(tmp_path) == ["opened"]
    assert receipts(tmp_path) == ["r2"]
    assert check_chain(tmp_path) == 2


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a count


def test_a_journal_that_cannot_be_opened_costs_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / FIRST_FILE).write_bytes(b"garbage\n")
    before = descriptors()
    for _ in range(3):
        with pytest.raises(JournalError):
            open_journal(tmp_path)
    assert descriptors() == before
