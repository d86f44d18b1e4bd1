"""The canonical form of rule files: how it looks, that it says the same, and that it is final."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.formatted import formatted, meaning
from proxy.rules.load import CASES_SUFFIX
from proxy.rules.source import read
from tests.rules.texts import RICH, valid

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in (ROOT / "rules").glob("*.yml") if not path.name.endswith(CASES_SUFFIX))


def canonical(text: str) -> str:
    """The canonical form of a text that is good."""
    found, faults = formatted(text, "f.yml")
    assert found is not None, faults
    assert not faults
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:   1", "a: 1\n"),
        ("\n\n# c\n\n\n\na: 1\n\n\n", "# c\n\na: 1\n"),
        ("a: b   \nc: d\t\n", "a: b\nc: d\n"),
        ("a: b\r\nc: d\r\n", "a: b\nc: d\n"),
        ("\ufeffa: b\n", "a: b\n"),
        ("a: [ 'x','y' ,  z ]   # c  \n", 'a: ["x", "y", z]   # c\n'),
        ("a: b # c\n", "a: b  # c\n"),
        ("a: {k:  v,l: [ ]}\n", "a: {k: v, l: []}\n"),
        ("a: 'say \"x\"'\nb: 'it''s'\nc: 'a\\b'\n", "a: 'say \"x\"'\nb: 'it''s'\nc: 'a\\b'\n"),
        ("a:\n- x\n-   y\nb: z\n", "a:\n  - x\n  - y\nb: z\n"),
        ("a:\n      b:\n         c: d\n", "a:\n  b:\n    c: d\n"),
        ("a:\n  -   id: q\n      w: x\n", "a:\n  - id: q\n    w: x\n"),
        ("a:\n  - - x\n    - y\n", "a:\n  - - x\n    - y\n"),
        ("a:\n  -\n     k: v\n", "a:\n  -\n    k: v\n"),
        ("a:\n     # c\n     b: x\n# d\nc: y\n", "a:\n  # c\n  b: x\n# d\nc: y\n"),
        ("a:\n    - x\n    # c\n    - y\n    # d\n# e\n", "a:\n  - x\n  # c\n  - y\n  # d\n# e\n"),
        ("a:\n    b: c\n  # odd\nd: e\n", "a:\n  b: c\n# odd\nd: e\n"),
        ("a:\n        # deep\n    b: c\n", "a:\n  # deep\n  b: c\n"),
        ("a: |\n      x\n        y\n\n\nb: c\n", "a: |\n  x\n    y\n\nb: c\n"),
        ("a: |+\n      x\n\n\nb: c\n", "a: |+\n  x\n\n\nb: c\n"),
        ("a:\n    b: >2-  # c\n        x\n      y\n", "a:\n  b: >2-  # c\n      x\n    y\n"),
        ("a: |\n\n   x\n", "a: |\n\n  x\n"),
        ("a: ''\nb: |\n\n", 'a: ""\nb: |\n'),
        ("a: one\n    two\n\n    three # c\n", "a: one\n  two\n\n  three  # c\n"),
        ('a: "one\n      two"\n', 'a: "one\n  two"\n'),
        ("a:\n    one\n", "a:\n  one\n"),
        ("a: [\n      x, y,\n         # in\n      z\n   ]\n", "a: [\n  x, y,\n  # in\n  z\n]\n"),
        ("a: [x,\n  # last\n  ]\n", "a: [x,\n  # last\n]\n"),
        ("---\na: b\n...\n", "---\na: b\n...\n"),
        ("%YAML 1.1\n---\na: b\n", "%YAML 1.1\n---\na: b\n"),
        ("just text\n", "just text\n"),
        ("[a,   b]\n", "[a, b]\n"),
        ("a:\nb:\n", "a:\nb:\n"),
    ],
)
def test_how_it_looks(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_is_canonical(path: Path) -> None:
    assert canonical(path.read_text()) == path.read_text()


def test_a_rich_file_is_canonical_and_stays_what_it_says() -> None:
    assert canonical(RICH) == RICH
    wide = RICH.replace("\n  ", "\n     ").replace("[", "[  ").replace(", ", "  ,")
    assert valid(canonical(wide)).revision == valid(wide).revision


@pytest.mark.parametrize(
    "text", ["a: [\n", "a: 1\na: 2\n", "a: &x 1\n", "", "a: *x\n", "a:\n\tb: 1\n", "a: 1\n---\nb: 2\n"]
)
def test_what_is_broken_is_left_alone(text: str) -> None:
    found, faults = formatted(text, "f.yml")
    assert found is None
    assert faults


def test_a_key_that_is_asked_for_in_long_is_left_alone_or_stays_the_same() -> None:
    found, faults = formatted("? a\n: b\n", "f.yml")
    assert (found is None) == bool(faults)


TEXTS = st.text("ab *?-/#:'\"\\\n{}[],é", max_size=12)
TREES = st.recursive(
    TEXTS | st.integers(-9, 9) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b c", "d*", "e-f"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def spoilt(text: str, data: st.DataObject) -> str:
    """The text with comments and blank lines between its lines, where none of them is part of a value."""
    lines = text.split("\n")
    found = [lines[0]]
    for before, line in pairwise(lines):
        if line.strip() and before.rstrip().endswith((":", "]", "}", "1")) and data.draw(st.booleans()):
            indent = data.draw(st.integers(0, 6))
            found.append(data.draw(st.sampled_from(["", " " * indent + "# c"])))
        found.append(line)
    return "\n".join(found)


@given(st.dictionaries(st.sampled_from(["x", "y"]), TREES, min_size=1), st.booleans(), st.integers(2, 6), st.data())
def test_it_says_the_same_and_is_final(tree: dict[str, object], flow: bool, indent: int, data: st.DataObject) -> None:
    style = data.draw(st.sampled_from([None, "'", '"', "|", ">"]))
    written = yaml.safe_dump(
        tree, default_flow_style=flow, indent=indent, width=20, default_style=style, sort_keys=False, allow_unicode=True
    )
    text = spoilt(written.replace("!!int ", "").replace("!!null ", "").replace("!!bool ", ""), data)
    root, faults = read(text, "f.yml")
    if root is None or faults:
        return
    once = canonical(text)
    again, _ = read(once, "f.yml")
    assert again is not None
    assert meaning(again) == meaning(root)
    assert once.count("# c") == text.count("# c")
    assert canonical(once) == once
    assert once.endswith("\n")


def test_a_block_that_the_end_of_the_file_cuts_off_is_left_alone() -> None:
    found, faults = formatted("a: |\n    x", "f.yml")
    assert found is None
    assert [fault.message for fault in faults] == [
        "laid out anew, this would say something else; put a line break at its end first"
    ]
    assert canonical("a: |-\n    x") == "a: |-\n  x\n"
