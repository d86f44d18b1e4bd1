"""Reading single values, every fault noted."""

from enum import StrEnum

import pytest

from proxy.rules.forms import Fields, Key, Text
from proxy.rules.source import Entry, Node, Table, read
from proxy.rules.values import Values, listed


class Colour(StrEnum):
    """Choices."""

    RED = "red"
    GREEN = "green"


def entry(value: str, key: str = "k") -> Entry:
    """The only entry of `key: value`."""
    root = tree(f"{key}: {value}\n")
    assert isinstance(root, Table)
    return root.entries[0]


def tree(text: str) -> Node:
    """The tree of a text that is valid."""
    root, faults = read(text, "f.yml")
    assert root is not None
    assert not faults
    return root


def noted(values: Values) -> list[str]:
    """The faults so far as an operator reads them."""
    return [str(fault) for fault in values.faults]


def test_known_keys_are_given_others_are_noted_with_the_nearest() -> None:
    values = Values()
    root = tree("require: 1\nautority: 2\nxyz: 3\n")
    assert isinstance(root, Table)
    found = values.known(root, ("require", "authority"))
    assert list(found) == ["require"]
    assert noted(values) == [
        "f.yml:2:1: unknown key `autority` (did you mean 'authority'?); allowed: `require`, `authority`",
        "f.yml:3:1: unknown key `xyz`; allowed: `require`, `authority`",
    ]


def test_table_takes_mappings_only() -> None:
    values = Values()
    assert values.table(None, ("a",)) == {}
    assert list(values.table(entry("{a: 1}"), ("a",))) == ["a"]
    assert values.table(entry("[a]"), ("a", "b")) == {}
    assert noted(values) == ["f.yml:1:4: `k` must be a mapping with the keys `a`, `b`"]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("[x]", "`k` takes text here, not a list"),
        ("{x: 1}", "`k` takes text here, not a mapping"),
        ("no", "`k` takes text, but YAML reads `no` as bool; put it in quotes"),
        ("012", "`k` takes text, but YAML reads `012` as octal, hexadecimal or binary number; put it in quotes"),
        ("2024-01-01", "`k` takes text, but YAML reads `2024-01-01` as date; put it in quotes"),
        ("", "`k` takes text, but YAML reads nothing as null; put it in quotes"),
        ("7", "`k` takes text, but YAML reads `7` as int; put it in quotes"),
        ("' '", "`k` takes text, not an empty one"),
    ],
)
def test_text_takes_text_only(value: str, fault: str) -> None:
    values = Values()
    assert values.text(entry(value).value, "k") is None
    assert [one.message for one in values.faults] == [fault]


def test_texts_keep_what_is_text() -> None:
    values = Values()
    assert [one.text for one in values.texts(entry("[a, no, 'no']"))] == ["a", "no"]
    assert values.texts(entry("a")) == []
    assert [one.message for one in values.faults][1] == "`k` must be a list, such as [a, b]"


def test_choice_of_what_is_allowed() -> None:
    values = Values()
    assert values.choice(entry("green", "colour"), Colour.RED) is Colour.GREEN
    assert values.choice(None, Colour.RED) is Colour.RED
    assert not values.faults
    assert values.choice(entry("gren", "colour"), Colour.RED) is Colour.RED
    assert values.choice(entry("[a]", "colour"), Colour.RED) is Colour.RED
    assert values.choice(entry("both", "authority"), Colour.RED) is Colour.RED
    assert [one.message for one in values.faults] == [
        "`gren` is not a value of `colour` (did you mean 'green'?); allowed: `red`, `green`",
        "`colour` takes text here, not a list",
        "`both` is not a value of `authority`; allowed: `red`, `green`",
    ]


def test_listed() -> None:
    assert listed(["a", "b"]) == "`a`, `b`"


def test_patterns_that_cannot_be_compared_or_match_nothing_are_noted() -> None:
    values = Values()
    assert values.patterns(None) is None
    found = values.patterns(entry("[a, '/(/', '/#/', b*, b]"))
    assert [scalar.text for scalar in found or ()] == ["a", "b*", "b"]
    assert [fault.column for fault in values.faults] == [8, 15, 26]
    assert "is covered by `b*` beside it" in values.faults[2].message


def test_items_with_keys_take_mappings_that_lack_nothing() -> None:
    values = Values()
    form = Fields(
        {
            "a": Key(form=Text(), means="A.", missing="an item needs `{}`"),
            "b": Key(form=Text(), means="B."),
            "c": Key(form=Text(), means="C.", missing="an item needs `{}`, too"),
        }
    )
    whole = values.fields(entry("{a: 1, c: 2}").value, "k", form)
    assert whole is not None
    assert list(whole) == ["a", "c"]
    assert not values.faults
    assert values.fields(entry("[a]").value, "k", form) is None
    assert values.fields(entry("{b: 1, d: 2}").value, "k", form) is None
    assert noted(values) == [
        "f.yml:1:4: an item of `k` is a mapping with the keys `a`, `b`, `c`",
        "f.yml:1:11: unknown key `d`; allowed: `a`, `b`, `c`",
        "f.yml:1:4: an item needs `a`",
        "f.yml:1:4: an item needs `c`, too",
    ]


def test_a_list_that_must_not_be_empty() -> None:
    values = Values()
    assert [one.text for one in values.filled(entry("[a]"))] == ["a"]
    assert not values.faults
    assert values.filled(entry("[]")) == []
    assert noted(values) == ["f.yml:1:4: `k` is empty; name at least one, or leave the key out where it may be"]
