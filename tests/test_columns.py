"""Aligned columns of text."""

import pytest

from proxy.columns import Cell, cell, lines, widths


def test_columns_line_up_without_blanks_at_the_end() -> None:
    shown = lines(("name", "n", "score", "last"), [("a", 2, 0.98765, "x"), ("longer", 10, 0.5, "")], "  ")
    assert [line.plain for line in shown] == [
        "  name     n  score  last",
        "  a        2  0.988  x",
        "  longer  10  0.500  ",
    ]


def test_a_column_of_numbers_and_words_stands_to_the_left() -> None:
    assert [line.plain for line in lines(("n", "x"), [(1, "a"), ("-", "b"), (100, "c")])] == [
        "n    x",
        "1    a",
        "-    b",
        "100  c",
    ]


def test_brackets_are_text_and_styles_are_kept() -> None:
    _, line = lines(("what",), [(Cell("[red]", "green"),)])
    assert line.plain == "[red]"
    assert [span.style for span in line.spans] == ["green"]


def test_headings_alone() -> None:
    assert [line.plain for line in lines(("a", "b"), [])] == ["a  b"]


@pytest.mark.parametrize(
    ("value", "text", "right"), [("a", "a", False), (7, "7", True), (0.5, "0.500", True), (None, "None", False)]
)
def test_values_as_cells(value: object, text: str, right: bool) -> None:
    assert cell(value) == Cell(text, right=right)
    assert cell(cell(value)) == cell(value)


def test_control_characters_reach_no_terminal() -> None:
    _, line = lines(("what",), [(Cell("\x1b[2J", "red"),)])
    assert line.plain == "\\x1b[2J"
    assert [span.style for span in line.spans] == ["red"]


def test_a_later_part_of_a_table_can_be_as_wide() -> None:
    first, second = [["long text", 1]], [["x", 1000]]
    least = widths(["a", "b"], first)
    assert least == [9, 1]
    assert [line.plain for line in lines(["a", "b"], second, least=least)] == [
        "a             b",
        "x          1000",
    ]
