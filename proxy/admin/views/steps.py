"""Steps of a verdict, as a viewer is shown them [pure]."""

from typing import Final

from proxy.admin.shown.starts import Judgement
from proxy.rules.compiled import Mode
from proxy.rules.verdict import Outcome

# What was not looked at, since nothing depended on it.
NOT_REACHED: Final = "not reached"
_MODES: Final = {
    Outcome.WARNED.value: Mode.WARN.value,
    Outcome.SHADOW_DENIED.value: Mode.SHADOW.value,
    Outcome.NOT_REACHED.value: NOT_REACHED,
}


def judgement(outcome: str, text: str, rule: str) -> Judgement:
    """One step. It held where it says nothing against the start: what cannot be told does."""
    held = outcome in (Outcome.PASSED.value, Outcome.NOT_REACHED.value)
    return Judgement(text=text, held=held, mode=_MODES.get(outcome, Mode.ENFORCE.value), rule=rule)
