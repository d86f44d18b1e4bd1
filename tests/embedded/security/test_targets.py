"""Index names in bodies."""

import json

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.security.targets import body_targets


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_bulk() -> None:
    body = lines(
        {"index": {"_index": "a"}}, {"x": 1}, {"create": {}}, {"x": 1}, {"delete": {"_index": "b", "_id": "1"}},
        {"update": {"_index": "c", "_id": "1"}}, {"doc": {}}, {"index": {"_index": "a"}}, {"delete": {"_index": "no"}},
    ) + b"\n" + lines({"delete": {"_index": "e"}})  # fmt: skip
    assert body_targets("bulk", body, "d") == [
        ("indices:data/write/index", "a"),
        ("indices:data/write/index", "d"),
        ("indices:data/write/delete", "b"),
        ("indices:data/write/update", "c"),
        ("indices:data/write/delete", "e"),
    ]


def test_msearch() -> None:
    body = lines({"index": "a,b"}, {}, {"index": ["c"]}, {}) + b"\n{}\n"
    assert [name for _, name in body_targets("msearch", body, None)] == ["a", "b", "c", "*"]


def test_reindex() -> None:
    body = json.dumps({"source": {"index": ["a", "b"]}, "dest": {"index": "c"}}).encode()
    assert body_targets("reindex", body, None) == [
        ("indices:data/read/search", "a"),
        ("indices:data/read/search", "b"),
        ("indices:data/write/index", "c"),
    ]


def test_aliases() -> None:
    body = json.dumps(
        {"actions": [{"add": {"index": "a", "alias": "x"}}, {"remove_index": {"indices": ["b"]}}]}
    ).encode()
    assert body_targets("aliases", body, None) == [
        ("indices:admin/aliases", "a"),
        ("indices:admin/aliases", "x"),
        ("indices:admin/delete", "b"),
    ]


@pytest.mark.parametrize(
    ("kind", "body"), [("bulk", b"{\n"), ("bulk", b'{"what": {}}\n'), ("reindex", b"{}"), ("aliases", b"[]")]
)
def test_what_is_not_understood_is_not_let_through(kind: str, body: bytes) -> None:
    with pytest.raises(Failure, match="Malformed body"):
        body_targets(kind, body, None)
