"""The embedded cluster on a real socket."""

import asyncio
import gzip
import ssl
import time
import zlib

import aiohttp
import pytest
import trustme
from aiohttp.test_utils import TestClient, TestServer

from proxy.embedded.app import Cluster, basic, make_app, serve_embedded
from proxy.embedded.backend import Answer, Call
from proxy.embedded.security.identity import FILE
from proxy.embedded.security.store import Security


class Echo:
    """Answers with the target; tells whether it was closed."""

    def __init__(self) -> None:
        self.closed = False
        self.calls: list[Call] = []

    async def call(self, call: Call) -> Answer:
        self.calls.append(call)
        length = (("Content-Length", "77"),) if call.method == "HEAD" else ()
        return Answer(status=200, headers=(("X-A", "1"), ("x-a", "2"), *length), body=call.target.encode())

    async def close(self) -> None:
        self.closed = True


async def raw(cluster: Cluster, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(cluster.host, cluster.port)
    writer.write(request)
    answered = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answered


@pytest.mark.parametrize(
    ("encoding", "sent", "wanted"),
    [
        ("gzip", gzip.compress(b"plain"), b"plain"),
        ("deflate", zlib.compress(b"plain"), b"plain"),
        ("gzip", b"not gzip", b"not gzip"),
        ("br", b"\x0b", b"\x0b"),
    ],
    ids=["gzip", "deflate", "broken", "unknown"],
)
async def test_compressed_bodies_are_read(encoding: str, sent: bytes, wanted: bytes) -> None:
    backend = Echo()
    async with serve_embedded(backend=backend, security=False) as cluster:
        head = f"POST /a HTTP/1.1\r\nHost: h\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(sent)}\r\n"
        await raw(cluster, head.encode() + b"Connection: close\r\n\r\n" + sent)
    [call] = backend.calls
    assert call.body == wanted
    names = [name.lower() for name, _ in call.headers]
    assert ("content-encoding" in names) is (wanted == sent)


async def test_requests_are_kept_as_they_came() -> None:
    backend = Echo()
    async with serve_embedded(backend=backend, security=False) as cluster:
        answered = await raw(
            cluster,
            b"POST /a%2Fb?x=%20+y;z HTTP/1.1\r\nHost: h\r\nX-ONE: 1\r\nx-one: 2\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n\x1f\x8b",
        )
        [call] = cluster.calls
    assert answered.endswith(b"\r\n\r\n/a%2Fb?x=%20+y;z")
    assert b"X-A: 1\r\nx-a: 2\r\n" in answered
    assert b"Date:" not in answered
    assert b"Server:" not in answered
    assert (call.method, call.target, call.body) == ("POST", "/a%2Fb?x=%20+y;z", b"\x1f\x8b")
    assert call.header_names == ("Host", "X-ONE", "x-one", "Content-Encoding", "Content-Length", "Connection")
    assert call.header("X-One") == "1"
    assert call.header("none") is None
    assert call.at <= time.monotonic()
    assert backend.closed


async def test_an_answer_to_head_keeps_its_length() -> None:
    async with serve_embedded(backend=Echo(), security=False) as cluster:
        answered = await raw(cluster, b"HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 77\r\n" in answered
    assert answered.endswith(b"\r\n\r\n")


async def test_delay() -> None:
    async with (
        serve_embedded(backend=Echo(), security=False) as cluster,
        aiohttp.ClientSession(cluster.url) as session,
    ):
        cluster.delay_s = 0.05
        begun = time.monotonic()
        async with session.get("/") as answered:
            assert answered.status == 200
        assert time.monotonic() - begun >= 0.05


async def test_users_roles_and_keys() -> None:
    async with serve_embedded(backend=Echo()) as cluster, aiohttp.ClientSession(cluster.url) as session:
        cluster.add_role("watch", {"cluster": ["monitor"]})
        names = {
            cluster.add_user("bob", "secret", ["watch"]): "bob",
            cluster.add_user("kibana_system", "in-a-file", [], realm=FILE): "kibana_system",
            "ApiKey " + cluster.add_api_key("k", owner="bob"): "bob",
            cluster.superuser: "elastic",
            cluster.kibana: "elastic/kibana",
        }
        for header, name in names.items():
            async with session.get("/_security/_authenticate", headers={"Authorization": header}) as answered:
                assert (await answered.json())["username"] == name
        with pytest.raises(ValueError, match="no user"):
            cluster.add_api_key("k", owner="nobody")
        async with session.get("/", headers={"Authorization": basic("bob", "wrong")}) as answered:
            assert answered.status == 401
            assert len(answered.headers.getall("WWW-Authenticate")) == 3


async def test_own_security_and_none() -> None:
    own = Security()
    async with serve_embedded(backend=Echo(), security=own) as cluster:
        assert cluster.security is own
    async with serve_embedded(backend=Echo(), security=False) as cluster:
        with pytest.raises(ValueError, match="no security"):
            _ = cluster.security


async def test_tls() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with (
        serve_embedded(backend=Echo(), security=False, tls=server) as cluster,
        aiohttp.ClientSession(cluster.url) as session,
        session.get("/x", ssl=client) as answered,
    ):
        assert cluster.url.startswith("https://")
        assert await answered.text() == "/x"


async def test_a_port_in_use() -> None:
    async with serve_embedded(backend=Echo()) as cluster:
        with pytest.raises(OSError, match="address already in use"):
            async with serve_embedded(port=cluster.port, backend=Echo()):
                pass


async def test_old_records_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.embedded.app._RECORDS", 4)
    async with (
        serve_embedded(backend=Echo(), security=False) as cluster,
        aiohttp.ClientSession(cluster.url) as session,
    ):
        for number in range(6):
            async with session.get(f"/{number}"):
                pass
        assert [call.target for call in cluster.calls][-1] == "/5"
        assert len(cluster.calls) <= 4


async def test_the_application_alone() -> None:
    security = Security()
    async with TestClient(TestServer(make_app(Echo(), security))) as client:
        answered = await client.get("/_security/_authenticate", headers={"Authorization": basic("elastic", "changeme")})
        assert (await answered.json())["username"] == "elastic"
        assert (await client.get("/x")).status == 401


SPELLINGS = {
    "/_ml/data_frame/analytics/x/_start": "x",
    "/_ml/data_frame/analytics/x/_start/": "x",
    "/_ml/data_frame/analytics/x/_start///": "x",
    "/_ml/data_frame/analytics/x/_start?pretty": "x",
    "/_ml/data_frame/analytics/x/_start?id=y": "x",
    "/_ml/data_frame/analytics/%66oo/_start": "foo",
    "/_ml/data_frame/analytics/a%2Fb/_start": "a/b",
    "/_ml/data_frame/analytics/a%252Fb/_start": "a%2Fb",
    "/_ml/data_frame/analytics/../_start": "..",
    "/_ml/data_frame/analytics/a+b/_start": "a+b",
    "/_ml/data_frame/analytics/_stats/_start": "_stats",
    "/_ml/data_frame/analytics/x#/_start": "x#",
}
NOT_STARTS = [
    "//_ml/data_frame/analytics/x/_start",
    "/_ml//data_frame/analytics/x/_start",
    "/%5fml/data_frame/analytics/x/_start",
    "/_ml/data_frame/analytics/x/%5Fstart",
    "/_ML/data_frame/analytics/x/_start",
    "/./_ml/data_frame/analytics/x/_start",
    "/a/../_ml/data_frame/analytics/x/_start",
    "/_ml/data_frame/analytics/x/y/_start",
    "/_ml/data_frame/analytics/x/_start%2F",
]


@pytest.mark.parametrize("target", SPELLINGS)
async def test_spellings_that_reach_the_start(target: str) -> None:
    async with serve_embedded() as cluster:
        answered = await raw(cluster, post(cluster, target))
    assert f"No known data frame analytics with id [{SPELLINGS[target]}]".encode() in answered


@pytest.mark.parametrize("target", NOT_STARTS)
async def test_spellings_that_do_not(target: str) -> None:
    async with serve_embedded() as cluster:
        answered = await raw(cluster, post(cluster, target))
    assert b"No known data frame analytics" not in answered
    assert b" 400 " in answered.split(b"\r\n")[0] + b" ", answered


def post(cluster: Cluster, target: str) -> bytes:
    return (
        f"POST {target} HTTP/1.1\r\nHost: h\r\nAuthorization: {cluster.superuser}\r\nConnection: close\r\n\r\n"
    ).encode()
