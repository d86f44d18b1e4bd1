"""How llhttp (httptools) and h11 read a request or an answer: the second opinions of the differential tests."""

from dataclasses import dataclass, field

import h11
import httptools


@dataclass
class Reading:
    """One message as somebody read it. Header names in lower case; `done` if the message is complete."""

    start: tuple[bytes, bytes] = (b"", b"")
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    done: bool = False


class Disagreement(Exception):
    """The peer refuses the message."""


class _Collector:
    def __init__(self) -> None:
        self.reading = Reading()
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reading.headers.append((name.lower(), value.strip(b" \t")))

    def on_body(self, body: bytes) -> None:
        self.reading.body += body

    def on_message_complete(self) -> None:
        self.reading.done = True

    def target(self) -> bytes:
        return self._target


def llhttp_request(data: bytes) -> Reading:
    """The first request in `data`, which must hold nothing behind it. Raises Disagreement."""
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise Disagreement(repr(error)) from error
    collector.reading.start = (parser.get_method(), collector.target())
    return collector.reading


def llhttp_answer(data: bytes) -> Reading:
    """The first answer in `data`. Raises Disagreement."""
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise Disagreement(repr(error)) from error
    collector.reading.start = (b"%d" % parser.get_status_code(), b"")
    return collector.reading


def h11_request(data: bytes) -> Reading:
    """The first request in `data`. Raises Disagreement."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    return _h11(connection, data)


def h11_answer(data: bytes, method: bytes) -> Reading:
    """The first final answer in `data` to a request of `method`. Raises Disagreement."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"x")]))
    connection.send(h11.EndOfMessage())
    return _h11(connection, data)


def _h11(connection: h11.Connection, data: bytes) -> Reading:
    reading = Reading()
    try:
        connection.receive_data(data)
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                reading.start = (event.method, event.target)
                reading.headers = list(event.headers)
            elif isinstance(event, h11.Response):
                reading.start = (b"%d" % event.status_code, b"")
                reading.headers = list(event.headers)
            elif isinstance(event, h11.Data):
                reading.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                reading.done = True
                break
    except h11.RemoteProtocolError as error:
        raise Disagreement(repr(error)) from error
    return reading
