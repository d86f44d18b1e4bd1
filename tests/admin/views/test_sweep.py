"""Finding the records of starts in files, and reading them again at their places."""

from pathlib import Path
from typing import Any

from proxy.admin.views.row import Place
from proxy.admin.views.sweep import PLACES_HELD, Places, Swept, bounded, is_start, joined, placed, sweep
from proxy.journal.lines import Problem, one_file, refuse
from proxy.journal.start import Start
from tests.admin.views.reading import denied
from tests.journal.making import encode, granted, write


def swept(folder: Path, kept: int, *paths: str) -> Swept:
    """What a sweep of these files finds, in this order."""
    found = Swept(kept)
    for path in paths:
        for _ in sweep(folder / path, found, refuse):
            pass
        found.close()
    return found


def lines(*records: dict[str, Any]) -> list[bytes]:
    """Records as lines."""
    return [encode(one) for one in records]


FIRST, SECOND = "starts-000001.jsonl", "starts-000002.jsonl"


def test_places_are_those_of_the_lines(tmp_path: Path) -> None:
    written = lines(denied("a"), denied("b"))
    write(tmp_path, written)
    (batch,) = one_file(tmp_path / FIRST)
    assert list(placed(batch)) == [
        (Place(1, 0, len(written[0]) - 1), written[0][:-1]),
        (Place(1, len(written[0]), len(written[1]) - 1), written[1][:-1]),
    ]


def test_starts_are_joined_over_files(tmp_path: Path) -> None:
    a, b, c = granted("a"), granted("b"), granted("c")
    write(tmp_path, lines(a[0], b[0], a[1], b[1]), lines(a[2], c[0], c[1], c[2], b[2]))
    found = swept(tmp_path, 10, SECOND, FIRST)
    assert {receipt: [place.file for place in places] for receipt, places in found.starts.items()} == {
        "c": [2, 2, 2],
        "a": [1, 1, 2],
        "b": [1, 1, 2],
    }
    for records in (a, b, c):
        receipt = records[0]["startgate"]["receipt"]
        start, left = joined(tmp_path, receipt, found.starts[receipt])
        assert [*start.records.values()] == records
        assert left == found.starts[receipt]


def test_only_the_newest_are_held(tmp_path: Path) -> None:
    write(tmp_path, lines(*(denied(f"r{number}") for number in range(20))))
    found = swept(tmp_path, 5, FIRST)
    assert [*found.starts] == ["r15", "r16", "r17", "r18", "r19"]
    assert found.dropped
    assert not swept(tmp_path, 20, FIRST).dropped


def test_ends_without_a_start_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, lines(*(granted(f"r{number}")[2] for number in range(20))))
    found = swept(tmp_path, 5, FIRST)
    assert (found.starts, len(found.ends)) == ({}, 5)


def test_an_end_that_comes_later_belongs_to_its_start() -> None:
    found = Swept(5)
    found.note("a", Place(1, 0, 5), ends=False)
    found.close()
    found.note_end("a", Place(2, 0, 5))
    assert found.starts == {"a": (Place(1, 0, 5), Place(2, 0, 5))}


def test_places_are_bounded() -> None:
    many: Places = tuple(Place(1, number, 1) for number in range(100))
    assert bounded(many) == (many[0], *many[-PLACES_HELD + 1 :])
    assert bounded(many[:3]) == many[:3]


def test_what_is_no_record_of_the_start_is_told_and_left_out(tmp_path: Path) -> None:
    written = [*lines(denied("a")), b"garbage\n", *lines(denied("b")), *lines({"no": "record"})]
    write(tmp_path, written)
    (batch,) = one_file(tmp_path / FIRST)
    places = tuple(place for place, _ in placed(batch))
    told: list[Problem] = []
    gone = Place(9, 0, 10)
    start, left = joined(tmp_path, "a", (*places, gone), told.append)
    assert ([*start.records], left) == (["outcome"], places[:1])
    assert len(told) == 3, "a file that was retired is no problem"
    (tmp_path / FIRST).unlink()
    (tmp_path / FIRST).mkdir()
    assert joined(tmp_path, "a", places, told.append)[1] == ()
    assert "directory" in str(told[-1])


def test_an_end_alone_is_no_start() -> None:
    assert not is_start(Start("a", {"end": granted("a")[2]}))
    assert is_start(Start("a", {"outcome": denied("a")}))
    assert not is_start(Start("a"))
