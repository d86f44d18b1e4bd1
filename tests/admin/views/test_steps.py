"""Steps of a verdict, as they are shown."""

import pytest

from proxy.admin.views.steps import NOT_REACHED, judgement
from proxy.rules.verdict import Outcome

TOLD = {
    Outcome.PASSED: (True, "enforce"),
    Outcome.DENIED: (False, "enforce"),
    Outcome.WARNED: (False, "warn"),
    Outcome.SHADOW_DENIED: (False, "shadow"),
    Outcome.UNKNOWN: (False, "enforce"),
    Outcome.NOT_REACHED: (True, NOT_REACHED),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_told(outcome: Outcome) -> None:
    told = judgement(outcome.value, "text", "r.yml:1")
    assert (told.held, told.mode) == TOLD[outcome]
    assert (told.text, told.rule) == ("text", "r.yml:1")
