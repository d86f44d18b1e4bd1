"""A webhook gets signed arrays over real sockets; only 2xx takes them."""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import web

from proxy.settings import ClusterTls
from proxy.settings import WebhookSink as Settings
from proxy.ship.model import SinkFailure, Taken
from proxy.ship.shipper import Shipper
from proxy.ship.webhook import WebhookSink, batch_id, signed, signing_key
from tests.ship.certificates import Authority
from tests.ship.samples import LIMITS, Written, decoded, records

SECRET = "a secret of the tests, long enough"


class Receiver:
    """Takes what is posted, and answers with the statuses that it is told to, then with 204."""

    def __init__(self, *statuses: int, limit: int = 1 << 30) -> None:
        self.statuses = list(statuses)
        self.limit = limit
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > self.limit:
            return web.Response(status=413, text="too\nlarge")
        status = self.statuses.pop(0) if self.statuses else 204
        if status < 300:
            self.bodies.append(body)
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
        headers = {"location": "/elsewhere"} if status == 307 else None
        return web.Response(status=status, text=None if status == 204 else "the reason", headers=headers)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the records that came, in order."""
        return [one["startgate"]["chain"]["seq"] for body in self.bodies for one in msgspec.json.decode(body)]


@asynccontextmanager
async def listening(receiver: Receiver, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        await web.SockSite(runner, one, ssl_context=context).start()
        scheme = "https" if context is not None else "http"
        receiver.url = f"{scheme}://localhost:{one.getsockname()[1]}/hook"
        try:
            yield receiver
        finally:
            await runner.cleanup()


@asynccontextmanager
async def sink_to(url: str, tls: ClusterTls | None = None) -> AsyncIterator[WebhookSink]:
    sink = WebhookSink(Settings(url=url, secret=SECRET, tls=tls or ClusterTls()))
    try:
        yield sink
    finally:
        await sink.close()


async def test_a_batch_is_an_array_of_the_lines(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    async with listening(Receiver()) as receiver, sink_to(receiver.url) as sink:
        assert await sink.send(made) == Taken(3)
    assert receiver.bodies == [b"[" + b",".join(record.line for record in made) + b"]"]
    assert msgspec.json.decode(receiver.bodies[0]) == [decoded(record.line) for record in made]
    assert receiver.headers[0]["content-type"] == "application/json"


async def test_the_signature_is_that_of_standard_webhooks(tmp_path: Path) -> None:
    made = records(tmp_path, 2)
    async with listening(Receiver()) as receiver, sink_to(receiver.url) as sink:
        await sink.send(made)
    (headers,), (body,) = receiver.headers, receiver.bodies
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert headers["webhook-id"] == batch_id(made)


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    """From the tests of the reference libraries of Standard Webhooks."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="no base64"):
        signing_key("whsec_%%%")


def test_batches_are_known_again(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    assert batch_id(made) == batch_id(list(made))
    assert len({batch_id(made), batch_id(made[:2]), batch_id(made[1:])}) == 3


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 408, 429, 500, 503])
async def test_any_other_answer_takes_nothing(tmp_path: Path, status: int) -> None:
    made = records(tmp_path, 2)
    async with listening(Receiver(status)) as receiver, sink_to(receiver.url) as sink:
        with pytest.raises(SinkFailure, match=f"answered with status {status}: the reason"):
            await sink.send(made)
        assert await sink.send(made) == Taken(2)
    assert receiver.numbers == [1, 2]


async def test_what_stands_behind_the_host_is_told_nobody(tmp_path: Path) -> None:
    """Many services know by the URL alone who may post."""
    made = records(tmp_path, 1)
    async with listening(Receiver(500)) as receiver:
        host = receiver.url.partition("//")[2].partition("/")[0]
        for url in (f"http://me:pass@{host}/hook/s3cr3t?token=s3cr3t", "http://127.0.0.1:1/hook/s3cr3t"):
            async with sink_to(url) as sink:
                with pytest.raises(SinkFailure) as failure:
                    await sink.send(made)
            assert "s3cr3t" not in str(failure.value)
            assert "pass" not in str(failure.value)
            assert str(failure.value).startswith(f"{urlsplit(url).scheme}://{urlsplit(url).hostname}:")


async def test_a_batch_that_is_too_large_is_halved_and_one_record_rejected(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(5)
    written.append(1, text="x" * 9000)
    written.append(4)
    async with listening(Receiver(limit=4000)) as receiver, sink_to(receiver.url) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        await shipper.all_there_is()
    assert receiver.numbers == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    assert shipper.status.rejected == 1
    assert "finds it too large (status 413): too large" in (tmp_path / "rejected-webhook.jsonl").read_text()


async def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with sink_to(f"http://127.0.0.1:{taken.getsockname()[1]}/") as sink:
            with pytest.raises(SinkFailure, match="Cannot connect"):
                await sink.send(records(tmp_path, 1))


async def test_over_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = records(tmp_path / "journal", 2)
    async with listening(Receiver(), authority.server()) as receiver:
        async with sink_to(receiver.url, authority.trusted()) as sink:
            assert await sink.send(made) == Taken(2)
        async with sink_to(receiver.url) as distrusting:
            with pytest.raises(SinkFailure, match=r"(?i)certificate"):
                await distrusting.send(made)
    assert receiver.numbers == [1, 2]


async def served(handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> tuple[asyncio.Server, str]:
    """A server of plain bytes, and its address."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


async def test_a_lost_answer_has_the_batch_sent_again(tmp_path: Path) -> None:
    """The receiver gets it twice, under one id."""
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        got.append(head + await reader.readexactly(length))
        if len(got) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    Written(tmp_path).append(3)
    server, url = await served(handle)
    async with server, sink_to(url) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        with pytest.raises(SinkFailure):
            await shipper.all_there_is()
        await shipper.all_there_is()
    first, second = ([line for line in one.split(b"\r\n") if line.lower().startswith(b"webhook-id")] for one in got)
    assert first == second != []
    assert got[0].split(b"\r\n\r\n")[1] == got[1].split(b"\r\n\r\n")[1]


async def test_a_receiver_that_stalls_is_given_up(tmp_path: Path) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side has had enough
        writer.transport.abort()
        gone.set()

    made, gone = records(tmp_path, 1), asyncio.Event()
    server, url = await served(handle)
    async with server, sink_to(url) as sink:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sink.send(made)
        await gone.wait()
