"""The journal for human eyes, where a record holds anything: a newer version's, or somebody's. It is shown as far as
it goes, and ends no list."""

import copy
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy import audit
from proxy.commands.audit_print import events_csv, starts_csv
from proxy.journal.events import Event
from proxy.journal.glance import glance
from proxy.journal.query import Kind, Name, Query, results
from proxy.journal.scan import Found, Row
from proxy.journal.start import Start
from tests.journal.making import encode
from tests.test_audit import DENIED, END, GRANTED, INTENT

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.just([]), st.just([1, None]), st.just({}),
    st.just({"text": 1}), st.just([[]]), st.just([{}]),
)  # fmt: skip
SEEN = {"known": True, "name": "eva", "realm": {"name": "r"}, "action": "put", "time": "t"}
OUTCOME = {"state": "failed", "documents": {"training": 1}, "peak_memory_bytes": 1, "failure_reason": "f"}
RECORDS = (
    INTENT,
    {**GRANTED, "startgate": {**GRANTED["startgate"], "owner": {"kind": "roles", "roles": ["a"], "seen": SEEN}}},
    DENIED,
    {**END, "startgate": {**END["startgate"], "end": OUTCOME}},
)
QUERY = Query(user=Name("a*"), job=Name("b"), index=Name("c"), since="2026-01-01T00:00:00.000Z")


def places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a value."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        # By these a record is one of a start, or none at all.
        if (*at, key) not in (("startgate",), ("startgate", "phase"), ("startgate", "receipt")):
            yield (*at, key)
        yield from places(one, (*at, key))


PLACES = [(number, at) for number, record in enumerate(RECORDS) for at in places(record)]


@settings(max_examples=400)
@given(where=st.lists(st.sampled_from(PLACES), min_size=1, max_size=3), values=st.lists(ODD, min_size=3, max_size=3))
def test_whatever_a_field_holds_the_start_is_shown(where: list[tuple[int, tuple[Any, ...]]], values: list[Any]) -> None:
    records: list[dict[str, Any]] = [copy.deepcopy(dict(record)) for record in RECORDS]
    for (number, at), value in zip(where, values, strict=False):
        _put(records[number], at, value)
    for kept in ((0, 1, 3), (0, 2), (1,), (2, 3)):
        one = Start("r" * 32, {records[number]["startgate"]["phase"]: records[number] for number in kept})
        assert audit.table([one])
        assert list(audit.details(one))
        assert results(one)
        assert QUERY.takes(one) in (True, False)
        assert {one.open, one.unended, one.blocked} <= {True, False}
        _as_lines([records[number] for number in kept])


def _put(record: dict[str, Any], at: tuple[Any, ...], value: object) -> None:
    inner: Any = record
    for key in at[:-1]:
        try:
            inner = inner[key]
        except (LookupError, TypeError):
            # Put over by another change.
            return
    if isinstance(inner, dict) or (isinstance(inner, list) and isinstance(at[-1], int) and at[-1] < len(inner)):
        inner[at[-1]] = copy.deepcopy(value)


def _as_lines(records: list[dict[str, Any]]) -> None:
    found = Found("r" * 32)
    for record in records:
        line = encode(record)[:-1]
        seen = glance(line)
        assert seen is not None
        found.add(Row(Path("f"), 1, line), seen)
        event = Event(Kind.START, record, line)
        assert list(audit.event_lines(event))
        events_csv([event], io.StringIO())
        assert QUERY.takes_record(record) in (True, False)
    assert found.waits in (True, False)
    starts_csv([found], io.StringIO())


@pytest.mark.parametrize("record", [{"startgate": {"phase": "outcome", "receipt": "r"}}])
def test_a_record_with_nothing_in_it(record: dict[str, Any]) -> None:
    one = Start("r", {"outcome": record})
    assert audit.row(one).result == "unknown"
    assert dict(audit.details(one))["receipt"] == "r"
