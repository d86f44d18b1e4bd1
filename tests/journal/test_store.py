"""The store: rotation by size and age with the chain carried over, meddling, and clocks that go back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.journal.chain import prepare
from proxy.journal.folder import FIRST_FILE, LOCK_FILE, journal_files
from proxy.journal.opening import open_store
from proxy.journal.store import CLOCK_BACK_MS, LOCK_LOOK_MS, Store
from proxy.settings import JournalSettings
from tests.journal.disk import Clock, Disk, actions, check_chain, everything, receipts, record, said

DAY_MS = 24 * 3600 * 1000


class Setting:
    """A store with its disk and clock."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.folder = folder
        self.disk, self.clock = Disk(), Clock()
        self.settings = JournalSettings(**settings)  # type: ignore[arg-type]  # a test's own numbers
        self.store = self.opened()

    def opened(self) -> Store:
        """The store of a further process."""
        return open_store(self.folder, self.settings, self.disk, self.clock)

    def commit(self, *numbers: int | str) -> None:
        """Append records as one batch."""
        self.store.commit([prepare(record(number)) for number in numbers])

    def names(self) -> list[str]:
        """The journal's files."""
        return [path.name for path in journal_files(self.folder)]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path / "journal")
    yield made
    made.store.close()
    check_chain(made.folder)


def test_a_file_that_has_reached_its_size_is_followed_by_another(tmp_path: Path) -> None:
    """At the limit it is full; one byte below, it takes one more batch."""
    probe = Setting(tmp_path / "probe")
    probe.commit(1)
    size = (probe.folder / FIRST_FILE).stat().st_size
    probe.store.close()
    for limit, files in ((size, 2), (size + 1, 1)):
        made = Setting(tmp_path / f"limit-{limit}", rotate_size_bytes=limit)
        made.commit(1)
        assert len(made.names()) == 1
        made.commit(2)
        assert len(made.names()) == files
        made.commit(3)
        made.store.close()
        assert receipts(made.folder) == ["r1", "r2", "r3"]
        check_chain(made.folder)
        rotated = said(made.folder, "rotated")[0]
        before = (made.folder / FIRST_FILE).stat().st_size
        assert rotated == {
            "file": "starts-000002.jsonl",
            "after": FIRST_FILE,
            "after_bytes": before,
            "why": "size",
        }


@pytest.mark.parametrize(("passed_ms", "files"), [(DAY_MS - 1, 1), (DAY_MS, 2), (DAY_MS + 1, 2), (-DAY_MS, 1)])
def test_a_file_of_a_certain_age_is_followed_by_another(tmp_path: Path, passed_ms: int, files: int) -> None:
    made = Setting(tmp_path / "journal")
    made.commit(1)
    made.clock.ms += passed_ms
    made.commit(2)
    made.store.close()
    assert len(made.names()) == files
    assert [mark["why"] for mark in said(made.folder, "rotated")] == ["age"] * (files - 1)
    check_chain(made.folder)


def test_the_age_of_a_file_is_that_of_its_first_record_whoever_wrote_it(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal")
    made.store.close()
    made.clock.ms += DAY_MS // 2
    made.store = made.opened()
    made.clock.ms += DAY_MS // 2
    made.commit(1)
    made.store.close()
    assert len(made.names()) == 2


def test_age_0_is_no_bound(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal", rotate_age_s=0)
    made.clock.ms += 1000 * DAY_MS
    made.commit(1)
    made.store.close()
    assert len(made.names()) == 1


def test_every_file_begins_with_a_record_of_the_journals_own(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal", rotate_size_bytes=1)
    for number in range(5):
        made.commit(number)
    made.store.close()
    assert len(made.names()) == 6
    assert actions(made.folder) == ["opened", *["rotated"] * 5]
    assert check_chain(made.folder) == 11
    assert [one["startgate"]["chain"]["seq"] for one in everything(made.folder)] == list(range(1, 12))


def test_a_file_that_cannot_be_begun_keeps_no_record_from_being_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Setting(tmp_path / "journal", rotate_size_bytes=1)
    made.disk.fail("open", 2)
    made.commit(1)
    made.commit(2)
    assert made.names() == [FIRST_FILE]
    assert sum("can be begun after" in entry.message for entry in caplog.records) == 1
    made.commit(3)
    made.store.close()
    assert made.names() == [FIRST_FILE, "starts-000002.jsonl"]
    assert receipts(made.folder) == ["r1", "r2", "r3"]
    check_chain(made.folder)


@pytest.mark.parametrize("failures", [1, 2])
def test_what_a_failure_left_behind_does_not_stay_in_the_file_before(tmp_path: Path, failures: int) -> None:
    """Its numbers are given again, in the next file; while it cannot be cut off, no next file is begun."""
    made = Setting(tmp_path / "journal", rotate_age_s=1.0)
    made.commit(1)
    made.disk.fail("sync")
    made.disk.fail("truncate", failures)
    with pytest.raises(OSError, match="Input/output"):
        made.commit("refused")
    assert receipts(made.folder) == ["r1", "rrefused"]
    made.clock.ms += 2000
    made.commit(2)
    assert made.names() == [FIRST_FILE, "starts-000002.jsonl"][: 3 - failures]
    made.commit(3)
    made.store.close()
    assert made.names() == [FIRST_FILE, "starts-000002.jsonl"]
    assert receipts(made.folder) == ["r1", "r2", "r3"]
    check_chain(made.folder)


def test_a_file_that_can_be_neither_begun_nor_removed_is_removed_before_the_next_record(tmp_path: Path) -> None:
    """It holds a record with the number that is due, and is the one that a reader takes for the newest."""
    made = Setting(tmp_path / "journal", rotate_size_bytes=1)
    made.disk.fail("sync_folder")
    made.disk.fail("remove", 2)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            made.commit("refused")
        assert made.names() == [FIRST_FILE, "starts-000002.jsonl"]
    made.commit(1)
    made.store.close()
    assert receipts(made.folder) == ["r1"]
    assert check_chain(made.folder) == 3


def test_a_file_that_was_left_over_is_where_the_next_process_goes_on(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal", rotate_size_bytes=1)
    made.disk.fail("sync_folder")
    made.disk.fail("remove")
    with pytest.raises(OSError, match="Input/output"):
        made.commit("refused")
    made.store.close()
    made.store = made.opened()
    made.commit(1)
    made.store.close()
    assert receipts(made.folder) == ["r1"]
    assert check_chain(made.folder) == len(everything(made.folder))


def test_names_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal", rotate_size_bytes=1)
    (made.folder / "starts-000007.jsonl").write_bytes(b"somebody's")
    made.commit(1)
    made.store.close()
    assert made.names() == [FIRST_FILE, "starts-000007.jsonl", "starts-000008.jsonl"]
    assert (made.folder / "starts-000007.jsonl").read_bytes() == b"somebody's"


def test_what_was_refused_leaves_no_gap_in_the_chain(setting: Setting) -> None:
    setting.commit(1)
    for call in ("write", "sync"):
        setting.disk.fail(call)
        with pytest.raises(OSError, match="Input/output"):
            setting.commit("refused")
    setting.commit(2)
    assert receipts(setting.folder) == ["r1", "r2"]
    assert setting.store.link.seq == 4


def test_a_lock_that_was_removed_is_noticed_and_taken_again(setting: Setting) -> None:
    setting.commit(1)
    (setting.folder / LOCK_FILE).unlink()
    setting.clock.ms += LOCK_LOOK_MS
    with pytest.raises(OSError, match="lock was removed while in use"):
        setting.commit("refused")
    setting.commit(2)
    assert (setting.folder / LOCK_FILE).exists()
    assert [mark["why"] for mark in said(setting.folder, "rotated")] == ["lock was removed while in use"]
    assert [one for one in everything(setting.folder) if one.get("event", {}).get("outcome") == "failure"]


def test_what_was_put_back_is_gone_on_with(setting: Setting) -> None:
    setting.commit(1)
    away = setting.folder / "away"
    (setting.folder / FIRST_FILE).rename(away)
    with pytest.raises(OSError, match="removed while in use"):
        setting.commit("refused")
    away.rename(setting.folder / FIRST_FILE)
    setting.commit(2)
    assert setting.names() == [FIRST_FILE]
    assert receipts(setting.folder) == ["r1", "r2"]


def test_where_no_new_file_can_be_begun_nothing_is_recorded(setting: Setting) -> None:
    setting.commit(1)
    (setting.folder / FIRST_FILE).rename(setting.folder / "away")
    for _ in range(3):
        setting.disk.fail("open")
        with pytest.raises(OSError, match="removed while in use"):
            setting.commit("refused")
    setting.disk.fail("open", 0)
    setting.commit(2)
    assert receipts(setting.folder) == ["r2"]


@pytest.mark.parametrize(("back_ms", "noted"), [(CLOCK_BACK_MS, 0), (CLOCK_BACK_MS + 1, 1)])
def test_a_clock_that_goes_back_is_noted_once(setting: Setting, back_ms: int, noted: int) -> None:
    setting.commit(1)
    setting.clock.ms -= back_ms
    for number in (2, 3):
        setting.commit(number)
    assert len(said(setting.folder, "clock")) == noted
    assert receipts(setting.folder) == ["r1", "r2", "r3"]


def test_a_clock_that_went_back_between_two_processes_is_noted(tmp_path: Path) -> None:
    made = Setting(tmp_path / "journal")
    made.store.close()
    made.clock.ms -= DAY_MS
    made.store = made.opened()
    made.store.close()
    assert said(made.folder, "clock") == [{"before": "2025-06-15T15:06:40.000Z", "after": "2025-06-14T15:06:40.000Z"}]


def test_a_note_is_kept_until_it_is_written(setting: Setting) -> None:
    setting.clock.ms -= DAY_MS
    setting.disk.fail("sync", 2)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            setting.commit("refused")
    setting.commit(1)
    assert actions(setting.folder) == ["opened", "clock"]


def test_an_empty_batch_costs_nothing(setting: Setting) -> None:
    synced = len(setting.disk.synced)
    setting.commit()
    assert len(setting.disk.synced) == synced
