"""Requests: headers, body forms, unknown fields."""

import gzip
import zlib

import cbor2
import pytest

from proxy.embedded.backend import Call
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.failure import Failure, Plain
from proxy.embedded.request import Request


def request(body: bytes = b"", *headers: tuple[str, str], target: str = "/a%20b?x=1;y=a+b") -> Request:
    return Request(Call(method="POST", target=target, headers=headers, body=body), {})


def test_target_and_headers() -> None:
    asked = request(b"", ("X-A", "1"), ("x-a", "2"))
    assert asked.path == "/a b"
    assert asked.query == {"x": "1", "y": "a b"}
    assert asked.header("x-A") == "1"
    assert asked.header("none") is None
    assert asked.params is asked.params


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}', [("Content-Type", "application/json; charset=utf-8")]),
        (
            b'{"a": 1}',
            [
                ("content-type", "application/vnd.elasticsearch+json;compatible-with=8"),
                ("accept", "application/vnd.elasticsearch+json;compatible-with=8"),
            ],
        ),
        (b"a: 1\n", [("Content-Type", "application/yaml")]),
        (cbor2.dumps({"a": 1}), [("Content-Type", "application/cbor")]),
        (gzip.compress(b'{"a": 1}', mtime=0), [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]),
        (zlib.compress(b'{"a": 1}'), [("Content-Type", "application/json"), ("Content-Encoding", "deflate")]),
    ],
)
def test_bodies_in_every_form(body: bytes, headers: list[tuple[str, str]]) -> None:
    assert request(body, *headers).record() == {"a": 1}


def test_no_body_is_none_whatever_its_type() -> None:
    assert request(b"").content() is None
    assert request(b"", ("content-type", "text/plain")).record() is None


@pytest.mark.parametrize(
    ("headers", "text"),
    [([], "Content-Type header"), ([("content-type", "text/plain")], r"\[text/plain\] is not supported")],
)
def test_types_not_taken(headers: list[tuple[str, str]], text: str) -> None:
    with pytest.raises(Plain, match=text) as caught:
        request(b"{}", *headers).content()
    assert caught.value.status == 406


def test_broken_bodies() -> None:
    json = ("content-type", "application/json")
    with pytest.raises(ElasticError):
        request(b"{", json).content()
    with pytest.raises(Failure, match="START_OBJECT"):
        request(b"[]", json).record()
    with pytest.raises(Failure, match="decompress"):
        request(b"{}", json, ("content-encoding", "gzip")).content()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"ids": 1}', "[1:2] [p] unknown field [ids] did you mean [id]?"),
        (b'{\n "zzzz": 1}', "[2:2] [p] unknown field [zzzz]"),
    ],
)
def test_unknown_fields_are_named_with_their_place(body: bytes, text: str) -> None:
    asked = request(body, ("content-type", "application/json"))
    with pytest.raises(Failure) as caught:
        asked.refuse_unknown(asked.record() or {}, ("id", "timeout"), "p")
    assert caught.value.reason == text


def test_known_fields_pass() -> None:
    request(b"{}").refuse_unknown({"id": 1}, ("id",), "p")
