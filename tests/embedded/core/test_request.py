import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core import request
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.request import Request, parse_query, split_target, unescape
from tests.embedded.core.support import Json


def asked(query: str = "", body: bytes = b"") -> Request:
    return Request(method="GET", path="/x", query=parse_query(query), body=body)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [("/a?b=c", "/a", "b=c"), ("/a", "/a", ""), ("/a#b", "/a#b", ""), ("/a??b", "/a", "?b"), ("", "", "")],
)
def test_paths_end_at_the_first_question_mark(target: str, path: str, query: str) -> None:
    assert split_target(target) == (path, query)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=1#b=2", {"a": "1"}),
        ("a=x+y%20z%2B", {"a": "x y z+"}),
        ("%61=1", {"a": "1"}),
        ("&&a=1&", {"a": "1"}),
        ("a=%%", {"a": "%"}),
    ],
)
def test_queries(query: str, wanted: dict[str, str]) -> None:
    assert parse_query(query) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%zz", "invalid escape sequence `%zz' at index 0 of: %zz"),
        ("ab%4", "partial escape sequence at end of string: ab%4"),
        ("ab%", "unterminated escape sequence at end of string: ab%"),
        ("a%+1", "invalid escape sequence `%+1' at index 1 of: a%+1"),
    ],
)
def test_broken_escapes(text: str, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        unescape(text)
    assert caught.value.reason == reason
    with pytest.raises(ElasticError) as wrapped:
        parse_query("q=%zz")
    assert wrapped.value.type == "bad_parameter_exception"


@given(st.text())
def test_percent_encoding_reads_back(text: str) -> None:
    from urllib.parse import quote

    assert unescape(quote(text, safe="", errors="replace")) == text.encode("utf-8", "replace").decode()


def test_plus_is_a_space_only_in_queries() -> None:
    assert unescape("a+b") == "a+b"
    assert unescape("a+b", plus_as_space=True) == "a b"


@pytest.mark.parametrize(
    ("query", "wanted"), [("", None), ("f", True), ("f=", True), ("f=true", True), ("f=false", False)]
)
def test_flags(query: str, wanted: bool | None) -> None:
    assert asked(query).flag("f", default=True) is (True if wanted is None else wanted)
    assert asked(query).flag("f") is (False if wanted is None else wanted)


def test_flags_that_are_none() -> None:
    with pytest.raises(ElasticError) as caught:
        asked("f=1").flag("f")
    assert caught.value.reason == "Could not convert [f] to boolean"
    with pytest.raises(ElasticError) as plain:
        request.boolean("1")
    assert plain.value.reason == "Failed to parse value [1] as only [true] or [false] are allowed."


def test_numbers() -> None:
    assert asked("n=-3").number("n") == -3
    assert asked().number("n", 7) == 7
    with pytest.raises(ElasticError) as caught:
        asked("n=x").number("n")
    assert caught.value.reason == "Failed to parse int parameter [n] with value [x]"


def test_names_skip_empty_parts() -> None:
    assert asked("n=a,,b,").names("n") == ["a", "b"]
    assert asked().names("n") == []


@pytest.mark.parametrize(
    ("query", "body", "wanted"),
    [("", b'{"a":1}', {"a": 1}), ("source={}", b"", {}), ("source=[]", b'{"b":2}', {"b": 2})],
)
def test_bodies(query: str, body: bytes, wanted: Json) -> None:
    assert asked(query, body).object() == wanted


def test_bodies_that_are_missing_or_no_object() -> None:
    assert asked().object(required=False) == {}
    with pytest.raises(ElasticError) as missing:
        asked().object()
    assert missing.value.reason == "request body is required"
    with pytest.raises(ElasticError) as other:
        asked(body=b"[1]").object()
    assert other.value.status == 500


def test_parts_of_the_path() -> None:
    one = Request(method="GET", path="/a", path_values={"index": "a"})
    assert one.part("index") == "a"
    assert one.part("id", "none") == "none"
    assert one.text() == ""
    assert one.param("x") is None
