"""Mappings in which equal definitions are one object."""

import json
from typing import Any

import msgspec
import pytest

from proxy.cluster.definitions import Definitions, settings


def entry(**mapping: Any) -> bytes:
    """An entry of `GET _mapping`."""
    return json.dumps({"mappings": mapping}).encode()


def test_a_mapping_is_what_json_says() -> None:
    mapping = {
        "dynamic": "strict",
        "_meta": {"a": [1, 2.5, None]},
        "dynamic_templates": [{"x": {"mapping": {"type": "long"}}}],
        "properties": {"": {"type": "long"}, "a.b": {"properties": {"ü": {"type": "ip"}}}, "n": None},
        "runtime": {"r": {"type": "keyword", "script": {"source": 'emit("x")'}}},
    }
    assert Definitions().mapping(entry(**mapping)) == mapping


@pytest.mark.parametrize("raw", [b"{}", b'{"mappings":{}}', b'{"other":{"properties":1}}'])
def test_no_mapping_is_an_empty_one(raw: bytes) -> None:
    assert Definitions().mapping(raw) == {}


def test_equal_definitions_and_names_are_one_object() -> None:
    definitions = Definitions()
    first = definitions.mapping(entry(properties={"a field": {"type": "long"}, "b": {"type": "ip"}}))
    second = definitions.mapping(entry(runtime={"r": {"type": "ip"}}, properties={"a field": {"type": "long"}, "c": 1}))
    assert first["properties"]["a field"] is second["properties"]["a field"]
    assert first["properties"]["b"] is second["runtime"]["r"]
    assert next(iter(first["properties"])) is next(iter(second["properties"]))


def test_what_is_no_table_is_left_to_the_merge() -> None:
    assert Definitions().mapping(entry(properties=[1], runtime="x")) == {"properties": [1], "runtime": "x"}


@pytest.mark.parametrize(
    "raw", [b'{"mappings":[1]}', b'{"mappings":null}', b'{"mappings":{"properties":{"a":}}}', b"[]"]
)
def test_what_is_not_understood_is_told(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Definitions().mapping(raw)


def test_settings_are_flat() -> None:
    assert settings(b'{"settings":{"index.number_of_shards":"2"}}') == {"index.number_of_shards": "2"}
    assert settings(b"{}") == {}
    with pytest.raises(msgspec.DecodeError):
        settings(b'{"settings":[]}')
