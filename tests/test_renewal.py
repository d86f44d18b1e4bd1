"""Contexts that follow their files: new connections get the new certificate, broken files change nothing."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import trustme

from proxy.errors import ConfigError
from proxy.renewal import Renewable, keep_renewed, renewable_cluster, renewable_listener
from proxy.settings import ClusterTls, ListenTls
from proxy.tasks import spawn


@dataclass
class Files:
    """A certificate and its key as PEM files, and who signs them."""

    authority: trustme.CA
    folder: Path

    @property
    def tls(self) -> ListenTls:
        """What a listener is told."""
        return ListenTls(certificate=str(self.folder / "chain.pem"), key=str(self.folder / "key.pem"))

    def issue(self, name: str = "localhost") -> str:
        """New files over the old ones; the serial number of what they hold."""
        one = self.authority.issue_cert(name, "localhost")
        self.put("chain.pem", one.cert_chain_pems[0].bytes())
        self.put("key.pem", one.private_key_pem.bytes())
        return name

    def put(self, name: str, held: bytes) -> None:
        """A file, which is another one than before."""
        (self.folder / f"{name}.new").write_bytes(held)
        (self.folder / f"{name}.new").replace(self.folder / name)

    def trusting(self) -> ssl.SSLContext:
        """The context of a client."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(trustme.CA(), tmp_path)
    made.issue("one.example")
    return made


@asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that echoes lines; gives its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
        except (OSError, asyncio.CancelledError):
            pass
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


class Client:
    """A connection, and the names in the certificate it was shown."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        shown = writer.get_extra_info("peercert")
        self.names = [value for _, value in shown["subjectAltName"]]

    async def echoes(self) -> bool:
        """Whether the connection works."""
        self.writer.write(b"x\n")
        return await asyncio.wait_for(self.reader.readline(), 5) == b"x\n"


async def connect(port: int, files: Files) -> Client:
    """A new connection."""
    return Client(*await asyncio.open_connection("127.0.0.1", port, ssl=files.trusting(), server_hostname="localhost"))


async def shown(port: int, files: Files) -> str:
    """The first name in the certificate that a new connection is shown."""
    client = await connect(port, files)
    client.writer.close()
    return str(client.names[0])


async def test_a_new_certificate_is_for_new_connections(files: Files) -> None:
    context = renewable_listener(files.tls)
    async with served(context) as port:
        old = await connect(port, files)
        assert old.names[0] == "one.example"
        files.issue("two.example")
        context.look()
        new = await connect(port, files)
        assert new.names[0] == "two.example"
        assert await old.echoes()
        assert await new.echoes()
        for one in (old, new):
            one.writer.close()


async def test_broken_files_leave_the_old_ones_in_force_and_are_told_once(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    context = renewable_listener(files.tls)
    async with served(context) as port:
        for name, held, why in [
            ("key.pem", trustme.CA().issue_cert("x").private_key_pem.bytes(), "is not the key of the certificate"),
            ("chain.pem", b"half a certif", "holds no certificate in PEM form"),
        ]:
            caplog.clear()
            files.put(name, held)
            for _ in range(3):
                context.look()
            (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
            assert why in told.getMessage()
            assert await shown(port, files) == "one.example"
        (files.folder / "key.pem").unlink()
        context.look()
        assert "cannot be read: No such file or directory" in caplog.text
        files.issue("two.example")
        context.look()
        assert await shown(port, files) == "two.example"


def test_nothing_is_read_while_nothing_changes(files: Files) -> None:
    context = renewable_listener(files.tls)
    before = context.current
    context.look()
    assert context.current is before
    context.renew()
    assert context.current is not before


def test_the_first_files_must_be_good(files: Files) -> None:
    files.put("key.pem", b"")
    with pytest.raises(ConfigError, match="holds no private key"):
        renewable_listener(files.tls)
    with pytest.raises(ConfigError, match="cannot be read"):
        renewable_cluster(ClusterTls(ca="/nowhere/ca.pem"))


async def test_files_are_looked_after_in_the_background(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    context = renewable_listener(files.tls)
    before, reload = context.current, asyncio.Event()
    task = spawn(keep_renewed([context, ssl.create_default_context()], reload, look_s=0.02), name="renewal")
    files.issue("two.example")
    async with asyncio.timeout(10):
        while context.current is before or "new connections use what is in" not in caplog.text:  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.01)
    task.cancel()


async def test_asked_to_it_reads_what_has_not_changed(files: Files) -> None:
    context = renewable_listener(files.tls)
    before, reload = context.current, asyncio.Event()
    task = spawn(keep_renewed([context], reload, look_s=600), name="renewal")
    reload.set()
    async with asyncio.timeout(10):
        while context.current is before:  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.01)
    assert not reload.is_set()
    task.cancel()


async def test_authorities_of_the_cluster_are_followed_without_being_asked(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the gate's clients do: a pool of connections that was given its context once."""
    monkeypatch.setattr("proxy.renewal.LOOK_S", 0.0)
    ca = files.folder / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca))
    context = renewable_cluster(ClusterTls(ca=str(ca)))

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=renewable_listener(files.tls))
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(url)
        files.put("ca.pem", files.authority.cert_pem.bytes())
        async with session.get(url) as answer:
            assert answer.status == 200
    server.close()
    await asyncio.sleep(0.01)


def test_it_is_for_event_loops_only(files: Files) -> None:
    with pytest.raises(NotImplementedError):
        renewable_listener(files.tls).wrap_socket(None)


def test_it_is_a_context(files: Files) -> None:
    assert isinstance(renewable_listener(files.tls), ssl.SSLContext)
    assert isinstance(renewable_listener(files.tls), Renewable)
