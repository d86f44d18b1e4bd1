"""The journal's folder and the disk below it: real files, and trees as /proc has them."""

import os
import time
from pathlib import Path

import pytest

from proxy.doctor import journal
from proxy.doctor.host import Host
from proxy.doctor.model import Finding, State
from proxy.settings import JournalSettings
from tests.ship.samples import Written

SETTINGS = JournalSettings()


def examined(path: Path) -> dict[str, Finding]:
    return {one.check: one for one in journal.examine(path, SETTINGS, Host())}


def test_one_that_is_yet_to_be_made(tmp_path: Path) -> None:
    found = examined(tmp_path / "journal")
    assert "is made by the first" in found["journal-folder"].seen
    assert found["journal-end"].seen == "there is nothing yet"
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_made(tmp_path: Path) -> None:
    found = examined(tmp_path / "nowhere" / "journal")
    assert found["journal-folder"].state is State.FAIL
    assert {found[f"journal-{name}"].state for name in ("disk", "space", "end")} == {State.SKIP}


def test_a_sound_one(tmp_path: Path) -> None:
    written = Written(tmp_path / "journal")
    written.append(3)
    (tmp_path / "journal").chmod(0o700)
    before = sorted((tmp_path / "journal").iterdir())
    found = examined(tmp_path / "journal")
    assert found["journal-folder"].state is State.OK
    assert found["journal-end"].seen == "1 file; the last record is number 3"
    assert sorted((tmp_path / "journal").iterdir()) == before, "nothing is left behind"


@pytest.mark.parametrize(
    ("mode", "state"), [(0o700, State.OK), (0o750, State.WARN), (0o770, State.FAIL), (0o707, State.FAIL)]
)
def test_whose_it_is(tmp_path: Path, mode: int, state: State) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    folder.chmod(mode)
    assert examined(folder)["journal-folder"].state is state


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)
    found = examined(folder)["journal-folder"]
    assert (found.state, "belongs to the user 12345" in found.seen) == (State.WARN, True)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")
    (tmp_path / "journal").chmod(0o600)
    assert examined(tmp_path / "journal")["journal-end"].state is not State.FAIL


def test_an_end_that_is_torn(tmp_path: Path) -> None:
    written = Written(tmp_path / "journal")
    written.append(2)
    (path,) = (tmp_path / "journal").glob("starts-*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"half')
    found = journal.end(tmp_path / "journal")
    assert (found.state, "6 bytes behind it" in found.seen) == (State.OK, True)


@pytest.mark.parametrize("spoilt", [b'{"a": 1}\n', b"no record\n"])
def test_an_end_that_is_not_what_was_written(tmp_path: Path, spoilt: bytes) -> None:
    written = Written(tmp_path / "journal")
    written.append(2)
    (path,) = (tmp_path / "journal").glob("starts-*.jsonl")
    with path.open("ab") as file:
        file.write(spoilt)
    found = journal.end(tmp_path / "journal")
    assert (found.state, f"{path}:3" in found.seen) == (State.FAIL, True)


def test_an_end_that_was_changed(tmp_path: Path) -> None:
    written = Written(tmp_path / "journal")
    written.append(2)
    (path,) = (tmp_path / "journal").glob("starts-*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b'"@timestamp":"2', b'"@timestamp":"3', 1))
    assert "its hash is another" in journal.end(tmp_path / "journal").seen


def test_links_are_no_files_of_a_journal(tmp_path: Path) -> None:
    (tmp_path / "starts-000001.jsonl").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in journal.end(tmp_path).seen


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:30 / /var/lib rw - {kind} server:/x rw
31 22 0:31 / /var/lib/with\\040blank rw - xfs /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/etc", "ext4"), ("/var/lib/a/b", "nfs4"), ("/var/library", "ext4"), ("/var/lib/with blank/j", "xfs")],
)
def test_kinds_of_file_systems(tmp_path: Path, folder: str, kind: str) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(MOUNTS.format(kind="nfs4"))
    assert journal.file_system(Path(folder), Host(tmp_path)) == kind


@pytest.mark.parametrize(
    ("kind", "text"), [("tmpfs", "memory"), ("overlay", "a container's own layer"), ("nfs4", "on another machine")]
)
def test_what_is_no_disk_of_this_machine(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(f"22 1 8:1 / / rw - {kind} none rw\n")
    found = journal.disk(tmp_path, Host(tmp_path))
    assert (found.state, text in found.seen) == (State.WARN, True)


def test_a_disk_that_takes_nothing() -> None:
    assert journal.disk(Path("/proc"), Host()).state is State.FAIL


def test_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk is as slow as the clock says: no test waits for one."""
    ticks = iter(range(1000))
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) * 0.03)
    found = journal.disk(tmp_path, Host(tmp_path))
    assert (found.state, "is on the disk in 30.0 ms" in found.seen) == (State.WARN, True)


MIB = 2**20


@pytest.mark.parametrize(
    ("free", "inodes", "of", "state"),
    [
        (1024 * MIB, 10**6, 10**7, State.OK),
        (1024 * MIB, 0, 0, State.OK),
        (1024 * MIB, 999, 10**7, State.WARN),
        (255 * MIB, 10**6, 10**7, State.WARN),
        (63 * MIB, 10**6, 10**7, State.FAIL),
    ],
)
def test_room(free: int, inodes: int, of: int, state: State) -> None:
    assert journal.judged_space(free, inodes, of, SETTINGS).state is state
