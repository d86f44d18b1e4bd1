"""Syslog: RFC 5424 messages over TLS (RFC 5425) or plain TCP (RFC 6587), with octet counting.

Syslog has no answer. What TCP tells is used instead: a batch is taken when the other side's system has acknowledged
every byte of it and has not closed. What a receiver loses after that, nobody here can know.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import ssl
import struct
import sys
import termios
from collections.abc import Sequence

import msgspec

from proxy.renewal import renewable_cluster
from proxy.settings import SyslogSink as Settings
from proxy.ship.model import Record, SinkFailure, Taken

# RFC 5424 §6.2.1: facility 13 is "log audit".
_FACILITY = 13
_INFORMATIONAL, _WARNING = 6, 4
_CONNECT_S = 5.0
# Between two looks at what is not acknowledged yet; a round trip takes about as long.
_LOOK_S = 0.005
# RFC 5424 §7.3.1: counts from 1 to 2147483647, then from 1 again.
_SEQUENCE_MAX = 2**31 - 1


class _Event(msgspec.Struct, gc=False):
    action: str = ""
    outcome: str = ""


class _Read(msgspec.Struct, gc=False):
    """What the head of a message tells of a record."""

    event: _Event = msgspec.field(default_factory=_Event)
    timestamp: str = msgspec.field(default="", name="@timestamp")


_decoder = msgspec.json.Decoder(_Read)


class SyslogSink:
    """A syslog receiver, over one connection that is kept."""

    name = "syslog"

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError where a TLS file cannot be used."""
        self._host, self._port = settings.host, settings.port
        self._context = renewable_cluster(settings.tls) if settings.tls is not None else None
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, records: Sequence[Record]) -> Taken:
        """Write one message for each record, and wait until the other side has them all.

        Raises:
            SinkFailure: no connection, or one that broke: how much of the batch came through is not known.
        """
        try:
            reader, writer = await self._connected()
            writer.write(b"".join(framed(message(record)) for record in records))
            await writer.drain()
            await _acknowledged(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as failure:
            self._drop()
            raise SinkFailure(f"{self._where}: {_why(failure)}") from failure
        except BaseException:
            self._drop()  # cancelled in the middle of a message: the next one would be joined to it
            raise
        return Taken(len(records))

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is not None and _gone(*self._connection):
            self._drop()
        if self._connection is None:
            async with asyncio.timeout(_CONNECT_S):
                self._connection = await asyncio.open_connection(
                    self._host,
                    self._port,
                    ssl=self._context,
                    server_hostname=self._host if self._context is not None else None,
                )
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection[1].transport.abort()
            self._connection = None

    async def close(self) -> None:
        """Close the connection; all that was taken has left."""
        if self._connection is None:
            return
        writer = self._connection[1]
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            # TLS says goodbye, and a receiver that hangs does not answer that.
            async with asyncio.timeout(1.0):
                await writer.wait_closed()
        self._drop()


def message(record: Record) -> bytes:
    """A record as an RFC 5424 message: the line itself is MSG, which is JSON in UTF-8.

    Without the byte order mark of §6.4: readers of JSON take it for a fault (RFC 8259 §8.1).
    """
    try:
        read = _decoder.decode(record.line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        read = _Read()
    severity = _WARNING if read.event.outcome == "failure" else _INFORMATIONAL
    sequence = f' sequenceId="{(record.seq - 1) % _SEQUENCE_MAX + 1}"' if record.seq > 0 else ""
    head = " ".join(
        (
            f"<{_FACILITY * 8 + severity}>1",
            _token(read.timestamp, 32),
            _token(socket.gethostname(), 255),
            "startgate",
            str(os.getpid()),
            _token(read.event.action, 32),
            f'[meta{sequence}][origin software="startgate"]' if sequence else '[origin software="startgate"]',
        )
    )
    return head.encode() + b" " + record.line


def framed(text: bytes) -> bytes:
    """A message with its length before it (RFC 5425 §4.3, RFC 6587 §3.4.1)."""
    return b"%d %b" % (len(text), text)


def _token(text: str, limit: int) -> str:
    """A field of the head: printable ASCII without blanks, `-` where there is nothing (RFC 5424 §6.2)."""
    kept = "".join(char for char in text if "!" <= char <= "~")[:limit]
    return kept or "-"


def _gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    return reader.at_eof() or reader.exception() is not None or writer.transport.is_closing()


async def _acknowledged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until nothing is on its way any more. Raises ConnectionError where the other side has closed."""
    while True:
        if _gone(reader, writer):
            raise reader.exception() or ConnectionResetError("the connection was closed by the other side")
        # Read, and so known, but of no use: receivers do not answer.
        if not writer.transport.get_write_buffer_size() and not _unacknowledged(writer):
            return
        await asyncio.sleep(_LOOK_S)


def _unacknowledged(writer: asyncio.StreamWriter) -> int:
    """Bytes that the other side's TCP has not acknowledged (SIOCOUTQ, tcp(7)); 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    held = writer.get_extra_info("socket")
    answer = fcntl.ioctl(held.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


def _why(failure: BaseException) -> str:
    if isinstance(failure, TimeoutError):
        return f"no connection within {_CONNECT_S:g} s"
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {failure.verify_message}"
    return str(failure) or type(failure).__name__
