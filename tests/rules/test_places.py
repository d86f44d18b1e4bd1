"""From a place in a text to the place in its file."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.places import place_in
from proxy.rules.source import Mark, Scalar, ScalarKind, Table, read


def value(text: str) -> Scalar:
    """The value of the only key of a text."""
    root, faults = read(text, "f.yml")
    assert not faults
    assert isinstance(root, Table)
    scalar = root.entries[0].value
    assert isinstance(scalar, Scalar)
    return scalar


@pytest.mark.parametrize(
    "text",
    [
        "deny: one X two\n",
        "deny: 'one X two'\n",
        'deny: "one X two"\n',
        "deny: 'it''s one, isn''t it X'\n",
        'deny: "\\t\\x41\\u0042 \\" X"\n',
        'deny: "one\n  two\\\n  three\\\n \\ four X"\n',
        'deny: "one\n\n  \\"two\\" X"\n',
        "deny: 'one\n  two\n\n  three X'\n",
        "deny: one\n  two\n  three X\n",
        "deny: |\n  one\n    two\n\n  three X\n",
        "deny: |2-  # why\n    one\n   X\n",
        "deny: >\n  one\n  two\n\n    three\n  four X\n",
        "deny: >-\n\n  one\n  two X",
        "deny: |\r\n  one\r\n  two X\r\n",
        "# before\n\ndeny:\n  one\n  X\n",
    ],
)
def test_a_sign_is_found_again(text: str) -> None:
    """The same sign, wherever it stands in the value and however that is written."""
    scalar = value(text)
    before = scalar.text[: scalar.text.index("X")]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    at = text.index("X")
    wanted = Mark(file="f.yml", line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))
    assert place_in(scalar, line, column) == wanted


def test_a_blank_is_found_where_it_stands() -> None:
    assert place_in(value("deny: 'a  b'\n"), 1, 3).column == 10


def test_what_is_beyond_the_text_is_its_end() -> None:
    scalar = value("deny: abc\n")
    assert place_in(scalar, 1, 4) == Mark(file="f.yml", line=1, column=10)
    assert place_in(scalar, 9, 99) == Mark(file="f.yml", line=1, column=10)


def test_nothing_has_a_place() -> None:
    nothing = Scalar(mark=Mark(file="f.yml", line=3, column=4), text="", kind=ScalarKind.TEXT, raw="''")
    assert place_in(nothing, 1, 1) == nothing.mark
    assert place_in(Scalar(mark=nothing.mark, text="", kind=ScalarKind.TEXT), 1, 1) == nothing.mark


def test_where_both_do_not_go_together_the_whole_is_told() -> None:
    odd = Scalar(mark=Mark(file="f.yml", line=3, column=4), text="abc", kind=ScalarKind.TEXT, raw="'xyz'")
    assert place_in(odd, 1, 3) == odd.mark


@given(st.text("ab \n\"'\\:#\té-", min_size=1, max_size=30), st.sampled_from([None, "'", '"', "|", ">"]))
def test_every_character_is_found_again(text: str, style: str | None) -> None:
    written = yaml.safe_dump({"k": text}, default_style=style, allow_unicode=True, width=10)
    root, faults = read(written, "f.yml")
    assert not faults
    assert isinstance(root, Table)
    scalar = root.entries[0].value
    assert isinstance(scalar, Scalar)
    lines = written.split("\n")
    for number, line in enumerate(scalar.text.split("\n"), 1):
        for column, char in enumerate(line, 1):
            place = place_in(scalar, number, column)
            if char in "abé:#-":
                assert lines[place.line - 1][place.column - 1] in (char, "\\")
