"""Records in print: cells that no spreadsheet computes."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.commands.audit_print import EVENT_COLUMNS, START_COLUMNS, events_csv, safe, starts_csv, starts_json
from proxy.journal.entry import administrative
from proxy.journal.events import events
from proxy.journal.lines import refuse
from proxy.journal.query import Kind, Query
from proxy.journal.scan import matching
from tests.journal.making import encode, granted, record, write

FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text(text: str) -> None:
    assert safe(text).startswith("'")


@given(st.text())
def test_no_text_begins_as_a_formula_or_holds_a_control_character(text: str) -> None:
    shown = safe(text)
    assert shown[:1] not in {formula[0] for formula in FORMULAS}
    assert shown.isprintable()


@pytest.mark.parametrize("text", ["", "flights", "a=b", "1-2", "ünser", '"quoted", with a comma'])
def test_any_other_text_stays(text: str) -> None:
    assert safe(text) == text


def test_starts_as_csv(tmp_path: Path) -> None:
    """Every cell is there, in its column; what is not known is empty."""
    known: dict[str, Any] = {
        "job": {"id": "=cmd|' /C calc'!A0", "analysis": "regression", "sources": ["a", "b,c"]},
        "destination": {"index": "out", "plan": "create", "created": True},
        "caller": {"name": "anna", "realm": {"name": "native1"}},
        "secondary": {"name": "ben"},
        "rules": {"revision": "abc"},
    }
    write(tmp_path, map(encode, [*granted("g", user="anna", **known), record("d", user='-2"')]))
    out = io.StringIO()
    starts_csv(matching(tmp_path, Query(), refuse), out)
    assert out.getvalue().startswith('"time","receipt",'), "each cell in quotes"
    assert out.getvalue().count("\r\n") == 3
    first, second = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert tuple(first) == START_COLUMNS
    assert first == {
        "time": "2023-11-14T22:13:21.000Z",
        "receipt": "g",
        "result": "granted",
        "status": "",
        "user": "anna",
        "realm": "native1",
        "secondary_user": "ben",
        "job": "'=cmd|' /C calc'!A0",
        "analysis": "regression",
        "sources": "a b,c",
        "destination": "out",
        "plan": "create",
        "created": "true",
        "job_ended": "not known",
        "reason": "",
        "rules_revision": "abc",
        "source_address": "",
        "x_opaque_id": "",
    }
    assert (second["user"], second["result"], second["job_ended"]) == ("'-2\"", "refused", "")


def test_records_of_any_kind_as_csv(tmp_path: Path) -> None:
    admin = administrative("startgate-rules-reload", "x", 0, outcome="failure", reason="=no")
    write(tmp_path, map(encode, [admin, record("r", user="anna", job={"id": "j"})]))
    out = io.StringIO()
    events_csv(events(tmp_path, Query(), frozenset(Kind), refuse), out)
    first, second = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert tuple(first) == EVENT_COLUMNS
    assert [*first.values()] == [
        *("1970-01-01T00:00:00.000Z", "admin", "startgate-rules-reload", "failure", "", "", "x", "'=no"),
    ]
    assert [second[name] for name in ("kind", "what", "user", "job", "id")] == ["start", "outcome", "anna", "j", "r"]


def test_records_are_written_as_they_stand_in_the_journal(tmp_path: Path) -> None:
    """Blanks, and the order of keys, and all."""
    line = b'{ "startgate" : {"receipt":"r", "phase":"outcome", "x":1.0} }\n'
    write(tmp_path, [line])
    out = io.BytesIO()
    starts_json(matching(tmp_path, Query(), refuse), out)
    assert out.getvalue() == line
