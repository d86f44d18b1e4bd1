"""What is said of a journal that is not as it was written: each kind of damage with its place, and that the check goes
on. That nothing escapes is in tests/faults/test_tampering.py."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal import lines as reading
from proxy.journal import marks
from proxy.journal.chain import Chain, Link, place, seal
from proxy.journal.findings import Anchor, What
from proxy.journal.verify import Verifier, verify
from tests.journal.making import JOURNAL, encode, opened, record, sealed, write


def ten() -> list[bytes]:
    """A journal of ten records."""
    return sealed([opened(), *(record(f"r{number}") for number in range(2, 11))])[0]


def chain(line: bytes) -> Chain:
    """The place of a line."""
    found = place(line)
    assert found is not None
    return found


def told(folder: Path, *anchors: Anchor) -> list[tuple[What, int, int | None, int | None]]:
    """What was found: what, line, first and last number."""
    return [(one.what, one.line, one.first_seq, one.last_seq) for one in verify(folder, anchors).findings]


def changed(line: bytes) -> bytes:
    """A line with something else in it."""
    return line.replace(b"8.11.0", b"8.11.1")


def test_a_whole_journal(tmp_path: Path) -> None:
    lines = ten()
    found = verify(write(tmp_path, lines[:4], lines[4:]))
    assert (found.whole, found.records, found.files, found.before, found.retired) == (True, 10, 2, 0, 0)
    assert found.head == Anchor(10, chain(lines[-1]).hash, f"{tmp_path}/starts-000002.jsonl:6", JOURNAL)
    assert found.journal == JOURNAL


@pytest.mark.parametrize(
    ("edit", "findings"),
    [
        (lambda lines: [*lines[:3], changed(lines[3]), *lines[4:]], [(What.CHANGED, 4, 4, 4)]),
        (lambda lines: [*lines[:3], b"x\n", *lines[4:]], [(What.CHANGED, 4, 4, 4)]),
        (lambda lines: [*lines[:3], b"x\n", b"y\n", *lines[5:]], [(What.CHANGED, 4, 4, 5)]),
        (lambda lines: [*lines[:3], b"x\n", *lines[3:]], [(What.INSERTED, 4, None, None)]),
        (lambda lines: [*lines[:3], encode(record("r4")), *lines[4:]], [(What.CHANGED, 4, 4, 4)]),
        (lambda lines: [*lines[:3], encode(record("x")), *lines[3:]], [(What.INSERTED, 4, None, None)]),
        (lambda lines: lines[:3] + lines[4:], [(What.MISSING, 4, 4, 4)]),
        (lambda lines: lines[:3] + lines[6:], [(What.MISSING, 4, 4, 6)]),
        (lambda lines: lines[2:], [(What.MISSING, 1, 1, 2)]),
        (lambda lines: [*lines[:3], b"x\n", *lines[6:]], [(What.CHANGED, 4, 4, 4), (What.MISSING, 5, 5, 6)]),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], [(What.ORDER, 4, 5, 5)]),
        (lambda lines: lines + lines[2:5], [(What.ORDER, 11, 3, 5)]),
        (lambda lines: [changed(lines[0]), *lines[1:]], [(What.CHANGED, 1, 1, 1)]),
        (lambda lines: [*lines, b"x\n"], [(What.CHANGED, 11, 11, 11)]),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], [(What.TORN, 10, None, None)]),
        (
            lambda lines: [changed(lines[0]), *lines[1:5], *lines[7:9], b"x\n"],
            [(What.CHANGED, 1, 1, 1), (What.CHANGED, 8, 10, 10), (What.MISSING, 6, 6, 7)],
        ),
    ],
)
def test_damage_is_told_with_its_place_and_the_check_goes_on(
    tmp_path: Path, edit: Any, findings: list[tuple[What, int, int | None, int | None]]
) -> None:
    assert told(write(tmp_path, edit(ten()))) == findings


def test_a_record_of_another_journal(tmp_path: Path) -> None:
    lines = ten()
    foreign, _ = seal(record("x"), Link("another-journal-000000", 4, chain(lines[3]).prev))
    assert told(write(tmp_path, [*lines[:3], foreign, *lines[4:]])) == [(What.JOURNAL, 4, 4, 4)]
    assert told(write(tmp_path, [*lines[:3], foreign, *lines[3:]])) == [(What.JOURNAL, 4, None, None)]


def test_a_record_that_was_hashed_again_is_told_at_the_next(tmp_path: Path) -> None:
    lines = ten()
    forged, _ = seal(record("x"), Link(JOURNAL, 4, chain(lines[3]).prev))
    assert told(write(tmp_path, [*lines[:3], forged, *lines[4:]])) == [(What.CHANGED, 5, 5, 5)]


def test_a_record_from_far_ahead_makes_nothing_else_wrong(tmp_path: Path) -> None:
    lines = ten()
    forged, _ = seal(record("x"), Link(JOURNAL, 10**12, "0" * 64))
    assert told(write(tmp_path, [*lines[:3], forged, *lines[3:]])) == [(What.ORDER, 4, 10**12, 10**12)]


@pytest.mark.parametrize(
    ("before", "findings", "counted"),
    [("records without a chain", [], 2), ("nothing", [(What.INSERTED, 1, None, None)], 0)],
)
def test_records_from_before_the_chain(
    tmp_path: Path, before: str, findings: list[tuple[What, int, int | None, int | None]], counted: int
) -> None:
    """The first record says whether there were any."""
    old = [encode(record("old1")), encode(record("old2"))]
    folder = write(tmp_path, [*old, *sealed([opened(before), record("r")])[0]])
    assert told(folder) == findings
    assert verify(folder).before == counted


def test_nothing_stands_before_a_journal_whose_beginning_was_deleted(tmp_path: Path) -> None:
    """Files are deleted from the oldest on: with the first record all went that an older version had written."""
    third = _with_retired(tmp_path) / "starts-000003.jsonl"
    third.write_bytes(encode(record("forged", user="bob")) + third.read_bytes())
    assert told(tmp_path) == [(What.INSERTED, 1, None, None)]
    assert verify(tmp_path).before == 0


def test_a_journal_of_an_older_version_has_nothing_to_check(tmp_path: Path) -> None:
    found = verify(write(tmp_path, [encode(record("a")), encode(record("b"))]))
    assert (found.whole, found.records, found.before, found.head) == (True, 0, 2, None)


def test_an_empty_folder_is_whole_and_an_anchor_says_that_it_is_not(tmp_path: Path) -> None:
    assert verify(tmp_path).whole
    (finding,) = verify(tmp_path, [Anchor(3, "0" * 64, "the head")]).findings
    assert (
        str(finding)
        == "the journal: cut short, seq 1-3: the head knows of seq 3, and the journal ends at 0 (the journal)"
    )


def _with_retired(tmp_path: Path, **changes: object) -> Path:
    """A journal of three files, of which the first two were deleted by the gate."""
    lines, link = sealed([opened(), *(record(f"r{number}") for number in range(2, 10))])
    marked = []
    for first, last in ((0, 2), (3, 5)):
        one = marks.retired(
            "x", 0, file="f", size_bytes=1, first=chain(lines[first]), last=chain(lines[last]), reason="count"
        )
        one["startgate"]["admin"]["journal"] |= changes
        marked.append(one)
    more, _ = sealed(marked, link)
    return write(tmp_path, [], [], lines[6:] + more)


def test_files_whose_deletion_is_on_record_are_accepted(tmp_path: Path) -> None:
    found = verify(_with_retired(tmp_path))
    assert (found.findings, found.retired, found.records) == ((), 6, 5)


@pytest.mark.parametrize(("anchored", "unproven"), [((), 6), ((9,), 6), ((10,), 6), ((11,), 0), ((11, 8), 0)])
def test_a_deletion_that_is_on_record_behind_the_last_anchor_is_counted(
    tmp_path: Path, anchored: tuple[int, ...], unproven: int
) -> None:
    """Who deletes files can append such a record as well."""
    folder = _with_retired(tmp_path)
    places = [chain(line) for line in (folder / "starts-000003.jsonl").read_bytes().splitlines()]
    found = verify(folder, [Anchor(one.seq, one.hash, "kept") for one in places if one.seq in anchored])
    assert (found.findings, found.retired, found.unproven) == ((), 6, unproven)


@pytest.mark.parametrize(
    "changes", [{"last_hash": "0" * 64}, {"last_seq": 5}, {"last_seq": 0}, {"last_seq": 7}, {"last_seq": "6"}]
)
def test_a_deletion_on_record_excuses_nothing_but_what_it_names(tmp_path: Path, changes: dict[str, object]) -> None:
    assert told(_with_retired(tmp_path, **changes)) == [(What.MISSING, 1, 1, 6)]


def test_a_deletion_may_have_gone_off_record_with_a_later_file(tmp_path: Path) -> None:
    """The first file's deletion was recorded in the second, which is deleted by now."""
    lines, link = sealed([opened(), *(record(f"r{number}") for number in range(2, 10))])
    first, last = chain(lines[3]), chain(lines[5])
    mark = marks.retired("x", 0, file="f", size_bytes=1, first=first, last=last, reason="files")
    more, _ = sealed([mark], link)
    assert told(write(tmp_path, [], [], lines[6:] + more)) == []
    inner = write(tmp_path / "inner", [lines[0]], [], lines[6:] + more)
    assert told(inner) == [(What.MISSING, 1, 2, 6)], "in the middle it must be on record"
    (inner / "starts-000001.jsonl").write_bytes(b"".join(lines[:3]))
    assert told(inner) == []


def test_more_is_missing_than_was_deleted_on_record(tmp_path: Path) -> None:
    folder = _with_retired(tmp_path)
    third = folder / "starts-000003.jsonl"
    third.write_bytes(b"".join(third.read_bytes().splitlines(keepends=True)[1:]))
    assert told(folder) == [(What.MISSING, 1, 1, 7)]


def test_anchors(tmp_path: Path) -> None:
    lines = ten()
    folder = write(tmp_path, lines)
    right = Anchor(4, chain(lines[3]).hash, "a checkpoint", JOURNAL)
    assert told(folder, right, Anchor(10, chain(lines[9]).hash, "the head")) == []
    assert told(folder, Anchor(4, "0" * 64, "a checkpoint")) == [(What.CHANGED, 4, 4, 4)]
    assert told(folder, Anchor(4, right.hash, "a checkpoint", "another")) == [(What.JOURNAL, 4, 4, 4)]
    assert told(folder, Anchor(12, "0" * 64, "far"), Anchor(11, "0" * 64, "near")) == [(What.CUT, 0, 11, 12)]
    assert verify(folder, [right]).anchors == 1


def test_an_unreadable_file_is_told_with_what_is_missing_for_it(tmp_path: Path) -> None:
    lines = ten()
    write(tmp_path, lines[:3], [], lines[6:])
    middle = tmp_path / "starts-000002.jsonl"
    middle.unlink()
    middle.symlink_to(tmp_path / "starts-000001.jsonl")
    assert told(tmp_path) == [(What.UNREADABLE, 0, None, None), (What.MISSING, 1, 4, 6)]


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b"\0" * 100, b"\xff\xfe", b'{"startgate":[]}', b'{"startgate":{"chain":1}}']
)
def test_lines_of_no_journal(tmp_path: Path, line: bytes) -> None:
    lines = ten()
    assert told(write(tmp_path, [*lines[:3], line + b"\n", *lines[4:]])) == [(What.CHANGED, 4, 4, 4)]


def test_findings_are_bounded_and_counted(tmp_path: Path) -> None:
    lines = sealed([opened(), *(record(f"r{number}") for number in range(60))])[0]
    # Every second one missing, and every second one changed: no two alike in a row.
    for kept in (lines[::2], [changed(line) if at % 2 else line for at, line in enumerate(lines)]):
        found = verify(write(tmp_path, kept), limit=5)
        assert len(found.findings) == 5
        assert found.more == 25
    junk = verify(write(tmp_path, [lines[0], *(b"x\n", b"{}\n") * 20]), limit=5)
    assert junk.more + sum(one.last_line - one.line + 1 for one in junk.findings) == 40


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        verify(tmp_path / "nowhere")


def test_a_journal_in_use_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer adds records byte by byte, goes on to new files, and deletes old ones, while the check runs over and
    over."""
    monkeypatch.setattr(reading, "SETTLE_S", 0.001)
    monkeypatch.setattr(reading, "SETTLE_TRIES", 10_000)
    lines, link = sealed([opened(), *(record(f"r{number}") for number in range(2, 31))])
    first, last = chain(lines[0]), chain(lines[9])
    mark = marks.retired("x", 0, file="f", size_bytes=1, first=first, last=last, reason="count")
    more, _ = sealed([mark, *(record(f"r{number}") for number in range(32, 50))], link)
    (tmp_path / "starts-000001.jsonl").touch()

    def run() -> None:
        for number, part in enumerate((lines[:10], lines[10:20], lines[20:] + more), 1):
            with (tmp_path / f"starts-{number:06d}.jsonl").open("ab", buffering=0) as file:
                for line in part:
                    for half in (line[:50], line[50:]):
                        file.write(half)
                        os.sched_yield()
                    if line == more[0]:
                        (tmp_path / "starts-000001.jsonl").unlink()

    writer = threading.Thread(target=run)
    writer.start()
    while writer.is_alive():
        assert verify(tmp_path).findings == ()
    writer.join()
    found = verify(tmp_path)
    assert (found.findings, found.retired, found.records) == ((), 10, 39)


def test_the_verifier_reads_nothing_itself() -> None:
    verifier = Verifier()
    verifier.lines("elsewhere", 1, ten())
    assert verifier.result().records == 10
