"""The records of one start, joined."""

import pytest

from proxy.journal.entry import NOT_LIFTED, Phase
from proxy.journal.start import Start
from tests.journal.making import granted, record


def start(*records: dict[str, object]) -> Start:
    """A start with these records."""
    return Start("r", {one["startgate"]["phase"]: one for one in records})  # type: ignore[index] # decoded JSON


def test_a_start_is_shown_by_its_outcome() -> None:
    intent, outcome, end = granted("r")
    assert start(intent, outcome, end).told is outcome
    assert start(intent).told is intent
    assert start(intent, end).told is end


@pytest.mark.parametrize(
    ("phases", "open_", "unended"),
    [
        ([Phase.INTENT], True, False),
        ([Phase.INTENT, Phase.OUTCOME], False, True),
        ([Phase.INTENT, Phase.OUTCOME, Phase.END], False, False),
        ([Phase.OUTCOME], False, False),
    ],
)
def test_what_is_open_and_what_has_no_end(phases: list[Phase], open_: bool, unended: bool) -> None:
    one = start(*(record("r", phase, "success") for phase in phases))
    assert (one.open, one.unended) == (open_, unended)


def test_a_destination_that_stayed_blocked_waits_for_its_end() -> None:
    outcome = record("r", destination={"removal": f"its write block {NOT_LIFTED}"})
    assert start(outcome).blocked
    assert not start(outcome, record("r", Phase.END)).blocked
    assert not start(record("r", destination={"removal": "removed"})).blocked
