"""The allow-list: what the table lacks is left out, by name, at every level."""

from typing import Any

import pytest

from proxy.journal.allowed import allowed, leaves

RECORD: dict[str, Any] = {
    "@timestamp": "2023-11-14T22:13:20.000Z",
    "event": {"id": "r1", "outcome": "success"},
    "tags": ["break-glass"],
    "startgate": {
        "admin": {},
        "destination": {"settings": {"index.number_of_shards": "2"}},
        "verdict": {"reasons": [{"kind": "source", "text": "lacks"}, {"kind": "flow", "text": "no"}], "steps": []},
    },
}


def test_what_is_in_the_table_stays_and_is_a_copy() -> None:
    kept, left_out = allowed(RECORD)
    assert (kept, left_out) == (RECORD, ())
    assert kept["startgate"] is not RECORD["startgate"]
    assert kept["startgate"]["verdict"]["reasons"][0] is not RECORD["startgate"]["verdict"]["reasons"][0]


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"password": "p"}, ("password",)),
        ({"event": {"id": "r1", "original": "POST /"}}, ("event.original",)),
        ({"event": "text"}, ("event",)),
        ({"startgate": {"job": {"id": "a", "config": {"source": {}}}}}, ("startgate.job.config",)),
        ({"startgate": {"verdict": {"reasons": ["text"]}}}, ("startgate.verdict.reasons",)),
        ({"startgate": {"verdict": {"reasons": "text"}}}, ("startgate.verdict.reasons",)),
        ({"startgate": {"caller": [{"name": "ann"}]}}, ("startgate.caller",)),
        (
            {"startgate": {"verdict": {"reasons": [{"secret": 1, "kind": "flow"}, {"secret": 2}]}}},
            ("startgate.verdict.reasons.secret",),
        ),
        ({"x": 1, "headers": {"authorization": "Basic"}}, ("x", "headers")),
    ],
)
def test_what_is_not_in_it_is_left_out_and_named(more: dict[str, Any], names: tuple[str, ...]) -> None:
    kept, left_out = allowed({**RECORD, **more})
    assert left_out == names
    again, none = allowed(kept)
    assert (again, none) == (kept, ())


def test_what_is_beside_a_stranger_stays() -> None:
    kept, _ = allowed({"event": {"id": "r1", "original": "x"}, "startgate": {"verdict": {"reasons": [{"a": 1}]}}})
    assert kept == {"event": {"id": "r1"}, "startgate": {"verdict": {"reasons": [{}]}}}


def test_the_inside_of_a_map_is_its_own() -> None:
    record = {"startgate": {"destination": {"meta": {"version": {"created": "12"}, "anything": [1]}}}}
    assert allowed(record) == (record, ())


def test_every_field_that_is_there_is_told_with_its_place() -> None:
    kept, _ = allowed(RECORD)
    told = [(one.name, held) for one, held in leaves(kept)]
    assert [name for name, _ in told] == [
        "@timestamp",
        "event.id",
        "event.outcome",
        "tags",
        "startgate.destination.settings",
        "startgate.verdict.reasons.kind",
        "startgate.verdict.reasons.text",
        "startgate.verdict.reasons.kind",
        "startgate.verdict.reasons.text",
    ]
    assert told[1][1] is kept["event"]
    assert told[-1][1] is kept["startgate"]["verdict"]["reasons"][1]
