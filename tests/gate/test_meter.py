"""What the gate tells of rules, journal and sinks, and whether it is well."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import Fault
from proxy.gate.meter import REASON_CHARACTERS, Meter
from proxy.gate.rule_counts import RuleTally
from proxy.gate.standing import Attempt, Excepted, ExceptionState, Outcome, Standing, Trigger
from proxy.gate.tally import Starts
from proxy.journal.standing import JournalStanding, JournalState
from proxy.metrics.snapshot import Telling
from proxy.metrics.spread import FSYNC_S, Spread
from proxy.ship.model import Lag, Status
from proxy.tracing.sending import Counts
from tests.gate.fakes import RULES as IN_FORCE
from tests.gate.fakes import FakeClock

ATTEMPT = Attempt(at="2026-01-01T00:00:00Z", trigger=Trigger.BOOT, outcome=Outcome.LOADED, before="a", after="a")
RULES = Standing(
    revision="abc",
    loaded_at="x",
    age_s=12.5,
    path="rules",
    files=(),
    watched=True,
    last_attempt=ATTEMPT,
    reloads={"loaded": 1, "refused": 2},
)
JOURNAL = JournalStanding(
    state=JournalState.WRITABLE,
    reason="",
    journal="j",
    file="f",
    seq=9,
    appended=5,
    refused=4,
    lost=3,
    late=2,
    last_fsync_s=0.002,
)


def told(
    rules: Standing = RULES,
    journal: JournalStanding = JOURNAL,
    sinks: Sequence[Status] = (),
    spans: Counts | None = None,
) -> tuple[dict[tuple[str, ...], float], dict[str, Any]]:
    """All values by name and labels, and all checks by name."""
    fsyncs = Spread(FSYNC_S)
    fsyncs.note(0.002)
    meter = Meter(
        starts=Starts(),
        rule_tally=RuleTally(lambda: IN_FORCE, FakeClock()),
        in_flight=lambda: 3,
        rules=lambda: rules,
        journal=lambda: journal,
        fsyncs=fsyncs,
        sinks=lambda: sinks,
        spans=lambda: spans,
    )
    telling = Telling()
    meter.tell(telling)
    values = {(one.family, *one.labels): one.value for one in telling.values}
    values |= {(many.family, *many.labels): sum(many.counts) for many in telling.buckets}
    return values, {check.name: check for check in telling.checks}


def test_when_all_is_well() -> None:
    values, checks = told()
    assert values["startgate_starts_in_flight",] == 3
    assert values["startgate_rules", "abc"] == 1
    assert values["startgate_rules_age_seconds",] == 12.5
    assert values["startgate_rules_last_reload_success",] == 1
    assert values["startgate_rules_reloads", "refused"] == 2
    assert values["startgate_journal_writable",] == 1
    assert values["startgate_journal_fsync_duration_seconds",] == 1
    counts = {key[1]: value for key, value in values.items() if key[0] == "startgate_journal_records"}
    assert counts == {"appended": 5, "refused": 4, "lost": 3, "late": 2}
    assert {name: check.ok for name, check in checks.items()} == {"rules": True, "journal": True}
    assert checks["rules"].reason == "revision abc"


def test_rules_that_were_refused_are_told_with_the_first_fault() -> None:
    fault = Fault("rules/start.yml", "unknown key 'rquires'", 3, 5)
    refused = replace(RULES, last_attempt=replace(ATTEMPT, outcome=Outcome.REFUSED, faults=(fault, fault)))
    values, checks = told(rules=refused)
    assert values["startgate_rules_last_reload_success",] == 0
    assert not checks["rules"].ok
    assert "revision abc stays in force: rules/start.yml:3:5: unknown key 'rquires'" in checks["rules"].reason


def test_a_fault_of_any_length_is_told_in_short() -> None:
    fault = Fault("rules/start.yml", "x" * 10_000)
    refused = replace(RULES, last_attempt=replace(ATTEMPT, outcome=Outcome.REFUSED, faults=(fault,)))
    _, checks = told(rules=refused)
    assert len(checks["rules"].reason) < REASON_CHARACTERS + 200


@pytest.mark.parametrize("state", [JournalState.FAILING, JournalState.STALLED])
def test_a_journal_that_takes_nothing_is_told_with_its_reason(state: JournalState) -> None:
    values, checks = told(journal=replace(JOURNAL, state=state, reason="no space left"))
    assert values["startgate_journal_writable",] == 0
    assert (checks["journal"].ok, checks["journal"].reason) == (False, f"{state.value}: no space left")


def test_exceptions_count_while_they_are_in_force() -> None:
    one = Excepted(
        id="x",
        state=ExceptionState.IN_FORCE,
        since="a",
        until="b",
        users=("u",),
        jobs=("j",),
        reason="r",
        signed_by="s",
        rule="f:1",
    )
    rules = replace(RULES, break_glass=(one, replace(one, state=ExceptionState.OVER), one))
    assert told(rules=rules)[0]["startgate_break_glass_in_force",] == 2


def test_sinks_are_told_by_name() -> None:
    well = Status(sink="syslog", lag=Lag(records=3, seconds=1.5, bytes=900), accepted=7, rejected=1)
    broken = Status(sink="webhook", lag=Lag(), trouble="it is down")
    values, _ = told(sinks=[well, broken])
    assert values["startgate_sink_lag_records", "syslog"] == 3
    assert values["startgate_sink_lag_seconds", "syslog"] == 1.5
    assert values["startgate_sink_lag_bytes", "syslog"] == 900
    assert values["startgate_sink_records", "syslog", "accepted"] == 7
    assert values["startgate_sink_records", "syslog", "rejected"] == 1
    assert values["startgate_sink_failing", "syslog"] == 0
    assert values["startgate_sink_failing", "webhook"] == 1


def test_spans_are_told_where_starts_are_traced() -> None:
    values, _ = told(spans=Counts(sent=40, lost=2))
    assert (values["startgate_trace_spans", "sent"], values["startgate_trace_spans", "lost"]) == (40, 2)
    assert not [name for name, *_ in told()[0] if name == "startgate_trace_spans"]
