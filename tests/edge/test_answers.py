"""Errors of our own are Elasticsearch's in shape."""

import json

import pytest

from proxy.edge.answers import error_answer
from tests.wire.peers import h11_answer


@pytest.mark.parametrize("status", [400, 408, 414, 431, 501, 502, 503, 504, 505])
def test_shape(status: int) -> None:
    read = h11_answer(error_answer(status, "some_exception", "because"), b"GET")
    assert (read.start[0], read.done) == (str(status).encode(), True)
    assert json.loads(read.body) == {
        "error": {
            "root_cause": [{"type": "some_exception", "reason": "because"}],
            "type": "some_exception",
            "reason": "because",
        },
        "status": status,
    }
    assert dict(read.headers)[b"content-type"] == b"application/json"


def test_head_only_has_the_length_without_the_body() -> None:
    whole, head = error_answer(503, "a", "b"), error_answer(503, "a", "b", head_only=True)
    assert whole.startswith(head)
    assert head.endswith(b"\r\n\r\n")
    assert f"content-length: {len(whole) - len(head)}".encode() in head


@pytest.mark.parametrize(
    ("minor", "keep_alive", "connection"),
    [(1, True, None), (1, False, b"close"), (0, True, b"keep-alive"), (0, False, b"close")],
)
def test_connection(minor: int, keep_alive: bool, connection: bytes | None) -> None:
    read = h11_answer(error_answer(503, "a", "b", minor=minor, keep_alive=keep_alive), b"GET")
    assert dict(read.headers).get(b"connection") == connection


def test_added_headers() -> None:
    read = h11_answer(error_answer(503, "a", "b", headers=[("X-Startgate-Receipt", "r")]), b"GET")
    assert dict(read.headers)[b"x-startgate-receipt"] == b"r"
