"""Strict YAML: what is read, and every fault with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules import source
from proxy.rules.source import (
    MAX_DEPTH,
    Entry,
    Listing,
    Mark,
    Scalar,
    ScalarKind,
    Table,
    kind_of,
    read,
)


def mark(line: int, column: int) -> Mark:
    """A place in the file of these tests."""
    return Mark(file="f.yml", line=line, column=column)


def faults(text: str) -> list[str]:
    """The faults of a text as an operator reads them."""
    return [str(fault) for fault in read(text, "f.yml")[1]]


def test_reads_mappings_lists_and_scalars_with_their_places() -> None:
    root, found = read("a: 1\nb:\n  - x\n  - 'no'\n", "f.yml")
    assert found == ()
    assert root == Table(
        mark=mark(1, 1),
        entries=(
            Entry(
                mark=mark(1, 1),
                key="a",
                value=Scalar(mark=mark(1, 4), text="1", kind=ScalarKind.INT, reading="int"),
            ),
            Entry(
                mark=mark(2, 1),
                key="b",
                value=Listing(
                    mark=mark(3, 3),
                    items=(
                        Scalar(mark=mark(3, 5), text="x", kind=ScalarKind.TEXT),
                        Scalar(mark=mark(4, 5), text="no", kind=ScalarKind.TEXT),
                    ),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "kind", "reading"),
    [
        *[
            (text, ScalarKind.TEXT, "")
            for text in ("read", "manage_ml", "kibana_system", "elastic/kibana", "1a", "-", "=")
        ],
        *[(text, ScalarKind.INT, "int") for text in ("0", "1", "-5", "+7", "1_000")],
        *[(text, ScalarKind.OTHER, "bool") for text in ("no", "No", "yes", "on", "OFF", "true", "y", "N")],
        *[(text, ScalarKind.OTHER, "null") for text in ("", "~", "null", "NULL")],
        *[(text, ScalarKind.OTHER, "float") for text in ("1.5", "-.5", "1.", "1e3", ".inf", ".NaN", "1.5e-3")],
        *[(text, ScalarKind.OTHER, "date") for text in ("2024-01-01", "2024-1-1 10:00:00", "2024-01-01T10:00:00Z")],
        *[(text, ScalarKind.OTHER, "base 60 number") for text in ("1:30", "190:20:30")],
        *[(text, ScalarKind.OTHER, "octal, hexadecimal or binary number") for text in ("012", "0x1F", "0b11", "0o17")],
    ],
)
def test_what_yaml_takes_plain_text_for(text: str, kind: ScalarKind, reading: str) -> None:
    assert kind_of(text) == (kind, reading)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["f.yml:1:1: the file is empty; it must hold at least `version: 1`"]),
        ("# nothing\n", ["f.yml:1:1: the file is empty; it must hold at least `version: 1`"]),
        ("a: 1\nb: 2\na: 3\n", ["f.yml:3:1: the key `a` is there twice; the first is in line 1"]),
        ("a: &x 1\n", ["f.yml:1:4: the anchor `&x` is not allowed; write the value out where it is needed"]),
        (
            "a: &x [1]\nb: *x\n",
            [
                "f.yml:1:4: the anchor `&x` is not allowed; write the value out where it is needed",
                "f.yml:2:4: the alias `*x` is not allowed; write the value out",
            ],
        ),
        ("<<: {a: 1}\n", ["f.yml:1:1: the merge key `<<` is not allowed; write the entries out"]),
        ("a: !!str 1\n", ["f.yml:1:4: the tag `tag:yaml.org,2002:str` is not allowed; remove it"]),
        ("a: !!python/x:y [x]\n", ["f.yml:1:4: the tag `tag:yaml.org,2002:python/x:y` is not allowed; remove it"]),
        ("a: 1\n---\nb: 2\n", ["f.yml:2:1: a second document starts here; one file holds one document"]),
        ("no: 1\n", ["f.yml:1:1: the key `no` is read as a bool by YAML"]),
        ("1: 1\n", ["f.yml:1:1: the key `1` is read as an int by YAML"]),
        ("[a]: 1\n", ["f.yml:1:1: a key must be a plain word"]),
        ("a:\n\tb: 1\n", ["f.yml:2:1: not valid YAML: a tab is not allowed for indentation; use spaces"]),
        ("a: [1\n", ["f.yml:2:1: not valid YAML: expected ',' or ']', but got '<stream end>'"]),
        (
            'a: "x" in y\n',
            [
                "f.yml:1:8: not valid YAML: something follows a value that is complete; "
                "a text that begins with a quote needs quotes around all of it"
            ],
        ),
        ("a: b: c\n", ["f.yml:1:5: not valid YAML: mapping values are not allowed here"]),
        ("a: 1\nb: \x07\n", ["f.yml:2:4: the character U+0007 is not allowed in YAML"]),
        ("\n\x07\n", ["f.yml:2:1: the character U+0007 is not allowed in YAML"]),
        ("a: " + "[" * (MAX_DEPTH + 1), [f"f.yml:1:{MAX_DEPTH + 4}: nested deeper than {MAX_DEPTH} levels"]),
    ],
)  # fmt: skip
def test_faults_with_their_places(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_faults_before_a_syntax_error_are_kept() -> None:
    assert faults("a: 1\na: 2\nb: [") == [
        "f.yml:2:1: the key `a` is there twice; the first is in line 1",
        "f.yml:3:5: not valid YAML: expected the node content, but found '<stream end>'",
    ]


def test_a_bomb_costs_nothing() -> None:
    """Aliases are where documents explode; the first one ends the reading."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 50)]
    assert "the alias `*a0` is not allowed" in "\n".join(faults("\n".join(lines)))


@pytest.mark.parametrize("deeper", ["[", "{", "? "])
def test_deep_nesting_is_refused_before_it_recurses(deeper: str) -> None:
    """In values, and in keys that are no plain words."""
    assert "nested deeper" in faults(deeper * 100_000)[-1]


def test_a_second_document_leaves_none() -> None:
    assert read("a: 1\n---\na: 2\n", "f.yml")[0] is None


@given(st.text("ab:-[]{}&*!'\"\n \t#,|>~?%@`", max_size=40))
def test_any_text_gives_a_tree_or_faults(text: str) -> None:
    """A tree, or at least one fault with a place; never anything else."""
    root, found = read(text, "f.yml")
    assert root is not None or found
    assert all(fault.line >= 1 and fault.column >= 1 for fault in found)


@given(st.text("ab:-[]{}'\"\n #,|>1", max_size=40))
def test_both_parsers_read_the_same(text: str) -> None:
    """What the fast one reads, the other reads alike, or not at all."""
    with pytest.MonkeyPatch.context() as patched:
        fast = read(text, "f.yml")
        patched.setattr(source, "_FAST", None)
        slow = read(text, "f.yml")
    if fast[0] is not None and slow[0] is not None:
        assert fast == slow


def test_without_libyaml_the_other_reads_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_FAST", None)
    root, found = read("a: [b]\n", "f.yml")
    assert isinstance(root, Table)
    assert found == ()


def test_what_only_the_fast_one_refuses_is_left_to_the_other() -> None:
    assert "U+D800" in faults("a: \ud800\n")[0]


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "[" * 99, "a: 1\n--- b\n"])
def test_without_libyaml_the_same_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read(text, "f.yml")
    monkeypatch.setattr(source, "_FAST", None)
    assert read(text, "f.yml") == fast
    assert fast[1]
