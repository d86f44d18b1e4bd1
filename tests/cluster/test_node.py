"""The HTTP part of calls to the cluster: what is sent, what is kept of an answer, and how each way to fail is told."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme
from elastic_transport import ConnectionError, ConnectionTimeout, HttpHeaders
from elastic_transport.client_utils import DEFAULT, url_to_node_config

from proxy.cluster import node as module
from proxy.cluster.node import Node
from proxy.settings import ClusterTls
from proxy.tls import cluster_context
from tests.cluster.nodes import node, nowhere, reply


@asynccontextmanager
async def opened(url: str, timeout_s: float = 5, context: ssl.SSLContext | None = None) -> AsyncIterator[Node]:
    one = Node(url_to_node_config(url).replace(request_timeout=timeout_s, ssl_context=context, connections_per_node=3))
    try:
        yield one
    finally:
        await one.close()


async def test_a_request_is_sent_as_it_is_given() -> None:
    async with node({"POST /a%2fb/../%41": reply(201, {"x": 1})}) as one, opened(one.url) as client:
        got = await client.perform_request("POST", "/a%2fb/../%41?x=%2c;y", b"{}", HttpHeaders({"x-opaque-id": "1"}))
        (seen,) = one.seen
    assert (got.meta.status, got.body) == (201, b'{"x": 1}')
    assert seen.line == "POST /a%2fb/../%41?x=%2c;y HTTP/1.1"
    assert (seen.header("x-opaque-id"), seen.body) == ("1", b"{}")
    assert seen.header("accept-encoding") is None


async def test_all_values_of_a_header_are_kept() -> None:
    challenges = [("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"'), ("www-authenticate", "ApiKey")]
    async with node({"GET /": reply(401, {}, *challenges)}) as one, opened(one.url) as client:
        got = await client.perform_request("GET", "/")
    assert got.meta.headers["WWW-Authenticate"].split(module.BETWEEN_VALUES) == [value for _, value in challenges]
    assert got.meta.mimetype == "application/json"


async def test_nobody_is_sent_elsewhere() -> None:
    async with (
        node() as other,
        node({"GET /": reply(307, {}, ("location", f"{other.url}/"))}) as one,
        opened(one.url) as client,
    ):
        assert (await client.perform_request("GET", "/")).meta.status == 307
        assert other.seen == []


async def test_no_connection_is_told_by_its_cause() -> None:
    async with opened(nowhere()) as client:
        with pytest.raises(ConnectionError) as told:
            await client.perform_request("GET", "/")
    assert told.value.message.startswith("http://127.0.0.1:9: ")
    assert isinstance(told.value.__cause__, aiohttp.ClientConnectorError)


async def test_an_address_where_nobody_answers_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def black_hole(_sock: socket.socket, _address: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", black_hole)
    monkeypatch.setattr(module, "CONNECT_S", 0.05)
    async with opened(nowhere()) as client:
        with pytest.raises(ConnectionError) as told:
            await client.perform_request("GET", "/")
    assert isinstance(told.value.__cause__, aiohttp.ConnectionTimeoutError)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}"])
async def test_a_connection_that_breaks_is_told(answer: bytes) -> None:
    async with node({"GET /": [answer]}, hangs_up=True) as one, opened(one.url) as client:
        with pytest.raises(ConnectionError) as told:
            await client.perform_request("GET", "/")
    assert told.value.message.startswith(f"{one.url}: ")
    assert len(told.value.message) > len(f"{one.url}: ")
    assert not isinstance(told.value.__cause__, aiohttp.ClientConnectorError)


@pytest.mark.parametrize("timeout_s", [None, 0.03])
async def test_no_answer_in_time_is_told(timeout_s: float | None) -> None:
    async with node({"GET /": reply()}, pause_s=3) as one, opened(one.url, 0.05) as client:
        with pytest.raises(ConnectionTimeout) as told:
            await client.perform_request("GET", "/", request_timeout=DEFAULT if timeout_s is None else timeout_s)
    assert told.value.message == f"{one.url}: timed out after {timeout_s or 0.05:g} s"


async def test_tls_is_the_context_given(tmp_path: Path) -> None:
    authority = trustme.CA()
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(listening)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with node({"GET /": reply()}, tls=listening) as one:
        async with opened(one.url, context=cluster_context(ClusterTls(ca=str(tmp_path / "ca.pem")))) as client:
            assert (await client.perform_request("GET", "/")).meta.status == 200
        async with opened(one.url, context=cluster_context(ClusterTls())) as client:
            with pytest.raises(ConnectionError) as told:
                await client.perform_request("GET", "/")
    assert "certificate" in told.value.message


async def test_closing_is_for_now() -> None:
    async with node({"GET /": reply()}) as one, opened(one.url) as client:
        await client.close()
        for _ in range(2):
            assert (await client.perform_request("GET", "/")).meta.status == 200
            await client.close()
        assert one.connections == 2
