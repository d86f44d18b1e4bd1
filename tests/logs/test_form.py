"""An event as a line: whatever stands in it, it is one event, inert, and no longer than it may be."""

import json
import logging
import os
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.logs import form
from proxy.logs.out import LINE_BYTES, PIPE_BYTES

ECS = form.ecs("edge-1", "1.2.3")
CONSOLE = form.console("edge-1")
WILD = st.text(st.characters(codec=None, categories=None), max_size=300)


def event(text: str = "%s", *args: object, failure: BaseException | None = None, **more: object) -> logging.LogRecord:
    """A record as loggers make it."""
    info = None if failure is None else (type(failure), failure, failure.__traceback__)
    record = logging.LogRecord("proxy.edge", logging.WARNING, "file.py", 7, text, args, info)
    for name, value in more.items():
        setattr(record, name, value)
    return record


def raised(failure: BaseException) -> BaseException:
    """The failure with a traceback."""

    def fails() -> None:
        raise failure

    try:
        fails()
    except type(failure):
        pass
    return failure


def told(record: logging.LogRecord, most: int = LINE_BYTES) -> dict[str, Any]:
    """What a line of JSON says, after checks that hold for all of them."""
    line = ECS(record, most)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert re.fullmatch(rb"[\x20-\x7e]+\n", line), "nothing in it acts on a terminal"
    decoded = json.loads(line)
    json.dumps(decoded, ensure_ascii=False).encode()  # there is no half of a surrogate pair in it
    assert isinstance(decoded, dict)
    return decoded


def test_a_line_for_people_says_when_how_bad_who_and_what() -> None:
    line = CONSOLE(event("%d connections were cut", 3), LINE_BYTES).decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING edge-1: 3 connections were cut\n", line)


def test_further_lines_for_people_cannot_pass_for_an_event() -> None:
    forged = "2026-01-01T00:00:00.000Z WARNING gate: all is well"
    line = CONSOLE(event("index [%s] is gone", f"x\n{forged}\r\x1b[2J\u202e\x85\ud800"), LINE_BYTES).decode()
    assert f"\n    {forged}\\r\\x1b[2J\\u202e\\x85\\ud800] is gone\n" in line
    with_trace = CONSOLE(event("broken", failure=raised(ValueError("a\nb"))), LINE_BYTES).decode()
    assert with_trace.splitlines()[1] == "    Traceback (most recent call last):"
    assert all(one.startswith("    ") for one in with_trace.splitlines()[1:])


@given(WILD, WILD)
def test_any_text_is_one_event(text: str, argument: str) -> None:
    record = event("%s", text + argument, failure=RuntimeError(text))
    decoded = told(record)
    if (text + argument).isprintable():
        assert decoded["message"] == text + argument
    first, *further = CONSOLE(record, LINE_BYTES).decode().split("\n")[:-1]
    assert first[:4].isdigit()
    assert all(one.startswith("    ") for one in further)
    assert all(one.isprintable() for one in (first, *further))


def test_the_fields_are_those_of_the_schema() -> None:
    decoded = told(event("%s is odd", "x", ecs={"source.ip": "::1", "event.duration": 12}))
    assert list(decoded)[:3] == ["@timestamp", "log.level", "message"], "the order that ecs-logging asks for"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", decoded.pop("@timestamp"))
    assert decoded == {
        "log.level": "warning",
        "message": "x is odd",
        "ecs.version": "8.11.0",
        "log.logger": "proxy.edge",
        "service.name": "startgate",
        "service.version": "1.2.3",
        "service.node.name": "edge-1",
        "process.pid": os.getpid(),
        "event.dataset": "startgate.log",
        "source.ip": "::1",
        "event.duration": 12,
    }


def test_an_error_has_its_kind_its_words_and_its_traceback() -> None:
    decoded = told(event("no luck", failure=raised(ValueError("seven\nis odd"))))
    assert decoded["error.type"] == "builtins.ValueError"
    assert decoded["error.message"] == "seven\nis odd"
    assert decoded["error.stack_trace"].startswith("Traceback (most recent call last):\n")
    assert decoded["message"] == "no luck"


def test_no_error_is_no_error() -> None:
    """`exc_info=True` where nothing was raised."""
    record = event("calm")
    record.exc_info = sys.exc_info()
    assert "error.type" not in told(record)
    assert CONSOLE(record, LINE_BYTES).endswith(b" edge-1: calm\n")


class Wordless(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_what_cannot_be_told_is_no_reason_to_tell_nothing() -> None:
    assert "cannot be told" in told(event("%d of %d", 1))["message"]
    assert "cannot be told" in told(event("%s", Wordless()))["message"]
    assert told(event("x", failure=raised(Wordless())))["error.type"].endswith("Wordless")
    assert CONSOLE(event("%d of %d", 1), LINE_BYTES).startswith(b"20")


@pytest.mark.parametrize("most", [PIPE_BYTES, LINE_BYTES])
@pytest.mark.parametrize("text", ["a" * 100_000, "\x00" * 100_000, "\U0001f600" * 50_000, "\n" * 100_000])
def test_no_line_is_longer_than_it_may_be(text: str, most: int) -> None:
    record = event("begins %s ends", text, failure=raised(ValueError(text)))
    assert len(ECS(record, most)) <= most
    decoded = told(record, most)
    assert decoded["message"].startswith("begins ")
    assert decoded["message"].endswith(" ends")
    line = CONSOLE(record, most)
    assert len(line) <= most
    assert line.decode().startswith("20")
    assert line.endswith(b"\n")


def test_a_line_that_is_long_by_number_of_fields_is_told_whole() -> None:
    """Nothing of it can be cut: that it is told is more than that it is short."""
    fields: dict[str, Any] = {f"labels.n{number}": "x" for number in range(1000)}
    assert len(form.encoded(fields, 100)) > 100


@pytest.mark.parametrize(
    ("peer", "fields"),
    [
        ("10.0.0.1:42", {"source.ip": "10.0.0.1", "source.port": 42}),
        ("[::1]:42", {"source.ip": "::1", "source.port": 42}),
        ("http://10.0.0.1:9200", {}),
        ("http://node:9200", {}),
        ("unknown", {}),
        ("", {}),
    ],
)
def test_a_peer_is_told_by_its_parts(peer: str, fields: dict[str, Any]) -> None:
    """Elasticsearch refuses a whole document for an address that is none."""
    assert form.source_fields(peer) == {"source.address": peer, **fields}


def test_times_are_cut_not_rounded() -> None:
    assert form.timestamp(59.9999) == "1970-01-01T00:00:59.999Z"
    assert form.timestamp(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"
