"""What the journal says of itself: records that say what happened, and are of no start."""

from proxy.journal import marks
from proxy.journal.chain import Chain
from proxy.journal.marks import JOURNAL_ACTIONS, RECEIPTS_NAMED, Mark


def test_all_actions_begin_alike() -> None:
    assert all(action.value.startswith(JOURNAL_ACTIONS) for action in Mark)


def test_an_opening_says_what_was_there_and_what_was_mended() -> None:
    plain = marks.opened("x", 0, file="f", before="nothing", torn=None, notes=())
    assert plain["startgate"]["admin"] == {"journal": {"file": "f", "before": "nothing"}}
    assert plain["event"]["outcome"] == "success"
    more = marks.opened("x", 0, file="f", before="records", torn={"bytes": 3}, notes=["n" * 5000])
    fields = more["startgate"]["admin"]["journal"]
    assert fields["torn"] == {"bytes": 3}
    assert len(fields["notes"][0]) < 2000


def test_a_rotation_that_was_forced_is_no_success() -> None:
    for why, outcome in (("size", "success"), ("age", "success"), ("f was removed while in use", "failure")):
        record = marks.rotated("x", 0, file="g", after="f", size_bytes=7, reason=why)
        assert record["event"]["outcome"] == outcome
        assert record["startgate"]["admin"]["journal"]["why"] == why
        assert ("reason" in record["event"]) == (outcome == "failure")


def test_a_retired_file_is_told_by_its_ends() -> None:
    first, last = (Chain(hash=letter * 64, journal="j", prev="0" * 64, seq=seq) for letter, seq in (("a", 1), ("b", 9)))
    record = marks.retired("x", 0, file="f", size_bytes=7, first=first, last=last, reason="age")
    assert record["startgate"]["admin"]["journal"] == {
        "file": "f",
        "bytes": 7,
        "why": "age",
        "first_seq": 1,
        "first_hash": "a" * 64,
        "last_seq": 9,
        "last_hash": "b" * 64,
    }
    before = marks.retired("x", 0, file="f", size_bytes=7, first=None, last=None, reason="files")
    assert set(before["startgate"]["admin"]["journal"]) == {"file", "bytes", "why"}


def test_losses_are_failures_and_late_records_are_neither() -> None:
    for action, outcome in ((Mark.LOST, "failure"), (Mark.LATE, "unknown")):
        record = marks.missing(action, "x", 5, count=3, receipts=["a"], since_ms=0, reason="r")
        assert record["event"]["outcome"] == outcome
        fields = record["startgate"]["admin"]["journal"]
        assert fields == {"records": 3, "receipts": ["a"], "since": "1970-01-01T00:00:00.000Z"}
    assert RECEIPTS_NAMED >= 1


def test_a_clock_is_told_before_and_after() -> None:
    fields = marks.clock_went_back("x", 0, 1000)["startgate"]["admin"]["journal"]
    assert fields == {"before": "1970-01-01T00:00:01.000Z", "after": "1970-01-01T00:00:00.000Z"}
