"""Whom a break-glass exception helps, and for how long."""

from dataclasses import replace

import pytest

from proxy.model import Identity
from proxy.rules.compiled import BreakGlass, Origin
from proxy.rules.evaluate import judge
from proxy.rules.situation import Situation
from proxy.rules.verdict import Outcome
from tests.rules.samples import BOB, KEY, KIBANA, granted, rules, situation

NOW_MS = 1_000
# As `xpack.security.authc.anonymous` has it.
NOBODY = Identity(username="_anonymous", realm="__anonymous", realm_type="__anonymous", authentication_type="anonymous")


def entry(users: str = "bo*", jobs: str = "job-*", until_ms: int = NOW_MS + 1, id: str = "fire") -> BreakGlass:
    return BreakGlass(
        id=id,
        from_ms=NOW_MS - 10,
        until_ms=until_ms,
        users=tuple(users.split()),
        jobs=tuple(jobs.split()),
        reason="the outage of Friday",
        signed_by="carol",
        signature="…",
        origin=Origin("r.yml", 40),
    )


def told(one: BreakGlass, of: Situation) -> tuple[bool, str]:
    """Whether a start that the rules deny passes, and what is said of the exception."""
    verdict = judge(replace(rules(), break_glass=(one,)), of)
    assert verdict.reasons
    assert (verdict.exception == one) is verdict.allowed
    return verdict.allowed, verdict.steps[-1].text


def test_an_exception_lets_pass_what_the_rules_deny_and_all_reasons_stay() -> None:
    verdict = judge(replace(rules(), break_glass=(entry(),)), situation())
    assert verdict.allowed
    assert verdict.reasons == judge(rules(), situation()).reasons
    step = verdict.steps[-1]
    assert (step.outcome, step.id, str(step.origin)) == (Outcome.PASSED, "fire", "r.yml:40")
    assert step.text == "break-glass [fire]: it lets the start pass: the outage of Friday"
    assert step.seen == {"from_ms": 990, "until_ms": 1001, "now_ms": 1000, "signed_by": "carol"}


@pytest.mark.parametrize(
    ("one", "of", "helps", "why"),
    [
        (entry(until_ms=NOW_MS), situation(), False, "it has run out"),
        (replace(entry(), from_ms=NOW_MS + 1, until_ms=NOW_MS + 9), situation(), False, "it is not in force yet"),
        (entry(jobs="job-2"), situation(), False, "it is for other jobs"),
        (entry(users="ann"), situation(), False, "it is for other users"),
        (entry(users="/bo(/"), situation(), False, "its patterns cannot be compared exactly"),
        (entry(users="*"), situation(by=replace(BOB, asked_to_run_as=True)), False, "it is for other users"),
        (entry(users="bob"), situation(by=replace(BOB, asked_to_run_as=True)), True, "it lets the start pass"),
        (entry(users="*"), situation(by=NOBODY), False, "it is for other users"),
        (entry(users="_anonymous"), situation(by=NOBODY), True, "it lets the start pass"),
        (entry(users="*"), situation(by=KIBANA), False, "it is for other users"),
        (entry(users="kibana_system"), situation(by=KIBANA), True, "it lets the start pass"),
        (entry(users="bob"), situation(by=KEY), False, "it helps people, and the caller is an API key"),
        (replace(entry(), from_ms=NOW_MS), situation(), True, "it lets the start pass: the outage of Friday"),
    ],
)
def test_whom_it_helps(one: BreakGlass, of: Situation, helps: bool, why: str) -> None:
    passed, text = told(one, of)
    assert passed is helps
    assert text.startswith(f"break-glass [fire]: {why}")


def test_where_nothing_speaks_against_the_start_none_is_used() -> None:
    wanted = replace(rules(), break_glass=(entry(),))
    verdict = judge(wanted, situation(held=granted(wanted, situation())))
    assert verdict.exception is None
    assert verdict.steps[-1].outcome is Outcome.NOT_REACHED


def test_the_first_that_helps_is_used() -> None:
    wanted = replace(rules(), break_glass=(entry(users="ann", id="a"), entry(id="b"), entry(id="c")))
    verdict = judge(wanted, situation())
    assert verdict.exception is not None
    assert verdict.exception.id == "b"
    assert [step.outcome for step in verdict.steps[-3:]] == [Outcome.DENIED, Outcome.PASSED, Outcome.NOT_REACHED]


def test_what_is_said_of_each() -> None:
    wanted = replace(rules(), break_glass=(entry(users="ann", id="a"), entry(id="b"), entry(id="c")))
    used = [step.text for step in judge(wanted, situation()).steps[-3:]]
    assert used == [
        "break-glass [a]: it is for other users",
        "break-glass [b]: it lets the start pass: the outage of Friday",
        "break-glass [c]: another helps already",
    ]
    held = judge(wanted, situation(held=granted(wanted, situation())))
    assert [step.text for step in held.steps[-3:]] == [f"break-glass [{id}]: it is not needed" for id in "abc"]
