import json

import cbor2
import pytest
import yaml

from proxy.embedded.core import media
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.media import JSON, Media
from tests.embedded.core.support import Json

V8 = "application/vnd.elasticsearch+json;compatible-with=8"


@pytest.mark.parametrize(
    ("content_type", "accept", "format", "wanted"),
    [
        (None, None, None, "application/json"),
        ("application/json", None, None, "application/json"),
        ("application/json; charset=UTF-8", None, None, "application/json"),
        ("application/yaml", None, None, "application/yaml"),
        ("application/yaml", "*/*", None, "application/yaml"),
        ("application/yaml", "application/*", None, "application/json"),
        ("application/x-ndjson", None, None, "application/json"),
        (None, "application/yaml", None, "application/yaml"),
        (None, "application/cbor", None, "application/cbor"),
        (None, "text/html", None, "application/json"),
        (None, "text/html, application/yaml", None, "application/json"),
        (None, "application/json", "yaml", "application/yaml"),
        (None, "application/yaml", "foo", "application/yaml"),
        (None, V8, None, V8),
        (None, V8.replace("8", "7"), None, V8.replace("8", "7")),
        (None, "application/vnd.elasticsearch+json", None, "application/vnd.elasticsearch+json"),
        (None, "application/vnd.elasticsearch+json;charset=utf-8", None, "application/vnd.elasticsearch+json"),
        (V8, V8, "yaml", "application/vnd.elasticsearch+yaml;compatible-with=8"),
    ],
)
def test_the_form_of_answers(content_type: str | None, accept: str | None, format: str | None, wanted: str) -> None:
    found = media.negotiate(content_type, accept, has_body=content_type is not None, format=format)
    assert found.answer.header() == wanted


@pytest.mark.parametrize(
    ("content_type", "accept", "piece"),
    [
        ("foo", None, "invalid media-type [foo]"),
        ("application/json; x", None, "invalid media-type"),
        (None, "foo", "invalid media-type [foo]"),
        (None, V8.replace("8", "9"), "Accept version must be either version 8 or 7, but found 9"),
        (V8.replace("8", "6"), V8, "Content-Type version must be either version 8 or 7, but found 6"),
        (V8, None, "A compatible version is required on both"),
        ("application/json", V8, "A compatible version is required on both"),
        (V8, V8.replace("8", "7"), "and the compatible versions must match"),
    ],
)
def test_headers_that_are_refused(content_type: str | None, accept: str | None, piece: str) -> None:
    with pytest.raises(ElasticError) as caught:
        media.negotiate(content_type, accept, has_body=content_type is not None, format=None)
    assert caught.value.type == "media_type_header_exception"
    assert caught.value.root() is caught.value
    assert caught.value.cause is not None
    assert piece in caught.value.cause.reason


@pytest.mark.parametrize(
    ("version", "serves", "taken"), [(9, (9, 8), True), (8, (9, 8), True), (7, (9, 8), False), (9, (8, 7), False)]
)
def test_the_versions_that_a_cluster_serves(version: int, serves: tuple[int, int], taken: bool) -> None:
    asked = f"application/vnd.elasticsearch+json;compatible-with={version}"
    if taken:
        found = media.negotiate(asked, asked, has_body=True, format=None, serves=serves)
        assert found.answer.compatible == version
        return
    with pytest.raises(ElasticError) as fault:
        media.negotiate(asked, asked, has_body=True, format=None, serves=serves)
    assert f"must be either version {serves[0]} or {serves[1]}, but found {version}" in str(fault.value.body())


def test_a_version_of_a_body_that_is_not_there_does_not_matter() -> None:
    assert media.negotiate(V8, None, has_body=False, format=None).body == Media("json", True, 8)


@pytest.mark.parametrize(
    ("content_type", "body", "wanted"),
    [
        (None, None, "Content-Type header [] is not supported"),
        ("text/plain", None, "Content-Type header [text/plain] is not supported"),
        ("application/json", JSON, None),
    ],
)
def test_bodies_that_cannot_be_read(content_type: str | None, body: Media | None, wanted: str | None) -> None:
    assert media.unreadable(content_type, body) == wanted


VALUE: Json = {"a": "x: y", "b": [1, 2.5, None, True], "c": {}, "d": [], "e": "multi\nline", "f": {"g.h": "ü"}}


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize(
    ("format", "load"), [("json", json.loads), ("yaml", yaml.safe_load), ("cbor", cbor2.loads), ("ndjson", json.loads)]
)
def test_every_form_reads_back(format: str, load: Json, pretty: bool) -> None:
    body = media.encode(Media(format), VALUE, pretty=pretty)
    assert load(body) == VALUE
    assert media.decode(Media(format), body) == VALUE


def test_yaml_looks_as_elasticsearch_writes_it() -> None:
    shared = {"x": "y"}
    text = media.encode(Media("yaml"), {"a": {}, "b": [shared, shared], "c": 1, "d": []}, pretty=False).decode()
    assert text == '---\na: {}\nb:\n- x: "y"\n- x: "y"\nc: 1\nd: []\n'


def test_pretty_json_ends_its_line() -> None:
    assert media.encode(JSON, {"a": 1}, pretty=True) == b'{\n  "a" : 1\n}\n'


@pytest.mark.parametrize(
    ("format", "body"), [("json", b"\xff"), ("json", b"{"), ("yaml", b"{a: ]"), ("cbor", b"\xff\xff"), ("cbor", b"")]
)
def test_bodies_that_do_not_parse(format: str, body: bytes) -> None:
    with pytest.raises(ElasticError) as caught:
        media.decode(Media(format), body)
    assert caught.value.status == 400
    assert caught.value.type == "x_content_parse_exception"
