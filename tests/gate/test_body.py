"""The small body of a start: an object with at most an id and a timeout, in any of the formats, or refused."""

import gzip
import json
import time
import zlib
from collections.abc import Mapping
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PlainRefusal, Refusal
from proxy.gate.body import INFLATED_LIMIT_BYTES, body_fields, inflated
from tests.gate.fakes import tried

ACTION = "cluster:admin/xpack/ml/data_frame/analytics/start"
JSON, YAML, CBOR = "application/json", "application/yaml", "application/cbor"
FIELDS = {"id": "job", "timeout": "30s"}


def refused(body: bytes, *content_types: str, parameters: Mapping[str, str] | None = None) -> Refusal:
    with pytest.raises(Refusal) as raised:
        body_fields(body, content_types, parameters or {})
    return raised.value


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "application/json; charset=UTF-8",
        " Application/JSON ",
        "application/x-ndjson",
        "application/vnd.elasticsearch+json;compatible-with=8",
        "application/vnd.elasticsearch+x-ndjson",
    ],
)
def test_json_is_read_under_all_its_names(content_type: str) -> None:
    assert body_fields(json.dumps(FIELDS).encode(), [content_type], {}) == FIELDS


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"---\nid: job\ntimeout: 30s\n", YAML),
        (b'{id: "job", timeout: 30s}', "application/vnd.elasticsearch+yaml;compatible-with=8"),
        (cbor2.dumps(FIELDS), CBOR),
        (b"\xbfbidcjobgtimeoutc30s\xff", "application/vnd.elasticsearch+cbor"),
        (json.dumps(FIELDS).encode("utf-16"), JSON),
    ],
)
def test_other_formats_are_read(body: bytes, content_type: str) -> None:
    assert body_fields(body, [content_type], {}) == FIELDS


@pytest.mark.parametrize("body", [b"{}", b'{"id":"job"}', b'{"timeout":"1m"}'])
def test_every_field_is_optional(body: bytes) -> None:
    assert body_fields(body, [JSON], {}) == json.loads(body)


@pytest.mark.parametrize("content_types", [[], [JSON], ["text/plain"]])
def test_no_body_is_none(content_types: list[str]) -> None:
    assert body_fields(b"", content_types, {}) is None


def test_a_body_without_a_content_type_is_refused() -> None:
    refusal = refused(b"{}")
    assert isinstance(refusal, PlainRefusal)
    assert refusal.body() == {"error": "Content-Type header [] is not supported", "status": 406}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    refusal = refused(b"{}", content_type)
    assert refusal.body() == {"error": f"Content-Type header [{content_type}] is not supported", "status": 406}


@pytest.mark.parametrize("content_type", ["json", "/json", "a b/c", "application/"])
def test_what_is_no_media_type_is_refused(content_type: str) -> None:
    refusal = refused(b"{}", content_type)
    assert (refusal.status, refusal.type) == (400, "media_type_header_exception")
    assert refusal.reason == "Invalid media-type value on headers [Content-Type]"
    assert refusal.caused_by == {
        "type": "illegal_argument_exception",
        "reason": f"invalid media-type [{content_type}]",
    }


@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize("content_types", [[JSON, JSON], [JSON, "text/plain"], [""], [" "]])
def test_content_types_that_are_twofold_or_empty_are_refused(body: bytes, content_types: list[str]) -> None:
    refusal = refused(body, *content_types)
    assert (refusal.status, refusal.type) == (400, "media_type_header_exception")
    assert refusal.reason.startswith("Invalid media-type value on headers [Content-Type]")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", JSON),
        (b"\xff", JSON),
        (b'{"id":"a","id":"a"}', JSON),
        (b"[" * 100_000, JSON),
        (b'{"id":' + b"9" * 5000 + b"}", JSON),
        (b"id: a\nid: a", YAML),
        (b"id: [", YAML),
        (b"\x00", YAML),
        (b"*nowhere", YAML),
        (b"[" * 50_000, YAML),
        (b"? [a]\n: b", YAML),
        (b"id: a\n---\nid: b", YAML),
        (b"\xa2bid", CBOR),
        (b"\xff", CBOR),
        (b"\x81" * 50_000, CBOR),
        (b"\xd8\x1e\x82\x01\x00", CBOR),
        (b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff", CBOR),
    ],
)
def test_what_cannot_be_parsed_is_refused(body: bytes, content_type: str) -> None:
    refusal = refused(body, content_type)
    assert (refusal.status, refusal.type) == (400, "x_content_parse_exception")
    assert refusal.reason == f"[1:1] [{ACTION}] body cannot be parsed"


@pytest.mark.parametrize(
    ("body", "content_type", "token"),
    [
        (b"[]", JSON, "START_ARRAY"),
        (b'"id"', JSON, "VALUE_STRING"),
        (b"1", JSON, "VALUE_NUMBER"),
        (b"true", JSON, "VALUE_BOOLEAN"),
        (b"null", JSON, "VALUE_NULL"),
        (b"- a", YAML, "START_ARRAY"),
        (b"a", YAML, "VALUE_NULL"),
        (b"\n", YAML, "VALUE_NULL"),
        (b"\x80", CBOR, "START_ARRAY"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, content_type: str, token: str) -> None:
    assert refused(body, content_type).reason == f"[1:1] [{ACTION}] Expected START_OBJECT but was: {token}"


@pytest.mark.parametrize(
    ("body", "content_type", "name"),
    [
        (b'{"x":1}', JSON, "x"),
        (b'{"ID":"job"}', JSON, "ID"),
        (b'{"":""}', JSON, ""),
        (b'{"\\ud800":""}', JSON, "\ufffd"),
        (b"x: 1", YAML, "x"),
        (b"1: 1", YAML, "1"),
        (b"<<: {id: job}", YAML, "<<"),
        (b"\xa1\x01\x01", CBOR, "VALUE_NUMBER"),
        (b"\xa1\xc2\x59\x20\x00" + b"\xff" * 0x2000 + b"\x01", CBOR, "VALUE_NUMBER"),
        (b"\xa1\x81\x01\x01", CBOR, "VALUE_NULL"),
    ],
)
def test_unknown_fields_are_refused_by_name(body: bytes, content_type: str, name: str) -> None:
    refusal = refused(body, content_type)
    assert (refusal.status, refusal.type) == (400, "x_content_parse_exception")
    assert refusal.reason == f"[1:2] [{ACTION}] unknown field [{name}]"


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("1", "VALUE_NUMBER"),
        ("1.5", "VALUE_NUMBER"),
        ("true", "VALUE_BOOLEAN"),
        ("null", "VALUE_NULL"),
        ("[]", "START_ARRAY"),
        ("{}", "START_OBJECT"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, YAML])
@pytest.mark.parametrize("name", ["id", "timeout"])
def test_fields_are_texts(name: str, value: str, token: str, content_type: str) -> None:
    refusal = refused(f'{{"{name}": {value}}}'.encode(), content_type)
    assert refusal.reason == f"[1:2] [{ACTION}] {name} doesn't support values of type: {token}"


def test_half_a_surrogate_pair_does_not_get_into_answers_and_records() -> None:
    fields = body_fields(b'{"id":"a\\ud800b","timeout":"\\ud83d\\ude00"}', [JSON], {})
    assert fields == {"id": "a\ufffdb", "timeout": "\U0001f600"}


def bomb() -> bytes:
    """Merge keys that double at each level: 2^400 entries for who constructs them."""
    levels = [b"l0: &l0 {a: b}"]
    levels += [f"l{n}: &l{n} {{<<: [*l{n - 1}, *l{n - 1}], k{n}: v}}".encode() for n in range(1, 400)]
    return b"\n".join(levels)


@pytest.mark.parametrize(
    "body", [bomb(), bomb().replace(b"{", b"\n  ").replace(b"}", b""), b"[" * 4000, b"? " * 30_000]
)
def test_a_small_body_does_not_cost_much_time(body: bytes) -> None:
    begun = time.process_time()
    assert refused(body, YAML).type == "x_content_parse_exception"
    assert time.process_time() - begun < 2.0, "a slow machine included"


SOURCE = {"source": '{"timeout":"5s"}', "source_content_type": JSON}


def test_a_source_parameter_stands_in_for_a_body() -> None:
    assert body_fields(b"", [], SOURCE) == {"timeout": "5s"}
    assert body_fields(b"{}", [JSON], SOURCE) == {}


def test_a_source_parameter_needs_its_content_type() -> None:
    refusal = refused(b"", parameters={"source": "{}"})
    assert refusal.reason == "source and source_content_type parameters are required"
    assert refused(b"", parameters=SOURCE | {"source_content_type": "text/plain"}).status == 406


DEFLATED = zlib.compress(b'{"id":"job"}')
GZIPPED = gzip.compress(b'{"id":"job"}', mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "plain"),
    [
        (b"", "br", b""),
        (b"{}", None, b"{}"),
        (b"{}", "identity", b"{}"),
        (GZIPPED, "gzip", b'{"id":"job"}'),
        (GZIPPED, "X-GZIP", b'{"id":"job"}'),
        (DEFLATED, "deflate", b'{"id":"job"}'),
        (gzip.compress(b" " * INFLATED_LIMIT_BYTES, mtime=0), "gzip", b" " * INFLATED_LIMIT_BYTES),
    ],
)
def test_compressed_bodies_are_inflated(body: bytes, encoding: str | None, plain: bytes) -> None:
    assert inflated(body, encoding) == plain


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"{}", "br", 415, "Content-Encoding [br] is not supported"),
        (b"{}", "gzip, gzip", 415, "Content-Encoding [gzip, gzip] is not supported"),
        (b"{}", "gzip", 400, "the body is not gzip data: "),
        (GZIPPED[:-1], "gzip", 400, "the body is cut off gzip data"),
        (DEFLATED[:5], "Deflate", 400, "the body is cut off deflate data"),
        (
            gzip.compress(b" " * (INFLATED_LIMIT_BYTES + 1), mtime=0),
            "gzip",
            413,
            "the body of a start is limited to 65536 bytes",
        ),
        (gzip.compress(b"x" * 50_000_000, mtime=0), "gzip", 413, "the body of a start is limited to 65536 bytes"),
    ],
)
def test_what_does_not_inflate_is_refused(body: bytes, encoding: str, status: int, reason: str) -> None:
    with pytest.raises(Refusal) as raised:
        inflated(body, encoding)
    assert raised.value.status == status
    assert raised.value.reason.startswith(reason)


def any_json() -> st.SearchStrategy[Any]:
    texts = st.text(st.characters(exclude_categories=()), max_size=8)
    plain = st.none() | st.booleans() | st.integers() | st.floats() | texts
    names = st.sampled_from(["id", "timeout"]) | texts
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@given(
    st.one_of(any_json().map(lambda value: json.dumps(value).encode()), st.binary(max_size=64)),
    st.sampled_from([JSON, YAML, CBOR]),
)
def test_any_bytes_are_fields_or_a_refusal(body: bytes, content_type: str) -> None:
    """Never anything but None, texts by known names that can be encoded, or a Refusal with 400 and a text."""
    read = tried(lambda: body_fields(body, [content_type], {}))
    if isinstance(read, Refusal):
        assert read.status == 400
        assert read.reason.encode()
    else:
        assert read is None or all(name in FIELDS and value.encode() is not None for name, value in read.items())
