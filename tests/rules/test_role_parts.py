"""Flags, queries and field-level security in a role file."""

import pytest

from proxy.privileges import FieldSecurity
from proxy.rules.role_parts import field_security, is_null, query, true_or_false
from proxy.rules.source import Entry, Table, read
from proxy.rules.values import Values


def entry(text: str) -> Entry:
    """The only entry of a mapping."""
    root, found = read(text, "f.yml")
    assert found == ()
    assert isinstance(root, Table)
    return root.entries[0]


def texts(values: Values) -> list[str]:
    """The faults noted."""
    return [str(fault) for fault in values.faults]


@pytest.mark.parametrize(("text", "expected"), [("a:", True), ("a: ~", True), ("a: 'null'", False), ("a: []", False)])
def test_what_is_left_out(text: str, expected: bool) -> None:
    assert is_null(entry(text).value) is expected


@pytest.mark.parametrize(("text", "expected"), [("a: true", True), ("a: false", False)])
def test_flags(text: str, expected: bool) -> None:
    values = Values()
    assert true_or_false(values, entry(text)) is expected
    assert true_or_false(values, None) is False
    assert texts(values) == []


@pytest.mark.parametrize("text", ["a: yes", "a: 'true'", "a: True", "a: 1", "a:", "a: [true]", "a: on"])
def test_what_is_no_flag_is_off_and_a_fault(text: str) -> None:
    values = Values()
    assert true_or_false(values, entry(text)) is False
    assert len(texts(values)) == 1
    assert texts(values)[0].endswith("`a` must be true or false")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q:", None),
        ("q: '{\"match_all\": {}}'", '{"match_all": {}}'),
        ("q: {match_all: {}}", '{"match_all":{}}'),
        (
            "q: {z: [1_000, true, false, ~, 1.5, a, 'true'], b: {c: no}}",
            '{"z":[1000,true,false,null,"1.5","a","true"],"b":{"c":"no"}}',
        ),
    ],
)
def test_queries_are_kept_as_text(text: str, expected: str | None) -> None:
    values = Values()
    assert query(values, entry(text)) == expected
    assert texts(values) == []


def test_no_query() -> None:
    assert query(Values(), None) is None


def test_a_query_is_no_list() -> None:
    values = Values()
    assert query(values, entry("q: [a]")) is None
    assert texts(values) == ["f.yml:1:4: `q` takes text here, not a list"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f: {grant: ['*']}", None),
        ("f: {grant: ['*'], except: []}", None),
        ("f: {grant: [a, 'b.*']}", FieldSecurity(("a", "b.*"))),
        ("f: {grant: []}", FieldSecurity(())),
        ("f: {except: [a]}", FieldSecurity(("*",), ("a",))),
        ("f: {grant: ['a*'], except: ['ab']}", FieldSecurity(("a*",), ("ab",))),
        ("f: {grant: ['a*'], except: ['_id']}", FieldSecurity(("a*",), ("_id",))),
        ("f: {grant: ['/a.*/'], except: ['/ab+/']}", FieldSecurity(("/a.*/",), ("/ab+/",))),
    ],
)
def test_field_security(text: str, expected: FieldSecurity | None) -> None:
    values = Values()
    assert field_security(values, entry(text)) == expected
    assert field_security(values, None) is None
    assert texts(values) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f:", "1:3: `f` must be a mapping with the keys `grant`, `except`"),
        ("f: {}", "1:4: `f` is empty; it takes `grant`, `except` or both"),
        ("f: {grant: }", "1:11: `grant` must be a list, such as [a, b]"),
        ("f: [a]", "1:4: `f` must be a mapping with the keys `grant`, `except`"),
        ("f: {grnat: [a]}", "1:5: unknown key `grnat` (did you mean 'grant'?); allowed: `grant`, `except`"),
        ("f: {grant: a}", "1:12: `grant` must be a list, such as [a, b]"),
        ("f: {grant: [a], except: [b]}", "1:4: what is excepted (b) must be part of what is granted (a)"),
        ("f: {grant: ['a*'], except: ['*']}", "1:4: what is excepted (*) must be part of what is granted (a*)"),
        (
            "f: {grant: ['/a<1-3>/'], except: ['b']}",
            "1:4: the regular expression [/a<1-3>/] is not supported here: <…>",
        ),
        ("f: {grant: ['/a<1-3>/']}", "1:4: the regular expression [/a<1-3>/] is not supported here: <…>"),
        ("f: {except: ['/a']}", "1:4: the pattern [/a] starts with '/' but does not end with '/'"),
    ],
)
def test_wrong_field_security(text: str, expected: str) -> None:
    values = Values()
    field_security(values, entry(text))
    assert texts(values) == [f"f.yml:{expected}"]
