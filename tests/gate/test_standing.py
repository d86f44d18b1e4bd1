"""How the rules stand, as values that survive JSON."""

import msgspec
import pytest

from proxy.errors import Fault
from proxy.gate.standing import Attempt, CasesRun, ExceptionState, Outcome, Standing, Trigger, excepted
from proxy.rules.compiled import BreakGlass, Origin

ENTRY = BreakGlass(
    id="INC-7",
    from_ms=1000,
    until_ms=2000,
    users=("anna",),
    jobs=("*",),
    reason="why",
    signed_by="ops",
    signature="x",
    origin=Origin("a.yml", 3),
)


@pytest.mark.parametrize(
    ("now_ms", "state"),
    [
        (999, ExceptionState.WAITING),
        (1000, ExceptionState.IN_FORCE),
        (1999, ExceptionState.IN_FORCE),
        (2000, ExceptionState.OVER),
    ],
)
def test_an_exception_waits_counts_and_is_over(now_ms: int, state: ExceptionState) -> None:
    told = excepted(ENTRY, now_ms)
    assert told.state is state
    assert (told.since, told.until) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z")
    assert told.rule == "a.yml:3"


def test_json_and_back_is_the_same() -> None:
    attempt = Attempt(
        at="2026-11-24T10:00:00.000Z",
        trigger=Trigger.CONTROL,
        outcome=Outcome.REFUSED,
        before="a",
        after="a",
        by="user 0, process 1",
        faults=(Fault("a.yml", "no", 1, 2),),
        cases=CasesRun(run=3, failed=1),
    )
    standing = Standing(
        revision="a",
        loaded_at="2026-11-24T09:00:00.000Z",
        age_s=3.5,
        path="rules",
        files=("a.yml",),
        watched=True,
        last_attempt=attempt,
        break_glass=(excepted(ENTRY, 0),),
    )
    assert msgspec.json.decode(msgspec.json.encode(standing), type=Standing) == standing
    assert attempt.refused


@pytest.mark.parametrize(("outcome", "refused"), [(Outcome.LOADED, False), (Outcome.UNCHANGED, False)])
def test_only_a_refusal_leaves_the_disk_out_of_force(outcome: Outcome, refused: bool) -> None:
    attempt = Attempt(at="", trigger=Trigger.WATCH, outcome=outcome, before="a", after="b")
    assert attempt.refused is refused
