"""`startgate audit replay`."""

import json
from pathlib import Path

import pytest

from tests.cases.samples import RULES
from tests.commands.running import invoke
from tests.journal.making import encode
from tests.test_replay import ALL, record, situation, without

DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with one start that was allowed, one that lacked one privilege, and one of an old version."""
    folder = tmp_path / "journal"
    folder.mkdir()
    starts = [situation(), situation(without(ALL, "src", "view_index_metadata")), situation()]
    lines = []
    for day, one in zip(DAYS, starts, strict=True):
        made = dict(record(one, receipt=f"receipt-of-{day}"))
        made["@timestamp"] = f"{day}T09:00:00.000Z"
        lines.append(made)
    del lines[2]["startgate"]["situation"]
    (folder / "starts-000001.jsonl").write_bytes(b"".join(encode(one) for one in lines))
    return folder


@pytest.fixture
def same(tmp_path: Path) -> str:
    """The rules by which it was judged."""
    (tmp_path / "same.yml").write_text(RULES)
    return str(tmp_path / "same.yml")


@pytest.fixture
def guarded(tmp_path: Path) -> str:
    """Rules that say no to everybody, not sealed yet."""
    text = (
        RULES
        + """  guards:
    - {id: nobody, deny: 'caller.username != ""', message: Nobody.}
"""
    )
    (tmp_path / "guarded.yml").write_text(text)
    return str(tmp_path / "guarded.yml")


def test_what_would_change_is_listed(journal: Path, guarded: str) -> None:
    result = invoke("audit", "replay", "--journal", str(journal), "--rules", guarded)
    assert result.exit_code == 1, result.output
    first, why, other, cannot, last = result.output.splitlines()
    assert first.split() == [DAYS[0], "09:00:00", "allowed", "->", "denied", "now", "ada", "job-1", "receipt-of-2"]
    assert why.strip() == "the guard [nobody] denies it: Nobody."
    assert "allowed -> cannot tell" in other
    assert "cannot be judged again" in cannot
    assert last == "3 starts: 1 stay, 0 allowed now, 1 denied now, 1 cannot be told"


def test_nothing_would_change(journal: Path, same: str) -> None:
    result = invoke("audit", "replay", "--journal", str(journal), "--rules", same, "--changed")
    assert result.exit_code == 0, result.output
    assert result.output == "2 starts: 2 stay, 0 allowed now, 0 denied now, 0 cannot be told\n"


def test_what_cannot_be_told_is_not_taken_for_the_same(journal: Path, same: str) -> None:
    assert invoke("audit", "replay", "--journal", str(journal), "--rules", same).exit_code == 1


@pytest.mark.parametrize(
    ("options", "counted"),
    [
        (("--since", "2026-01-02"), 2),
        (("--until", "2026-01-02T09:00:00Z"), 1),
        (("--since", "2026-01-02T10:00:00+01:00", "--until", "2026-01-03"), 1),
        (("--since", "2027-01-01"), 0),
    ],
)
def test_a_part_of_the_record(journal: Path, same: str, options: tuple[str, ...], counted: int) -> None:
    result = invoke("audit", "replay", "--journal", str(journal), "--rules", same, *options)
    assert f"{counted} starts: " in result.output


def test_as_json(journal: Path, guarded: str) -> None:
    result = invoke("audit", "replay", "--journal", str(journal), "--rules", guarded, "--json", "--changed")
    (line,) = result.output.splitlines()
    told = json.loads(line)
    assert (told["allowed"], told["change"], told["user"]) == (True, "denied now", "ada")
    assert told["reasons"] == ["the guard [nobody] denies it: Nobody."]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--rules", "nowhere.yml"), "nowhere.yml: there is no such file or folder"),
        (("--journal", "nowhere"), "there is no journal at nowhere"),
        (("--since", "monday"), "'monday' is no time such as 2026-01-31"),
    ],
)
def test_wrong_input(journal: Path, same: str, options: tuple[str, ...], text: str) -> None:
    result = invoke("audit", "replay", "--journal", str(journal), "--rules", same, *options)
    assert result.exit_code == 2
    assert text in result.stderr
