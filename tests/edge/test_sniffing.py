"""Sniffing answers: which requests they answer, what is rewritten, and that nothing else is touched."""

import gzip
import json
from typing import Any

import pytest

from proxy.edge.sniffing import ANSWER_BYTES, CannotRewrite, own_address, rewritten, sniffs
from proxy.wire.chunks import LAST_CHUNK, encode_chunk
from tests.edge.rig import Message, Rig, Script, Wire, answer

NODES: dict[str, Any] = {
    "_nodes": {"total": 1, "successful": 1, "failed": 0},
    "cluster_name": "süd",
    "nodes": {
        "a": {
            "name": "a",
            "roles": ["data"],
            "http": {
                "bound_address": ["[::]:9200", "10.0.0.1:9200"],
                "publish_address": "es-1/10.0.0.1:9200",
                "max_content_length_in_bytes": 104857600,
            },
        },
        "b": {"name": "b"},
    },
}
JSON = "content-type: application/json"
SNIFF = b"GET /_nodes/_all/http HTTP/1.1\r\nHost: proxy.example.org:9400\r\nAccept-Encoding: gzip\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "yes"),
    [
        (b"GET", b"/_nodes/http", True),
        (b"GET", b"/_nodes/_all/http", True),
        (b"GET", b"/_nodes/_all/http?timeout=1s", True),
        (b"GET", b"/_nodes/http,settings?flat_settings&filter_path=nodes.*.http", True),
        (b"GET", b"/_nodes/data:true/http/", True),
        (b"POST", b"/_nodes/http", False),
        (b"HEAD", b"/_nodes/http", False),
        (b"GET", b"/_nodes", False),
        (b"GET", b"/_nodes/stats", False),
        (b"GET", b"/_nodes/a/b/http", False),
        (b"GET", b"/index/_doc/http", False),
    ],
)
def test_what_sniffing_clients_send(method: bytes, target: bytes, yes: bool) -> None:
    assert sniffs(method, target) is yes


@pytest.mark.parametrize(
    ("section", "local", "secure", "own"),
    [
        (b"\nHost: es.example.org:9400\r", ("10.0.0.9", 1), False, "es.example.org:9400"),
        (b"\nA: b\r\nhost:es.example.org\r", ("10.0.0.9", 1), True, "es.example.org:443"),
        (b"\nHost: [2001:db8::1]\r", ("10.0.0.9", 1), False, "[2001:db8::1]:80"),
        (b"\nHost: \r", ("10.0.0.9", 9400), False, "10.0.0.9:9400"),
        (b"", ("::1", 9400, 0, 0), False, "[::1]:9400"),
        (b"", None, False, "127.0.0.1:0"),
    ],
)
def test_where_the_client_reached_us(section: bytes, local: object, secure: bool, own: str) -> None:
    assert own_address(section, local, secure=secure) == own


def test_addresses_are_replaced_and_nothing_else() -> None:
    got = json.loads(rewritten(json.dumps(NODES).encode(), "me:1"))
    expected = json.loads(json.dumps(NODES))
    expected["nodes"]["a"]["http"] |= {"publish_address": "me:1", "bound_address": ["me:1"]}
    assert got == expected


def test_what_was_filtered_out_stays_out() -> None:
    only = {"nodes": {"a": {"http": {"publish_address": "10.0.0.1:9200"}}}}
    assert json.loads(rewritten(json.dumps(only).encode(), "me:1")) == {
        "nodes": {"a": {"http": {"publish_address": "me:1"}}}
    }
    assert rewritten(b"{}", "me:1") == b"{}"


def test_half_a_surrogate_pair_stays_one() -> None:
    assert rewritten(rb'{"cluster_name":"\ud800"}', "me:1") == rb'{"cluster_name":"\ud800"}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"---\nnodes:",
        b"[]",
        b"[" * 100_000,
        b'{"nodes": []}',
        b'{"nodes": {"a": 1}}',
        b'{"nodes": {"a": {"http": 1}}}',
    ],
)
def test_other_shapes_are_not_guessed_at(body: bytes) -> None:
    with pytest.raises(CannotRewrite):
        rewritten(body, "me:1")


def says(data: bytes) -> Script:
    """Answers every request with these bytes."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.message()
            await wire.send(data)

    return script


async def asked(rig: Rig, data: bytes, request: bytes = SNIFF, sniffing: str = "rewrite") -> tuple[Message, Message]:
    """What reached the node and what the client got, which is served once more after that."""
    upstream = await rig.upstream(says(data))
    edge = await rig.edge(upstream, sniffing=sniffing)
    client = await edge.connect(limit=1 << 24)
    await client.send(request)
    got = await client.message()
    if got.status == 200:
        await client.send(request)
        assert (await client.message()).body == got.body
        assert len(upstream.wires) == 1, "both connections live on"
    return upstream.requests[0], got


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_client_is_told_the_proxys_address(rig: Rig, chunked: bool) -> None:
    body = json.dumps(NODES).encode()
    data = answer(body, "200 OK", JSON, "X-elastic-product: Elasticsearch")
    if chunked:
        head = b"HTTP/1.1 200 OK\r\n" + JSON.encode() + b"\r\nX-elastic-product: Elasticsearch\r\n"
        data = (
            head
            + b"transfer-encoding: chunked\r\n\r\n"
            + encode_chunk(body[:50])
            + encode_chunk(body[50:])
            + LAST_CHUNK
        )
    reached, got = await asked(rig, data)
    assert reached.values(b"accept-encoding") == []
    assert json.loads(got.body)["nodes"]["a"]["http"]["publish_address"] == "proxy.example.org:9400"
    assert b"10.0.0.1" not in got.body
    assert (got.values(b"x-elastic-product"), got.values(b"content-length")) == (
        [b"Elasticsearch"],
        [b"%d" % len(got.body)],
    )


@pytest.mark.parametrize(
    "data",
    [
        answer(json.dumps(NODES).encode(), "200 OK", "content-type: application/yaml"),
        answer(gzip.compress(json.dumps(NODES).encode()), "200 OK", JSON, "content-encoding: gzip"),
        answer(b"10.0.0.1:9200", "200 OK", JSON),
        answer(b'{"nodes": {"a": "' + b"10.0.0.1" * (ANSWER_BYTES // 8) + b'"}}', "200 OK", JSON),
    ],
    ids=["yaml", "packed", "no JSON", "too large"],
)
async def test_what_cannot_be_rewritten_is_not_passed_on(rig: Rig, data: bytes) -> None:
    _, got = await asked(rig, data)
    assert got.status == 502
    assert "cannot be rewritten" in json.loads(got.body)["error"]["reason"]
    assert b"10.0.0.1" not in got.body


async def test_errors_pass_as_they_are(rig: Rig) -> None:
    _, got = await asked(rig, answer(b'{"error": "no"}', "401 Unauthorized", JSON))
    assert (got.status, got.body) == (401, b'{"error": "no"}')


async def test_without_the_setting_and_for_other_requests_nothing_is_touched(rig: Rig) -> None:
    data = answer(json.dumps(NODES).encode(), "200 OK", JSON)
    reached, got = await asked(rig, data, sniffing="pass")
    assert (reached.values(b"accept-encoding"), json.loads(got.body)) == ([b"gzip"], NODES)
    reached, got = await asked(rig, data, SNIFF.replace(b"/_nodes/_all/http", b"/index/_search"))
    assert (reached.values(b"accept-encoding"), json.loads(got.body)) == ([b"gzip"], NODES)
