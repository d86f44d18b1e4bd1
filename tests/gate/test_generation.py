"""Generations of rule files on a real disk: one is taken whole, or not at all."""

import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.errors import Fault, RulesError
from proxy.gate import generation
from proxy.gate.generation import FULL_LOOK, Taken, Watch, being_written, digest, files_of, signature, take
from proxy.rules import Rules, load
from tests.gate.fakes import ROOT

SHIPPED = (ROOT / "rules" / "start.yml").read_text()
# The same rules with one more privilege asked for, plain enough to need no seal.
KEPT = SHIPPED.replace("on_refused_start: remove", "on_refused_start: keep")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one rule file."""
    place = tmp_path / "rules"
    place.mkdir()
    (place / "start.yml").write_text(SHIPPED)
    return place


def taken(path: Path, more: tuple[str, ...] = ()) -> Taken:
    """What lies there, as a gate would take it."""
    return take(path, lambda: load(path), more)


def good(path: Path) -> Rules:
    """The rules there, which must be good."""
    found = taken(path)
    assert found.rules is not None, found.faults
    return found.rules


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(generation, "PATIENCE_S", 60.0)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what does not change."""
    monkeypatch.setattr(generation, "PATIENCE_S", 0.0)
    monkeypatch.setattr(generation, "PAUSE_S", 0.0)


@pytest.fixture
def leases(folder: Path) -> None:
    """Not every file system tells who writes."""
    with (folder / "start.yml").open("a"):
        if not being_written([folder / "start.yml"]):
            pytest.skip("this file system has no leases")


def config_map(folder: Path, text: str, name: str) -> None:
    """A generation as a kubelet writes it: a folder of its own, and one link that is swapped to it (AtomicWriter)."""
    made = folder / name
    made.mkdir(parents=True)
    (made / "start.yml").write_text(text)
    new = folder / "..data_tmp"
    new.symlink_to(name)
    new.rename(folder / "..data")
    if not (folder / "start.yml").is_symlink():
        (folder / "start.yml").symlink_to("..data/start.yml")


def test_files_that_count_are_found(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / ".git").mkdir()
    for name in ("below/a_test.yml", "b_test.yml", "c.yaml", ".hidden.yml", ".git/x.yml", "README.md", "d.yml~"):
        (folder / name).write_text("")
    elsewhere = folder.parent / "roles.yml"
    found = [str(file.relative_to(folder.parent)) for file in files_of(folder, (str(elsewhere),))]
    assert found == ["roles.yml", "rules/b_test.yml", "rules/below/a_test.yml", "rules/c.yaml", "rules/start.yml"]


def test_of_a_single_file_its_cases_count_and_no_neighbours(folder: Path) -> None:
    for name in ("other.yml", "some_test.yml"):
        (folder / name).write_text("")
    assert [file.name for file in files_of(folder / "start.yml")] == ["some_test.yml", "start.yml"]
    assert files_of(folder / "gone" / "start.yml") == [folder / "gone" / "start.yml"]


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "start.yml").write_text(KEPT),
    "same length": lambda folder: (folder / "start.yml").write_text(SHIPPED.replace("remove", "remoVe")),
    "another file": lambda folder: (folder / "more.yml").write_text("version: 1\n"),
    "renamed over": lambda folder: shutil.move(_beside(folder, KEPT), folder / "start.yml"),
    "renamed away": lambda folder: (folder / "start.yml").rename(folder / "begin.yml"),
    "deleted": lambda folder: (folder / "start.yml").unlink(),
    "folder gone": shutil.rmtree,
    "case": lambda folder: (folder / "a_test.yml").write_text("x"),
}


def _beside(folder: Path, text: str) -> Path:
    path = folder / ".start.yml.swp"
    path.write_text(text)
    return path


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_changes_the_digest_and_the_signature(folder: Path, change: str) -> None:
    before = digest(folder), signature(folder)
    CHANGES[change](folder)
    after = digest(folder), signature(folder)
    assert before[0] != after[0]
    # The clock of a file system stands still for some milliseconds.
    assert before[1] != after[1] or change == "same length"


def test_a_touched_file_is_the_same_generation(folder: Path) -> None:
    before = digest(folder), signature(folder)
    os.utime(folder / "start.yml", (1, 1))
    assert digest(folder) == before[0]
    assert signature(folder) != before[1]


def test_what_is_no_file_is_named_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yml")
    digest(folder)
    assert taken(folder).faults == (Fault(str(folder / "pipe.yml"), "is no regular file"),)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_fault_and_a_change_when_it_may(folder: Path) -> None:
    (folder / "start.yml").chmod(0)
    before = digest(folder)
    assert "cannot be read" in str(taken(folder).faults[0])
    (folder / "start.yml").chmod(0o600)
    assert digest(folder) != before
    assert taken(folder).rules is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may search every folder")
def test_a_folder_that_may_not_be_searched_is_a_fault(folder: Path) -> None:
    folder.parent.chmod(0)
    try:
        found = taken(folder)
    finally:
        folder.parent.chmod(0o700)
    assert found.rules is None
    assert "cannot be read" in str(found.faults[0])


def test_huge_files_are_refused_and_not_read_whole(folder: Path) -> None:
    with (folder / "huge.yml").open("wb") as file:
        file.truncate(1 << 40)  # holes: it takes no room on the disk
    digest(folder)
    found = taken(folder)
    assert found.rules is None
    assert "larger than" in str(found.faults[0])


@pytest.mark.usefixtures("leases")
def test_a_file_that_somebody_is_writing_is_known(folder: Path) -> None:
    path = folder / "start.yml"
    with path.open("a"):
        assert being_written([path, folder / "gone.yml"]) == [path]
    assert being_written([path]) == []


def test_looking_whether_somebody_writes_ends_no_process(folder: Path) -> None:
    """Who opens a file while it is looked at breaks the lease, of which the holder is told by a signal."""
    path = folder / "start.yml"
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with path.open("a"):
                pass

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(2000):
        being_written([path])
    stop.set()
    writer.join()
    handle = os.open(path, os.O_RDONLY)
    assert fcntl.fcntl(handle, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    os.close(handle)


@pytest.mark.usefixtures("hurried", "leases")
def test_half_a_file_is_not_taken_though_it_is_valid(folder: Path) -> None:
    """The first half of these rules is good by itself, and asks for less."""
    with (folder / "start.yml").open("w") as file:
        file.write(SHIPPED.partition("  destination:\n")[0])
        file.flush()
        load(folder)  # it must be good, else this test would prove nothing
        found = taken(folder)
        assert found.rules is None
        assert "may be half written" in str(found.faults[0])
        file.write("  destination:\n" + SHIPPED.partition("  destination:\n")[2])
    assert good(folder) == load(folder)


def test_a_writer_that_ends_is_waited_for(folder: Path) -> None:
    file = (folder / "start.yml").open("a")
    timer = threading.Timer(0.2, file.close)
    timer.start()
    good(folder)
    timer.join()


@pytest.mark.usefixtures("hurried")
def test_files_that_change_while_they_are_read_are_not_taken(folder: Path) -> None:
    def read() -> Rules:
        rules = load(folder)
        (folder / "start.yml").write_text(KEPT if "remove\n" in (folder / "start.yml").read_text() else SHIPPED)
        return rules

    found = take(folder, read)
    assert found.rules is None
    assert "did not stay the same" in str(found.faults[0])


def test_what_settles_while_it_is_read_is_read_again(folder: Path) -> None:
    texts = [KEPT]

    def read() -> Rules:
        rules = load(folder)
        if texts:
            (folder / "start.yml").write_text(texts.pop())
        return rules

    found = take(folder, read)
    assert found.rules is not None
    assert found.rules.on_refused_start == "keep"
    assert found.digest == digest(folder)


@pytest.mark.usefixtures("hurried")
def test_a_fault_of_half_a_generation_is_not_told_as_one_of_the_whole(folder: Path) -> None:
    """What was read while it changed is no verdict on what lies there now."""

    def read() -> Rules:
        (folder / "start.yml").write_text(KEPT)
        raise RulesError([Fault("start.yml", "a half of it")])

    assert "did not stay the same" in str(take(folder, read).faults[0])


def test_files_that_rules_name_elsewhere_belong_to_the_generation(folder: Path) -> None:
    elsewhere = folder.parent / "roles.yml"
    elsewhere.write_text("a")
    reads = []

    def read() -> Rules:
        rules = load(folder)
        object.__setattr__(rules, "files", (*rules.files, str(elsewhere)))
        reads.append(elsewhere.read_text())
        if len(reads) == 2:
            elsewhere.write_text("b")
        return rules

    found = take(folder, read)
    assert found.rules is not None
    assert reads == ["a", "a", "b"], "it was not looked at the first time, and changed the second"
    assert found.digest == digest(folder, found.more)
    assert str(elsewhere) in found.more


def test_a_broken_file_elsewhere_belongs_to_it_too(folder: Path) -> None:
    """Else nobody would notice that it was mended."""
    elsewhere = folder.parent / "roles"
    elsewhere.write_text("broken")

    def read() -> Rules:
        raise RulesError([Fault(str(elsewhere), elsewhere.read_text()), Fault("startgate.yml", "no path")])

    found = take(folder, read)
    assert found.more == (str(elsewhere),)
    assert str(found.faults[0]).endswith(": broken")
    watch = Watch(folder, found.digest)
    assert [watch.due(found.more) for _ in range(2)] == [False, False]
    elsewhere.write_text("mended, so to say")
    assert [watch.due(found.more) for _ in range(2)] == [False, True]


def test_a_swapped_link_is_another_generation(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    config_map(mounted, SHIPPED, "..2026_11_24_1")
    before, first = digest(mounted), good(mounted)
    config_map(mounted, KEPT, "..2026_11_24_2")
    assert digest(mounted) != before
    assert good(mounted).on_refused_start != first.on_refused_start
    assert good(mounted).files == (str(mounted / "start.yml"),)


def test_an_empty_and_a_missing_folder_are_faults(folder: Path) -> None:
    (folder / "start.yml").unlink()
    assert "holds no *.yml" in str(taken(folder).faults[0])
    folder.rmdir()
    assert "no such file or folder" in str(taken(folder).faults[0])


class Looking:
    """A watch over a folder whose first generation was tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch = Watch(folder, digest(folder))

    def looks(self, count: int) -> list[bool]:
        """What so many looks say."""
        return [self.watch.due() for _ in range(count)]

    def tried(self) -> None:
        """What lies there was tried."""
        self.watch.tried = digest(self.folder)


def test_a_change_is_due_when_it_was_seen_twice_and_once(folder: Path) -> None:
    looking = Looking(folder)
    assert looking.looks(3) == [False] * 3
    (folder / "start.yml").write_text(KEPT)
    assert looking.looks(2) == [False, True]
    looking.tried()
    assert looking.looks(3) == [False] * 3


def test_what_keeps_changing_is_never_due(folder: Path) -> None:
    looking = Looking(folder)
    for number in range(5):
        (folder / "start.yml").write_text(SHIPPED + f"# {number}\n")
        assert looking.looks(1) == [False]
    assert looking.looks(1) == [True]


def test_what_is_as_before_again_is_not_due(folder: Path) -> None:
    looking = Looking(folder)
    (folder / "start.yml").write_text(KEPT)
    assert looking.looks(1) == [False]
    (folder / "start.yml").write_text(SHIPPED)
    os.utime(folder / "start.yml", (1, 1))
    assert looking.looks(3) == [False] * 3


@pytest.mark.usefixtures("leases")
def test_what_somebody_has_open_is_not_due_until_it_is_closed(folder: Path) -> None:
    looking = Looking(folder)
    with (folder / "start.yml").open("a") as file:
        file.write("# more\n")
        file.flush()
        assert looking.looks(4) == [False] * 4
    assert looking.looks(1) == [True]


def test_what_was_not_tried_is_due_again_later(folder: Path) -> None:
    """Such as rules that could not come into force because the journal's disk was full."""
    looking = Looking(folder)
    (folder / "start.yml").write_text(KEPT)
    found = looking.looks(2 + 2 * FULL_LOOK)
    assert found[1] is True
    assert found[2:].count(True) == 2


def test_a_change_that_no_time_tells_of_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "_signature", str)
    looking = Looking(folder)
    looking.looks(1)
    (folder / "start.yml").write_text(KEPT)
    assert True in looking.looks(2 * FULL_LOOK)


def test_a_deletion_is_due_once(folder: Path) -> None:
    looking = Looking(folder)
    shutil.rmtree(folder)
    assert looking.looks(2) == [False, True]
    looking.tried()
    assert looking.looks(FULL_LOOK) == [False] * FULL_LOOK
