"""An event as a line of the log. Whatever stands in it, it cannot pass for another event, nor move a terminal's cursor.

As JSON an event is one line. For people its further lines (a traceback, a list of faults) are indented.
Field names: Elastic Common Schema, in the dotted form of Elastic's own logging libraries (ecs-logging).
"""

import ipaddress
import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from proxy.text import plain

ECS_VERSION: Final = "8.11.0"
# The attribute of a log record with fields of its own: `logger.info("…", extra={"ecs": {"source.ip": "…"}})`.
ECS_EXTRA: Final = "ecs"
# A text is not cut shorter than this: with so few left it is not the texts that make a line long.
_SHORTEST_CHARS: Final = 64

Line = Callable[[logging.LogRecord, int], bytes]


class Trace(Protocol):
    """A span and its trace, in hex."""

    @property
    def trace_id(self) -> str:
        """32 digits."""

    @property
    def span_id(self) -> str:
        """16 digits."""


def timestamp(seconds: float) -> str:
    """A time since 1970 as RFC 3339 in UTC, with milliseconds."""
    # Not rounded: 59.9996 s would be 60.
    ms = int(seconds * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ms // 1000))}.{ms % 1000:03d}Z"


def source_fields(peer: str) -> dict[str, Any]:
    """The fields of a peer, `ip:port` or `[ip]:port`; of anything else, such as a node's name, the name alone."""
    host, _, port = peer.rpartition(":")
    address = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return {"source.address": peer}
    told = {"source.address": peer, "source.ip": address}
    return {**told, "source.port": int(port)} if port.isascii() and port.isdigit() else told


def said(record: logging.LogRecord) -> str:
    """What an event says. Raises nothing: a call with the wrong arguments is told, too."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 -- whatever an argument's own text raises
        return f"{record.msg} (what belongs into it cannot be told)"


def console(process: str) -> Line:
    """Lines for people, with the name of the process; the second argument is the most bytes that one may have."""

    def line(record: logging.LogRecord, most: int) -> bytes:
        text = "\n".join(filter(None, (said(record), traced(record))))
        lines = (plain(part) for part in text.split("\n"))
        told = f"{timestamp(record.created)} {record.levelname} {process}: " + "\n    ".join(lines)
        encoded = told.encode()
        return (_fitted(encoded, most - 1) if len(encoded) >= most else encoded) + b"\n"

    return line


def _fitted(text: bytes, most: int) -> bytes:
    """A text without its middle: where it is too long, who began it and what ended it tell the most."""
    mark = f"\n    …[{len(text)} bytes]…".encode()
    half = max(0, most - len(mark)) // 2
    head, tail = (piece.decode(errors="ignore").encode() for piece in (text[:half], text[-half:]))
    return head + mark + tail


def origin(process: str, version: str, dataset: str) -> dict[str, Any]:
    """What stands in every event of a process; `version` is Startgate's, `dataset` what the events are about."""
    return {
        "ecs.version": ECS_VERSION,
        "service.name": "startgate",
        "service.version": version,
        "service.node.name": process,
        "process.pid": os.getpid(),
        "event.dataset": dataset,
    }


def ecs(process: str, version: str, trace: Callable[[], Trace | None] | None = None) -> Line:
    """Lines of JSON. `version` is Startgate's; `trace` tells the trace that is under way where a line is written."""
    fixed = origin(process, version, "startgate.log")

    def line(record: logging.LogRecord, most: int) -> bytes:
        event: dict[str, Any] = {
            "@timestamp": timestamp(record.created),
            "log.level": record.levelname.lower(),
            "message": said(record),
            **fixed,
            "log.logger": record.name,
            **_error(record),
            **_trace(trace() if trace is not None else None),
            **getattr(record, ECS_EXTRA, {}),
        }
        return encoded(event, most)

    return line


def _trace(ids: Trace | None) -> Mapping[str, str]:
    return {} if ids is None else {"trace.id": ids.trace_id, "span.id": ids.span_id}


def _error(record: logging.LogRecord) -> Mapping[str, str]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    kind, failure, _ = record.exc_info
    return {
        "error.type": f"{kind.__module__}.{kind.__qualname__}",
        "error.message": _words(failure),
        "error.stack_trace": traced(record),
    }


def _words(failure: object) -> str:
    try:
        return str(failure)
    except Exception:  # noqa: BLE001 -- an exception's own text may fail in any way
        return "(its text cannot be told)"


def traced(record: logging.LogRecord) -> str:
    """The traceback of an event that has one."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    try:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    except Exception:  # noqa: BLE001 -- as above
        return "(its traceback cannot be told)"


def encoded(event: dict[str, Any], most: int) -> bytes:
    """An event as one line of JSON, in ASCII. Texts lose their middle, the longest first, until it has at most so many
    bytes."""
    line = _json(event)
    while len(line) > most:
        texts = [(len(value), name) for name, value in event.items() if isinstance(value, str)]
        chars, longest = max(texts, default=(0, ""))
        if chars <= _SHORTEST_CHARS:
            break
        text: str = event[longest]
        quarter = chars // 4
        event = {**event, longest: f"{text[:quarter]}…{text[-quarter:]}"}
        line = _json(event)
    return line


def _json(event: Mapping[str, Any]) -> bytes:
    # In ASCII nothing can act on a terminal, but for DEL. Half of a surrogate pair, which strict readers refuse, is
    # told by its number.
    sound = {name: _sound(value) for name, value in event.items()}
    return json.dumps(sound, separators=(",", ":"), default=str).replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def _sound(value: Any) -> Any:  # noqa: ANN401 -- any value of an event
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
