"""A look at a line says what decoding it would, or that it is no record."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.journal.entry import NOT_LIFTED, Phase, administrative
from proxy.journal.glance import Glance, glance
from tests.journal.making import encode, granted, record

TIME = "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize(
    ("content", "may_end"),
    [
        (granted("r")[0], True),
        (record("r", outcome="success"), True),
        (record("r", outcome="unknown"), True),
        (record("r"), False),
        (record("r", outcome="success", plan_only=True), False),
        (record("r", outcome="success", explain_only=True), False),
        (record("r", destination={"removal": f"its block {NOT_LIFTED}"}), True),
        (record("r", destination={"removal": "removed"}), False),
        (record("r", Phase.END, "success"), False),
    ],
)
def test_what_a_record_says(content: dict[str, Any], may_end: bool) -> None:
    assert glance(encode(content)) == Glance(content["startgate"]["phase"], "r", TIME, may_end)


@pytest.mark.parametrize(
    "content", [administrative("x", "y", 0, outcome="success"), {"startgate": {"observed": {}, "format": 1}}]
)
def test_records_of_no_start(content: dict[str, Any]) -> None:
    assert glance(encode(content)) is None
    both = {**content, "startgate": {**content["startgate"], "admin": {}, "phase": "outcome", "receipt": "r"}}
    assert glance(encode(both)) is None


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b"{}", b'{"startgate":{}}', b"\xff", b"[" * 100_000, b'{"startgate":1}']
)
def test_what_is_no_record(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[A-Za-z]"):
        glance(line)


ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just({}), st.just([]))


@settings(max_examples=300)
@given(
    ours=st.dictionaries(st.sampled_from(["plan_only", "explain_only", "destination"]), ODD),
    event=ODD | st.fixed_dictionaries({"outcome": ODD | st.sampled_from(["success", "failure"])}),
    time=ODD,
)
def test_fields_of_any_type_are_no_reason_to_fail(ours: dict[str, Any], event: Any, time: Any) -> None:
    content = {"@timestamp": time, "event": event, "startgate": {"phase": "outcome", "receipt": "r", **ours}}
    seen = glance(msgspec.json.encode(content))
    assert seen is not None
    assert (seen.phase, seen.receipt, seen.time) == ("outcome", "r", time if isinstance(time, str) else None)
