"""A record that is too large for a line: shorter, marked, and still one that a later process can go on from."""

from typing import Any

from proxy.journal.bounded import LIST_LEFT, RECORD_BYTES, TEXT_LEFT_CHARS, smaller
from proxy.journal.chain import canonical
from proxy.journal.entry import LIST_LIMIT, TEXT_LIMIT_CHARS
from proxy.journal.lines import LINE_LIMIT_BYTES
from tests.journal.checking import checked
from tests.journal.making import record, sealed

LONG = "\x01" * TEXT_LIMIT_CHARS


def large(**ours: Any) -> dict[str, Any]:
    """A denied start with all that a client can make long."""
    reasons = [{"kind": "source", "text": LONG, "index": LONG}] * LIST_LIMIT
    steps = [{"kind": "source", "outcome": "denied", "text": LONG}] * LIST_LIMIT
    return record(
        "r1",
        job={"id": "j", "sources": [LONG] * LIST_LIMIT, "destination": "d" * 255},
        verdict={"allowed": False, "reasons": reasons, "steps": steps, "steps_left_out": 7},
        situation={"format": 1},
        destination={"index": "d" * 255, "meta": {"created_by": "startgate", "nonce": "n" * 64}},
        **ours,
    )


def test_it_is_small_and_marked_and_says_what_it_lacks() -> None:
    assert len(canonical(large())) > LINE_LIMIT_BYTES, "else there would be nothing to be done"
    made = smaller(large())
    assert len(canonical(made)) < RECORD_BYTES / 2
    ours = made["startgate"]
    assert ours["incomplete"] is True
    assert ours["situation"] == {"omitted": "the record would be too large"}
    assert len(ours["job"]["sources"]) == len(ours["verdict"]["reasons"]) == LIST_LEFT
    assert ours["job"]["sources"][0] == f"{LONG[:TEXT_LEFT_CHARS]}…[{len(LONG)} characters]"
    assert ours["verdict"]["reasons_left_out"] == LIST_LIMIT - LIST_LEFT
    assert ours["verdict"]["steps_left_out"] == LIST_LIMIT - LIST_LEFT + 7
    checked(_chained(made))


def test_what_it_takes_to_go_on_is_as_it_was() -> None:
    before, made = large()["startgate"], smaller(large())["startgate"]
    assert made["destination"] == before["destination"]
    assert (made["job"]["id"], made["job"]["destination"]) == (before["job"]["id"], before["job"]["destination"])
    assert (made["receipt"], made["phase"]) == (before["receipt"], before["phase"])


def test_what_is_given_stays_as_it_is() -> None:
    one = large()
    smaller(one)
    assert one == large()


def test_a_record_without_a_verdict_or_lists() -> None:
    assert smaller({"startgate": {"receipt": "r"}, "a": 1}) == {
        "startgate": {"receipt": "r", "incomplete": True},
        "a": 1,
    }


def _chained(made: dict[str, Any]) -> dict[str, Any]:
    sealed([made])
    return made
