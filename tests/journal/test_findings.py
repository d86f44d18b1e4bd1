"""What a check of a journal may find, in words, and findings in a row."""

from dataclasses import replace

import pytest

from proxy.journal.findings import Finding, What, joined

ONE = Finding(What.CHANGED, "f.jsonl", 3, "its hash is another", 7, 9, 5)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (ONE, "f.jsonl:3-5: changed, seq 7-9: its hash is another"),
        (replace(ONE, last_line=3, last_seq=7), "f.jsonl:3: changed, seq 7: its hash is another"),
        (replace(ONE, last_line=0, last_seq=None), "f.jsonl:3: changed, seq 7: its hash is another"),
        (Finding(What.UNREADABLE, "f.jsonl", 0, "cannot be read"), "f.jsonl: unreadable: cannot be read"),
        (Finding(What.INSERTED, "f.jsonl", 2, "no record"), "f.jsonl:2: inserted: no record"),
    ],
)
def test_a_finding_in_words(finding: Finding, text: str) -> None:
    assert str(finding) == text


def test_findings_in_a_row_are_one() -> None:
    assert joined(ONE, Finding(What.CHANGED, "f.jsonl", 6, ONE.why, 10, 10)) == replace(ONE, last_line=6, last_seq=10)
    without = Finding(What.INSERTED, "f.jsonl", 3, "no record", last_line=3)
    assert joined(without, replace(without, line=4)) == replace(without, last_line=4)


@pytest.mark.parametrize(
    "other",
    [
        Finding(What.INSERTED, "f.jsonl", 6, ONE.why, 10, 10),
        Finding(What.CHANGED, "g.jsonl", 6, ONE.why, 10, 10),
        Finding(What.CHANGED, "f.jsonl", 7, ONE.why, 10, 10),
        Finding(What.CHANGED, "f.jsonl", 6, "for another reason", 10, 10),
        Finding(What.CHANGED, "f.jsonl", 6, ONE.why, 11, 11),
        Finding(What.CHANGED, "f.jsonl", 6, ONE.why),
    ],
)
def test_others_stay_apart(other: Finding) -> None:
    assert joined(ONE, other) is None
