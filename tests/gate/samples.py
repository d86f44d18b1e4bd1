"""Rules with guards, flows and exceptions, for the tests of the gate."""

from dataclasses import replace

from proxy.rules import Origin, Rules
from proxy.rules.cel import compile_condition
from proxy.rules.compiled import BreakGlass, Guard, Mode
from tests.gate.fakes import RULES


def guard(id: str, deny: str, mode: Mode = Mode.ENFORCE, message: str = "Mind the gap.") -> Guard:
    """A guard with this condition."""
    return Guard(
        id=id, mode=mode, deny=deny, program=compile_condition(deny), message=message, origin=Origin("r.yml", 12)
    )


def guarded(*guards: Guard) -> Rules:
    """The shipped rules with guards."""
    return replace(RULES, guards=guards)


FIRE = BreakGlass(
    id="fire",
    from_ms=0,
    until_ms=2**45,
    users=("ann",),
    jobs=("outliers",),
    reason="the outage",
    signed_by="carol",
    signature="s",
    origin=Origin("r.yml", 40),
)
