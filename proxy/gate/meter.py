"""What the gate tells of itself: starts, journal, sinks, rules; and whether it is well."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.gate.rule_counts import RuleTally
from proxy.gate.standing import ExceptionState, Standing
from proxy.gate.tally import Starts
from proxy.journal.standing import JournalStanding, JournalState
from proxy.metrics.snapshot import Telling
from proxy.metrics.spread import Spread
from proxy.metrics.teller import Teller
from proxy.ship.model import Status
from proxy.tasks import spawn
from proxy.tracing.sending import Counts

# Of the first fault of a file that was refused: enough to see where it is.
REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What can be asked of a gate. `in_flight` is how many starts are under way; `fsyncs` how long fsyncs took;
    `spans` what became of the spans of traces, None where nothing is traced."""

    starts: Starts
    rule_tally: RuleTally
    in_flight: Callable[[], int]
    rules: Callable[[], Standing]
    journal: Callable[[], JournalStanding]
    fsyncs: Spread
    sinks: Callable[[], Sequence[Status]]
    spans: Callable[[], Counts | None] = lambda: None

    def tell(self, telling: Telling) -> None:
        """Everything, as of now."""
        self.starts.tell(telling)
        self.rule_tally.tell(telling)
        telling.add("startgate_starts_in_flight", self.in_flight())
        _tell_rules(telling, self.rules())
        _tell_journal(telling, self.journal())
        telling.spread("startgate_journal_fsync_duration_seconds", self.fsyncs)
        for sink in self.sinks():
            _tell_sink(telling, sink)
        spans = self.spans()
        if spans is not None:
            telling.add("startgate_trace_spans", spans.sent, "sent")
            telling.add("startgate_trace_spans", spans.lost, "lost")


@asynccontextmanager
async def telling_of(teller: Teller | None, meter: Meter) -> AsyncIterator[None]:
    """Tell what is counted meanwhile, where anybody asks; `teller` is None where nobody does."""
    if teller is None:
        yield
        return
    task = spawn(teller.keep(meter.tell), name="gate-metrics")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _tell_rules(telling: Telling, rules: Standing) -> None:
    # The attempt at boot was none that was refused, or there would be no gate.
    refused = rules.last_attempt.refused
    telling.add("startgate_rules", 1, rules.revision)
    telling.add("startgate_rules_age_seconds", rules.age_s)
    telling.add("startgate_rules_last_reload_success", int(not refused))
    for outcome, count in rules.reloads.items():
        telling.add("startgate_rules_reloads", count, outcome)
    in_force = sum(one.state is ExceptionState.IN_FORCE for one in rules.break_glass)
    telling.add("startgate_break_glass_in_force", in_force)
    faults = rules.last_attempt.faults
    first = f": {faults[0]}"[:REASON_CHARACTERS] if faults else ""
    text = f"what lies on the disk was refused, and revision {rules.revision} stays in force{first}"
    telling.check("rules", text if refused else f"revision {rules.revision}", ok=not refused)


def _tell_journal(telling: Telling, journal: JournalStanding) -> None:
    writable = journal.state is JournalState.WRITABLE
    telling.add("startgate_journal_writable", int(writable))
    counts = {"appended": journal.appended, "refused": journal.refused, "lost": journal.lost, "late": journal.late}
    for result, count in counts.items():
        telling.add("startgate_journal_records", count, result)
    telling.check("journal", f"{journal.state.value}: {journal.reason}" if not writable else "writable", ok=writable)


def _tell_sink(telling: Telling, status: Status) -> None:
    telling.add("startgate_sink_lag_records", status.lag.records, status.sink)
    telling.add("startgate_sink_lag_seconds", status.lag.seconds, status.sink)
    telling.add("startgate_sink_lag_bytes", status.lag.bytes, status.sink)
    telling.add("startgate_sink_failing", int(bool(status.trouble)), status.sink)
    telling.add("startgate_sink_records", status.accepted, status.sink, "accepted")
    telling.add("startgate_sink_records", status.rejected, status.sink, "rejected")
