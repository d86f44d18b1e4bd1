"""RFC 5424 messages over real connections: framed, acknowledged, and sent again where a connection breaks."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import ClusterTls
from proxy.settings import SyslogSink as Settings
from proxy.ship.model import SinkFailure, Taken
from proxy.ship.shipper import Shipper
from proxy.ship.syslog import SyslogSink, framed, message
from tests.ship.certificates import Authority
from tests.ship.samples import LIMITS, Written, decoded, plain, records

# RFC 5424 §6: HEADER SP STRUCTURED-DATA SP MSG.
MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ((?:\[[^\]]*\])+|-) (.*)", re.DOTALL
)


class Receiver:
    """Reads framed messages. `cut`: so many bytes are read of the first connection, and it is closed."""

    def __init__(self, *, cut: int | None = None) -> None:
        self.cut = cut
        self.messages: list[bytes] = []
        self.connections = 0
        self.open: list[asyncio.StreamWriter] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.append(writer)
        if self.cut is not None:
            cut, self.cut = self.cut, None
            await reader.readexactly(cut)
            writer.transport.abort()
            return
        try:
            while length := (await reader.readuntil(b" ")).strip():
                self.messages.append(await reader.readexactly(int(length)))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    async def closes(self) -> None:
        """Ends every connection."""
        for writer in self.open:
            writer.close()
        self.open.clear()

    @property
    def numbers(self) -> list[int]:
        """The numbers of the records that came."""
        found = [MESSAGE.fullmatch(one) for one in self.messages]
        return [decoded(one[8])["startgate"]["chain"]["seq"] for one in found if one]


@asynccontextmanager
async def listening(receiver: Receiver, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", receiver.port, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.closes()


@asynccontextmanager
async def sink_to(receiver: Receiver, tls: ClusterTls | None = None) -> AsyncIterator[SyslogSink]:
    sink = SyslogSink(Settings(host="localhost" if tls else "127.0.0.1", port=receiver.port, tls=tls))
    try:
        yield sink
    finally:
        await sink.close()


async def until_all(receiver: Receiver, count: int) -> None:
    """What was acknowledged by the system is read by the receiver soon."""
    while len(receiver.messages) < count:  # noqa: ASYNC110 -- the receiver is a plain one, without events
        await asyncio.sleep(0.005)


def test_a_record_as_a_message(tmp_path: Path) -> None:
    (record,) = records(tmp_path, 1)
    found = MESSAGE.fullmatch(message(record))
    assert found is not None
    priority, time, host, app, pid, id, data, text = found.groups()
    assert int(priority) == 13 * 8 + 6
    assert time == b"2026-11-24T12:00:00.000Z"
    assert host.decode() == socket.gethostname()
    assert app == b"startgate"
    assert pid.isdigit()
    assert id == b"start-data-frame-analytics"
    assert data == b'[meta sequenceId="1"][origin software="startgate"]'
    assert text == record.line


def test_failures_are_warnings(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(1, event={"action": "x", "outcome": "failure"})
    assert message(written.records()[0]).startswith(b"<108>1 ")


@pytest.mark.parametrize("line", [b"garbage", b"{}", b'{"event":"x"}', b'{"event":{"action":7}}', b'{"@timestamp":7}'])
def test_a_record_of_another_form_is_sent_as_it_is(line: bytes) -> None:
    found = MESSAGE.fullmatch(message(plain(line)))
    assert found is not None
    assert (found[2], found[6], found[7], found[8]) == (b"-", b"-", b'[origin software="startgate"]', line)


@pytest.mark.parametrize(("seq", "told"), [(1, 1), (2**31 - 1, 2**31 - 1), (2**31, 1), (2**32, 2)])
def test_sequence_ids_count_round(seq: int, told: int) -> None:
    """RFC 5424 §7.3.1."""
    assert f'[meta sequenceId="{told}"]'.encode() in message(plain(b"{}", seq))


@given(st.text(), st.text(), st.integers(0, 9))
def test_whatever_a_record_holds_the_head_is_well_formed(action: str, stamp: str, seq: int) -> None:
    safe = action.encode(errors="replace").decode(), stamp.encode(errors="replace").decode()
    text = decoded_line(*safe)
    found = MESSAGE.fullmatch(message(plain(text, seq)))
    assert found is not None
    assert found[8] == text
    assert all(0x21 <= byte <= 0x7E for byte in found[6] + found[2])


def decoded_line(action: str, stamp: str) -> bytes:
    """A line with these texts."""
    return msgspec.json.encode({"@timestamp": stamp, "event": {"action": action}})


def test_a_message_has_its_length_before_it() -> None:
    """RFC 6587 §3.4.1: octets, not characters."""
    assert framed("ä".encode()) == b"2 \xc3\xa4"


async def test_records_come_in_order_over_one_connection(tmp_path: Path) -> None:
    made = records(tmp_path, 30)
    async with listening(Receiver()) as receiver, sink_to(receiver) as sink:
        assert await sink.send(made[:20]) == Taken(20)
        assert await sink.send(made[20:]) == Taken(10)
        await until_all(receiver, 30)
    assert receiver.numbers == list(range(1, 31))
    assert receiver.connections == 1


async def test_over_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = records(tmp_path / "journal", 5)
    trusted = authority.trusted(client=True)
    async with listening(Receiver(), authority.server(client=True)) as receiver, sink_to(receiver, trusted) as sink:
        assert await sink.send(made) == Taken(5)
        await until_all(receiver, 5)
    assert receiver.numbers == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("names", [("localhost",), ("other.example",)])
async def test_a_receiver_that_is_not_the_one_meant_gets_nothing(tmp_path: Path, names: tuple[str, ...]) -> None:
    theirs, ours = Authority(tmp_path), tmp_path / "ours"
    ours.mkdir()
    trusted = theirs.trusted() if names == ("other.example",) else Authority(ours).trusted()
    async with listening(Receiver(), theirs.server(*names)) as receiver, sink_to(receiver, trusted) as sink:
        with pytest.raises(SinkFailure, match="its certificate is not accepted"):
            await sink.send(records(tmp_path / "journal", 1))
    assert not receiver.messages


async def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        sink = SyslogSink(Settings(host="127.0.0.1", port=taken.getsockname()[1]))
        with pytest.raises(SinkFailure, match=r"127\.0\.0\.1:\d+: "):
            await sink.send(records(tmp_path, 1))
        await sink.close()


async def test_a_connection_that_is_cut_has_the_batch_sent_again(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(8, text="x" * 200_000)
    async with listening(Receiver(cut=300_000)) as receiver, sink_to(receiver) as sink:
        shipper = Shipper(tmp_path, sink, LIMITS)
        with pytest.raises(SinkFailure):
            await shipper.all_there_is()
        await shipper.all_there_is()
        await until_all(receiver, 8)
    assert receiver.numbers == list(range(1, 9))
    assert receiver.connections == 2


async def test_a_connection_that_was_closed_meanwhile_is_made_anew(tmp_path: Path) -> None:
    made = records(tmp_path, 4)
    async with listening(Receiver()) as receiver, sink_to(receiver) as sink:
        await sink.send(made[:2])
        await until_all(receiver, 2)
        await receiver.closes()
        assert sink._connection is not None
        await sink._connection[0].read()  # its end has come
        assert await sink.send(made[2:]) == Taken(2)
        await until_all(receiver, 4)
    assert receiver.numbers == [1, 2, 3, 4]
    assert receiver.connections == 2


async def test_a_receiver_that_reads_nothing_takes_nothing(tmp_path: Path) -> None:
    """What fits into the buffers of the receiver's system passes for taken; more does not."""

    held: list[asyncio.StreamWriter] = []

    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # whatever the machine's own default is
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(handle, sock=listener)
    written = Written(tmp_path)
    written.append(1, text="x" * 15_000_000)
    receiver = Receiver()
    receiver.port = server.sockets[0].getsockname()[1]
    async with sink_to(receiver) as sink:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await sink.send(written.records())
        assert sink._connection is None, "half a message is on it"
    for writer in held:
        writer.transport.abort()
    server.close()
    await asyncio.sleep(0)


async def test_closing_does_not_wait_for_a_receiver_that_hangs(tmp_path: Path) -> None:
    async with listening(Receiver()) as receiver, sink_to(receiver) as sink:
        await sink.send(records(tmp_path, 1))
        await sink.close()
        await sink.close()
        assert sink._connection is None
