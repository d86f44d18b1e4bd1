"""Which requests are told, what of each, and in which form; whatever a client sends."""

import json
import re
from collections.abc import Callable
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.access import Access, Asked, Request, console, ecs, open_access
from proxy.logs import setup
from proxy.logs.settings import AccessLog, LogSettings
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead, decode_request

SECRET = "s3cr3t"
TRACE = "0af7651916cd43dd8448eb211c80319c"
LIMITS = HeadLimits(line_bytes=65536, head_bytes=65536, fields=100)


class Kept:
    """A queue that keeps."""

    def __init__(self) -> None:
        self.told: list[Request] = []

    def put(self, item: Request) -> None:
        """Keep it."""
        self.told.append(item)


def access(chance: Callable[[], float] = lambda: 0.5, **settings: Any) -> tuple[Access, Kept]:
    """An access log, and what it tells."""
    kept = Kept()
    lines: Any = kept
    return Access(AccessLog(**settings), lines, chance), kept


def asked(
    head: RequestHead | None = None, *, status: int = 200, why: str = "", ago_s: float = 0.0, sampled: bool = True
) -> Asked:
    """A request that is over."""
    one = Asked(head, sampled=sampled)
    one.status, one.why = status, why
    one.start = perf_counter() - ago_s
    return one


def head(target: str = "/books/_search", *lines: str, method: str = "GET") -> RequestHead:
    """A head as it is decoded."""
    text = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", "host: h", *lines)) + "\r\n"
    decoded = decode_request(text.encode("latin-1"), LIMITS)
    assert decoded is not None
    return decoded


def decoded(data: bytes) -> RequestHead:
    """The head that begins so."""
    found = decode_request(data, LIMITS)
    assert found is not None
    return found


def test_a_head_that_was_known_again_is_read_where_it_is_told() -> None:
    log, kept = access(sample=0.0)
    data = b"GET /books/_search?q=1 HTTP/1.1\r\nhost: h\r\nx-opaque-id: me\r\n\r\n"
    for status in (200, 500):
        one = Asked(None, sampled=False, data=data)
        one.status = status
        log.tell(one, lambda: "10.0.0.1:4242", decoded)
    (request,) = kept.told
    assert (request.method, request.target, request.opaque_id) == ("GET", "/books/_search", "me")


@pytest.mark.parametrize(
    ("settings", "alone", "slow_s"),
    [
        ({}, False, 5.0),
        ({"errors": False}, False, 5.0),
        ({"slow_s": 0.0}, False, inf),
        ({"errors": False, "slow_s": 0.0}, True, inf),
    ],
)
def test_what_may_be_told_beside_the_sample(settings: dict[str, Any], alone: bool, slow_s: float) -> None:
    log, _ = access(**settings)
    assert (log.samples_alone, log.slow_s) == (alone, slow_s)


def told(one: Asked, **settings: Any) -> Request:
    """What is told of a request."""
    log, kept = access(**settings)
    log.tell(one, lambda: "10.0.0.1:4242", decoded)
    (request,) = kept.told
    return request


@pytest.mark.parametrize(
    ("request_", "settings", "told_for"),
    [
        ({}, {}, "sample"),
        ({}, {"sample": 0.5}, ""),
        ({}, {"sample": 0.51}, "sample"),
        ({}, {"sample": 0.0}, ""),
        ({"status": 404}, {"sample": 0.0}, ""),
        ({"status": 500}, {"sample": 0.0}, "error"),
        ({"status": 0, "why": "client_gone"}, {"sample": 0.0}, "error"),
        ({"status": 429, "why": "requests"}, {"sample": 0.0}, "error"),
        ({"status": 503, "why": "queue_full"}, {"sample": 0.0, "errors": False}, ""),
        ({"status": 503}, {"errors": False}, "sample"),
        ({"ago_s": 60.0}, {"sample": 0.0}, "slow"),
        ({"ago_s": 60.0}, {"sample": 0.0, "slow_s": 0.0}, ""),
        ({"ago_s": 60.0, "status": 502}, {}, "error"),
    ],
)
def test_which_requests_are_told(request_: dict[str, Any], settings: dict[str, Any], told_for: str) -> None:
    log, kept = access(**settings)
    log.tell(asked(head(), **request_, sampled=log.sampled()), lambda: "10.0.0.1:4242", decoded)
    assert [one.told_for for one in kept.told] == ([told_for] if told_for else [])


def test_a_share_is_told() -> None:
    numbers = iter([number / 1000 for number in range(1000)])
    log, kept = access(lambda: next(numbers), sample=0.1)
    for _ in range(1000):
        log.tell(asked(head(), sampled=log.sampled()), lambda: "10.0.0.1:4242", decoded)
    assert len(kept.told) == 100


def test_the_query_is_told_only_where_that_is_asked_for() -> None:
    target = f"/_search?q={SECRET}"
    assert told(asked(head(target))).target == "/_search"
    assert SECRET not in repr(told(asked(head(target))))
    assert told(asked(head(target)), query=True).query == f"q={SECRET}"


@pytest.mark.parametrize("target", [f"http://u:{SECRET}@host/x", f"u:{SECRET}@host:443", "*"])
def test_of_other_targets_nothing_is_told(target: str) -> None:
    assert told(asked(head(target)), query=True).target == ""
    assert SECRET not in repr(told(asked(head(target))))


def test_of_headers_two_ids_are_told() -> None:
    lines = [f"authorization: Basic {SECRET}", f"cookie: {SECRET}", "X-Opaque-Id: kibana:7", f"Cookie2: {SECRET}"]
    one = told(asked(head("/", *lines, f"TraceParent: 00-{TRACE}-b7ad6b7169203331-01")))
    assert (one.opaque_id, one.trace_id) == ("kibana:7", TRACE)
    assert SECRET not in repr(one)
    assert told(asked(head("/", "traceparent: 00-nonsense-01"))).trace_id == ""


def test_long_texts_are_cut() -> None:
    one = told(asked(head("/" + "x" * 9000, "x-opaque-id: " + "y" * 9000)))
    assert len(one.target) == 2049
    assert len(one.opaque_id) == 257


def test_a_request_of_which_nothing_was_understood_is_told() -> None:
    one = told(asked(None, status=400, why="malformed"))
    assert (one.method, one.target, one.status, one.why) == ("", "", 400, "malformed")
    assert "- -" in console("edge-1")(one, 4096).decode()
    assert "url.path" not in json.loads(ecs("edge-1", "1")(one, 4096))


def request(**more: Any) -> Request:
    """A request that is told."""
    fields: dict[str, Any] = {
        "ended_s": 1_700_000_000.5,
        "peer": "[::1]:4242",
        "method": "GET",
        "target": "/books/_search",
        "query": "",
        "status": 200,
        "bytes": 512,
        "total_s": 0.25,
        "node_s": 0.125,
        "node": "http://10.0.0.1:9200",
        "why": "",
        "opaque_id": "",
        "trace_id": "",
        "receipt": "",
        "told_for": "sample",
    }
    return Request(**{**fields, **more})


def test_a_line_for_people() -> None:
    line = console("edge-1")(request(opaque_id="it's", trace_id=TRACE, receipt="ab", query="q=1"), 4096).decode()
    assert line == (
        "2023-11-14T22:13:20.500Z ACCESS edge-1: [::1]:4242 200 512 B 250.0 ms http://10.0.0.1:9200 125.0 ms "
        f"GET /books/_search?q=1 opaque-id=\"it's\" trace='{TRACE}' receipt='ab' (sample)\n"
    )


def test_a_line_of_the_schema() -> None:
    decoded = json.loads(ecs("edge-1", "1.2.3")(request(opaque_id="o", trace_id=TRACE, receipt="ab"), 4096))
    assert decoded.pop("process.pid") > 0
    assert decoded == {
        "@timestamp": "2023-11-14T22:13:20.500Z",
        "log.level": "info",
        "message": "GET /books/_search 200",
        "ecs.version": "8.11.0",
        "service.name": "startgate",
        "service.version": "1.2.3",
        "service.node.name": "edge-1",
        "event.dataset": "startgate.access",
        "event.kind": "event",
        "event.category": ["web"],
        "event.type": ["access"],
        "event.duration": 250_000_000,
        "event.outcome": "success",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.response.bytes": 512,
        "url.path": "/books/_search",
        "source.address": "[::1]:4242",
        "source.ip": "::1",
        "source.port": 4242,
        "destination.address": "http://10.0.0.1:9200",
        "startgate.access.node_duration": 125_000_000,
        "startgate.access.told_for": "sample",
        "labels.x_opaque_id": "o",
        "trace.id": TRACE,
        "startgate.receipt": "ab",
    }


def test_what_is_not_known_is_not_told() -> None:
    decoded = json.loads(ecs("edge-1", "1")(request(node="", node_s=None, status=0, why="x", peer="unknown"), 4096))
    assert decoded["source.address"] == "unknown"
    assert decoded["event.outcome"] == "failure"
    assert not {"source.ip", "destination.address", "http.response.status_code", "trace.id"} & set(decoded)
    assert (
        "unknown - 512 B 250.0 ms - GET" in console("edge-1")(request(node="", status=0, peer="unknown"), 99).decode()
    )


@given(
    st.binary(max_size=200).filter(lambda text: not re.search(rb"[\x00-\x20\x7f]", text)),
    st.text(max_size=100),
    st.sampled_from([200, 4096]),
)
def test_any_target_is_one_inert_line(target: bytes, opaque: str, most: int) -> None:
    understood = head()._replace(target=b"/" + target, section=b"\nx-opaque-id: " + opaque.encode() + b"\r")
    one = told(asked(understood), query=True)
    line = console("edge-1")(one, most)
    assert len(line) <= most
    assert line.count(b"\n") == 1
    assert line[:-1].decode().isprintable()
    assert re.fullmatch(rb"[\x20-\x7e]+\n", ecs("edge-1", "1")(one, 4096))


@pytest.mark.parametrize("form", ["console", "json"])
def test_it_is_opened_and_closed(tmp_path: Path, form: str) -> None:
    path = tmp_path / "access.log"
    log = open_access(LogSettings(format=form, access=AccessLog(path=str(path))), "edge-1")
    assert log is not None
    log.tell(asked(head()), lambda: "10.0.0.1:4242", decoded)
    log.close()
    assert path.read_text().count("/books/_search") >= 1
    assert path.read_text().startswith("{") == (form == "json")
    setup.reopen()  # it is not opened again


def test_it_is_opened_again_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = open_access(LogSettings(access=AccessLog(path=str(path))), "edge-1")
    assert log is not None
    path.rename(tmp_path / "old")
    setup.reopen()
    log.tell(asked(head()), lambda: "10.0.0.1:4242", decoded)
    log.close()
    assert (tmp_path / "old").read_text() == ""
    assert "/books/_search" in path.read_text()


def test_where_none_is_wanted_there_is_none(tmp_path: Path) -> None:
    assert open_access(LogSettings(), "edge-1") is None
    with pytest.raises(OSError, match="No such file"):
        open_access(LogSettings(access=AccessLog(path=str(tmp_path / "none" / "log"))), "edge-1")
