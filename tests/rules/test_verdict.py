"""The decision as a value."""

import pytest

from proxy.rules.compiled import BreakGlass, Origin
from proxy.rules.verdict import Reason, ReasonKind, Verdict, Warned

PLACE = Origin("r.yml", 3)
REASON = Reason(kind=ReasonKind.GUARD, text="no", id="g", origin=PLACE)
WARNED = Warned("g", "mind", PLACE)
EXCEPTION = BreakGlass(
    id="e",
    from_ms=0,
    until_ms=1,
    users=("bob",),
    jobs=("*",),
    reason="fire",
    signed_by="k",
    signature="s",
    origin=PLACE,
)


@pytest.mark.parametrize(
    ("verdict", "allowed"),
    [
        (Verdict(), True),
        (Verdict(warnings=(WARNED,), shadowed=(WARNED,)), True),
        (Verdict(reasons=(REASON,)), False),
        (Verdict(reasons=(REASON,), exception=EXCEPTION), True),
    ],
)
def test_only_reasons_without_an_exception_deny(verdict: Verdict, allowed: bool) -> None:
    assert verdict.allowed is allowed
