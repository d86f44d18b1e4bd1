"""A situation in a record, and out of it again."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given

from proxy.privileges import Held
from proxy.rules.recorded import NotRecorded, from_record, recordable, to_record
from proxy.rules.situation import Situation
from tests.rules.samples import granted, job, rules, situation
from tests.rules.situations import situations

CONFIG: dict[str, Any] = {
    "id": "job-1",
    "source": {"index": ["src"], "query": {"match_all": {}}},
    "dest": {"index": "dest"},
    "analysis": {"regression": {"dependent_variable": "y"}},
    "authorization": {"roles": ["r1"]},
}


def with_config(**changes: Any) -> Situation:
    return situation(replace(job(), config=CONFIG | changes))


def through_bytes(of: Situation) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(to_record(of)))
    return record


@given(situations)
def test_what_a_record_holds_comes_out_as_it_went_in(of: Situation) -> None:
    assert from_record(through_bytes(of)) == recordable(of)
    assert recordable(recordable(of)) == recordable(of)


def test_a_usual_start_is_kept_whole() -> None:
    of = replace(with_config(), held=granted(rules(), with_config()))
    assert from_record(through_bytes(of)) == of


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({}, ()),
        ({"source": {"index": ["src"], "query": {"term": {"name": "secret"}}}}, ("source.query",)),
        ({"source": {"index": ["src"], "runtime_mappings": {"secret": {}}}}, ("source.runtime_mappings",)),
        ({"_meta": {"secret": 1}, "headers": {"secret": ""}}, ("_meta", "headers")),
        ({"authorization": {"roles": [], "secret": 1}}, ("authorization.secret",)),
        ({"source": "secret"}, ("source",)),
    ],
)
def test_what_may_hold_data_is_left_out_by_name(changes: dict[str, Any], left_out: tuple[str, ...]) -> None:
    of = with_config(**changes)
    assert recordable(of).left_out == left_out
    assert "secret" not in json.dumps({**to_record(of), "left_out": []})


def test_names_with_the_same_answer_stand_together() -> None:
    of = situation(job("a", "b", "c"))
    (answer,) = to_record(replace(of, held=granted(rules(), of)))["held"]
    assert [one["names"] for one in answer["index"]] == [["a", "b", "c"], ["dest"]]


def test_the_order_of_an_answer_keeps_none_apart() -> None:
    (subject, _) = next(iter(granted(rules(), situation()).items()))
    lacking = dict.fromkeys(("write", "manage", "index", "delete"), False)
    one = {"read": True, "all": True, **lacking}
    held = Held(cluster={}, index={"a": one, "b": dict(reversed(one.items()))})
    (answer,) = to_record(replace(situation(), held={subject: held}))["held"]
    (alike,) = answer["index"]
    assert (alike["names"], alike["held"]) == (["a", "b"], ["all", "read"])
    assert alike["lacking"] == ["delete", "index", "manage", "write"]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({}, "it was written by another version of Startgate"),
        ({"format": 99}, "it was written by another version of Startgate"),
        ({"omitted": "it takes 70000 bytes"}, "it takes 70000 bytes"),
        ({"format": 1}, "it is not understood: "),
        ({**to_record(situation()), "now_ms": "1"}, "it is not understood: Expected `int`, got `str`"),
        ({**to_record(situation()), "job": {**to_record(situation())["job"], "config": "["}}, "it is not understood"),
        ({**to_record(situation()), "job": {**to_record(situation())["job"], "config": "[]"}}, "no JSON object"),
    ],
)
def test_what_is_no_situation_is_none(record: dict[str, Any], why: str) -> None:
    with pytest.raises(NotRecorded, match=why):
        from_record(record)
