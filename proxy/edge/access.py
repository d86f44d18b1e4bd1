"""The access log: a line for a request, where an operator asks for one. Which requests are told, and what of each.

A target is told without its query unless that is asked for, headers but two are not: secrets may stand in each of them.
See docs/logs.md.
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from math import inf
from time import perf_counter
from typing import Any, Final

from proxy.logs import setup
from proxy.logs.form import encoded, origin, source_fields, timestamp
from proxy.logs.out import Out
from proxy.logs.queued import Queued
from proxy.logs.settings import JSON, AccessLog, LogSettings
from proxy.text import plain
from proxy.wire.request import RequestHead

# Of what a client chose: what is longer is cut.
_TARGET_CHARS: Final = 2048
_ID_CHARS: Final = 256
_METHOD_CHARS: Final = 32
_NS: Final = 1_000_000_000
# The proxy or the cluster failed; below, the one who asked may have been wrong, and often knew (404).
_SERVER_ERROR: Final = 500
_ID: Final = re.compile(rb"\nx-opaque-id:[ \t]*([^\r]*)\r", re.IGNORECASE)
# W3C Trace Context §3.2.2.
_TRACE: Final = re.compile(rb"\ntraceparent:[ \t]*[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.IGNORECASE)
GONE: Final = "client_gone"


class Asked:
    """A request under way. `why` is the reason of a refusal or failure, `node` who answered and `since` when the node's
    connection was had; `status` is 0 until the answer's head goes out. Times are those of `perf_counter`. `sampled`: it
    is told in any case. `data` is what came of a request whose head was known again, and is read only if it is told."""

    __slots__ = ("bytes", "data", "first", "head", "node", "receipt", "sampled", "since", "start", "status", "why")

    def __init__(self, head: RequestHead | None, *, sampled: bool, data: bytes = b"") -> None:
        self.head = head
        self.sampled = sampled
        self.data = data
        self.start = perf_counter()
        self.status = 0
        self.bytes = 0
        self.first = 0.0
        self.why = ""
        self.node = ""
        self.since = 0.0
        self.receipt = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is told. Texts are the client's own but for `why`, `node` and `receipt`. Durations in seconds:
    `total_s` from its head to the answer's last byte, `node_s` from the node's connection to the answer's head, None
    where no node answered. `told_for` is `sample`, `slow` or `error`."""

    ended_s: float
    peer: str
    method: str
    target: str
    query: str
    status: int
    bytes: int
    total_s: float
    node_s: float | None
    node: str
    why: str
    opaque_id: str
    trace_id: str
    receipt: str
    told_for: str


class Access:
    """The access log of one worker. `lines` takes what is told; `chance` gives numbers from 0 to 1. A
    request that is not sampled is told from `slow_s` seconds on, which may be infinite; `samples_alone`: never at
    all."""

    def __init__(
        self, settings: AccessLog, lines: Queued[Request], chance: Callable[[], float] = random.random
    ) -> None:
        self._settings = settings
        self._lines = lines
        self._chance = chance
        self._share = settings.sample
        self.slow_s = settings.slow_s or inf
        self.samples_alone = not (settings.errors or settings.slow_s)

    def sampled(self) -> bool:
        """Whether the next request is told in any case; to be asked once for each."""
        return self._chance() < self._share

    def tell(self, asked: Asked, peer: Callable[[], str], head: Callable[[bytes], RequestHead]) -> None:
        """A request is over: it is told, or not. `peer` gives `ip:port`, `head` the head of what came of a request
        that was known again."""
        total_s = perf_counter() - asked.start
        told_for = self._told_for(asked, total_s)
        if not told_for:
            return
        if asked.data:
            asked.head = head(asked.data)
        self._lines.put(self._request(asked, peer(), total_s, told_for))

    def _told_for(self, asked: Asked, total_s: float) -> str:
        if self._settings.errors and (asked.why or asked.status >= _SERVER_ERROR):
            return "error"
        if total_s >= self.slow_s:
            return "slow"
        return "sample" if asked.sampled else ""

    def _request(self, asked: Asked, peer: str, total_s: float, told_for: str) -> Request:
        head = asked.head
        method, target, section = (head.method, head.target, head.section) if head is not None else (b"", b"", b"")
        path, _, query = _text(target, _TARGET_CHARS).partition("?")
        return Request(
            ended_s=time.time(),
            peer=peer,
            method=_text(method, _METHOD_CHARS),
            # An absolute target may hold a password before its host (RFC 3986 §3.2.1).
            target=path if path.startswith("/") else "",
            query=query if self._settings.query else "",
            status=asked.status,
            bytes=asked.bytes,
            total_s=total_s,
            node_s=asked.first - asked.since if asked.since and asked.first else None,
            node=asked.node,
            why=asked.why,
            opaque_id=_found(_ID, section, _ID_CHARS),
            trace_id=_found(_TRACE, section, _ID_CHARS).lower(),
            receipt=asked.receipt,
            told_for=told_for,
        )

    def close(self) -> None:
        """Write what waits, and end the log. Blocks for a bounded time."""
        self._lines.close()
        setup.leave(self._lines.out)


def _text(value: bytes, most: int) -> str:
    return value[:most].decode("utf-8", "backslashreplace") + ("…" if len(value) > most else "")


def _found(pattern: re.Pattern[bytes], section: bytes, most: int) -> str:
    match = pattern.search(section)
    return _text(match[1], most) if match is not None else ""


def open_access(settings: LogSettings, process: str) -> Access | None:
    """The access log of this process, None where there is none. Raises OSError where its file cannot be opened."""
    wanted = settings.access
    if wanted is None:
        return None
    out = Out(wanted.path)
    setup.also_reopen(out)
    form = ecs(process, version("startgate")) if settings.format == JSON else console(process)
    return Access(wanted, Queued(out, form))


def console(process: str) -> Callable[[Request, int], bytes]:
    """Lines for people. What a client chose is inert, and stands where nothing else can."""

    def line(one: Request, most: int) -> bytes:
        query = f"?{one.query}" if one.query else ""
        what = plain(f"{one.method or '-'} {one.target or '-'}{query}")
        told = f"{timestamp(one.ended_s)} ACCESS {process}: {one.peer} {one.status or '-'} {one.bytes} B"
        told += f" {one.total_s * 1000:.1f} ms {_node(one)} {what}{_ids(one)} ({one.why or one.told_for})\n"
        encoded_ = told.encode(errors="backslashreplace")
        return encoded_ if len(encoded_) <= most else encoded_[: most - 1].decode(errors="ignore").encode() + b"\n"

    return line


def _node(one: Request) -> str:
    if not one.node:
        return "-"
    return one.node if one.node_s is None else f"{one.node} {one.node_s * 1000:.1f} ms"


def _ids(one: Request) -> str:
    ids = (("opaque-id", one.opaque_id), ("trace", one.trace_id), ("receipt", one.receipt))
    return "".join(f" {name}={plain(value)!r}" for name, value in ids if value)


def ecs(process: str, version: str) -> Callable[[Request, int], bytes]:
    """Lines of JSON with the names of the Elastic Common Schema."""
    fixed = origin(process, version, "startgate.access") | {
        "event.kind": "event",
        "event.category": ["web"],
        "event.type": ["access"],
    }

    def line(one: Request, most: int) -> bytes:
        event: dict[str, Any] = {
            "@timestamp": timestamp(one.ended_s),
            "log.level": "info",
            "message": f"{one.method or '-'} {one.target or '-'} {one.status or '-'}",
            **fixed,
            "event.duration": int(one.total_s * _NS),
            "event.outcome": "failure" if one.why or one.status >= _SERVER_ERROR else "success",
            "http.response.bytes": one.bytes,
            "startgate.access.told_for": one.told_for,
            **source_fields(one.peer),
            **{name: value for name, value in _optional(one).items() if value},
        }
        return encoded(event, most)

    return line


def _optional(one: Request) -> dict[str, Any]:
    return {
        "http.request.method": one.method,
        "url.path": one.target,
        "url.query": one.query,
        "http.response.status_code": one.status,
        "event.reason": one.why,
        "destination.address": one.node,
        "startgate.access.node_duration": int(one.node_s * _NS) if one.node_s is not None else None,
        "labels.x_opaque_id": one.opaque_id,
        "trace.id": one.trace_id,
        "startgate.receipt": one.receipt,
    }
