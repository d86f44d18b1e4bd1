"""What belongs to one connection is read and taken out; what carries identity cannot be taken out by anybody."""

import pytest

from proxy.wire.errors import WireError
from proxy.wire.fields import canonical
from proxy.wire.hops import take_hops, without


def section(*lines: bytes) -> bytes:
    return canonical(list(lines))


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: keep-alive",
        b"CONNECTION: close",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"TE: trailers",
        b"Trailer: x",
        b"Transfer-Encoding: chunked",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"X-Startgate-Peer: 1.2.3.4:5",
        b"x-startgate-anything-at-all: x",
        b"X-Startgate-: x",
    ],
)
def test_what_belongs_to_the_connection_is_taken_out(line: bytes) -> None:
    kept = [b"First: 1", b"Last: 2"]
    assert take_hops(section(kept[0], line, kept[1]))[0] == section(*kept)
    assert take_hops(section(line, *kept, line))[0] == section(*kept)
    assert take_hops(section(line, line, line))[0] == b""


@pytest.mark.parametrize(
    "line",
    [
        b"TEa: x",
        b"xTE: x",
        b"X-Connection: x",
        b"Connection-X: x",
        b"X-Startgat: x",
        b"Content-Length: 5",
        b"Host: a",
        b"Upgrade-Insecure-Requests: 1",
        b"Expect: 100-continue",
        b"Expect-CT: x",
        b"a: TE: trailers",
        b"a: Connection: close",
    ],
)
def test_what_only_resembles_it_stays(line: bytes) -> None:
    hops = take_hops(section(b"a: 1", line, b"a: 2"))
    assert hops[0] == section(b"a: 1", line, b"a: 2")
    assert hops[5] == frozenset()


def test_a_line_that_begins_like_one_that_goes_is_not_shortened() -> None:
    lines = section(b"Connection: close", b"Connection: close-not", b"a: b", b"Close-Not: x")
    assert take_hops(lines)[0] == section(b"a: b")


def test_values_are_collected_as_they_came() -> None:
    section_, hosts, expectations, lengths, codings, _ = take_hops(
        section(
            b"host: a",
            b"HOST: b",
            b"content-length: 1",
            b"Content-Length: 2",
            b"transfer-encoding: Chunked",
            b"eXpect: x",
        )
    )
    assert expectations == (b"x",)
    assert hosts == (b"a", b"b")
    assert lengths == (b"1", b"2")
    assert codings == (b"Chunked",)
    assert b"hunked" not in section_


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([b"close"], {b"close"}),
        ([b"Keep-Alive"], {b"keep-alive"}),
        ([b"KEEP-ALIVE , CLOSE"], {b"keep-alive", b"close"}),
        ([b"keep-alive", b"close"], {b"keep-alive", b"close"}),
        ([b", ,close,"], {b"close"}),
        ([b"Upgrade, HTTP2-Settings"], {b"upgrade", b"http2-settings"}),
        ([b""], set()),
    ],
)
def test_connection_options(values: list[bytes], options: set[bytes]) -> None:
    assert take_hops(section(*[b"Connection: " + value for value in values]))[5] == options


def test_what_connection_names_is_taken_out() -> None:
    lines = section(b"X-Hop: 1", b"a: b", b"Connection: x-hop", b"x-HOP: 2", b"X-Hop-2: stays")
    assert take_hops(lines)[0] == section(b"a: b", b"X-Hop-2: stays")


@pytest.mark.parametrize(
    "name",
    [
        b"authorization",
        b"Authorization",
        b"host",
        b"Content-Length",
        b"content-type",
        b"es-secondary-authorization",
        b"es-security-runas-user",
        b"es-anything",
        b"X-Opaque-Id",
        b"traceparent",
        b"X-Forwarded-For",
        b"X-Authenticated-Roles",
        b"x-remote-user",
        b"X-Elastic-Product",
        b"X-Startgate-Receipt",
        b"cookie",
        b"Expect",
    ],
)
def test_connection_cannot_strip_what_is_meant_for_the_other_end(name: bytes) -> None:
    with pytest.raises(WireError, match="meant for the other end"):
        take_hops(section(b"Connection: close, " + name, b"a: b"))


@pytest.mark.parametrize("value", [b"a b", b'"quoted"', b"a=b", b"a;b", b"close\xff"])
def test_connection_that_is_no_list_of_tokens_is_refused(value: bytes) -> None:
    with pytest.raises(WireError, match="list of tokens"):
        take_hops(section(b"Connection: " + value))


def test_the_gates_own_fields_pass_in_answers_only() -> None:
    lines = section(b"X-Startgate-Receipt: r", b"TE: x")
    assert take_hops(lines)[0] == b""
    assert take_hops(lines, keep_own=True)[0] == section(b"X-Startgate-Receipt: r")


def test_without_takes_out_by_name() -> None:
    assert without(section(b"A: 1", b"b: 2", b"a: 3", b"aa: 4"), {b"a"}) == section(b"b: 2", b"aa: 4")
