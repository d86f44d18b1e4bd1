"""The rules in force, and how others take their place: read whole, compiled, tried on their cases, recorded, swapped.

Rules of this file:
1. What is in force is one immutable value under one name. A start takes it once, when it arrives.
2. Only a whole generation of files without any fault replaces it, and only after that is on record.
3. All that takes time happens in a thread of its own; attempts come one after the other.
"""

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proxy.errors import Fault, JournalError, RulesError
from proxy.gate import generation
from proxy.gate.generation import Taken
from proxy.gate.ports import Clock, Journal
from proxy.gate.standing import (
    Attempt,
    CasesRun,
    ExceptionState,
    Outcome,
    RuleTexts,
    Standing,
    Trigger,
    excepted,
)
from proxy.journal import entry
from proxy.rules import Rules, load

logger = logging.getLogger(__name__)

RELOAD_ACTION = "startgate-rules-reload"
# Of the faults of one attempt: a broken file of a thousand lines may have as many.
RECORDED_FAULTS = 50
# Who looks into a refused reload wants to see what was tried before; all are in the journal.
ATTEMPTS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesTold:
    """What came of the cases beside rules: how many were run, and a fault for each that failed."""

    run: int = 0
    failures: tuple[Fault, ...] = ()


# What speaks against rules that are good in themselves: something else in the configuration.
Conflicts = Callable[[Rules], Sequence[Fault]]


def no_conflicts(_rules: Rules) -> Sequence[Fault]:
    """Nothing speaks against them."""
    return ()


# Runs the cases that lie beside the rules at a path against those rules.
RunCases = Callable[[Path, Rules], CasesTold]


def no_cases(_path: Path, _rules: Rules) -> CasesTold:
    """Runs none."""
    return CasesTold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rules come from: a file or folder, the keys that vouch for break-glass entries, how cases are run, and what
    of them does not go with the configuration."""

    path: Path
    keys: Mapping[str, str] = field(default_factory=dict)
    cases: RunCases = no_cases
    conflicts: Conflicts = no_conflicts

    def take(self, more: tuple[str, ...] = ()) -> tuple[Taken, CasesRun | None]:
        """The generation that lies there, whole, and what its cases said. Takes seconds; raises nothing."""
        ran: CasesRun | None = None

        def read() -> Rules:
            nonlocal ran
            rules = load(self.path, self.keys)
            if wrong := self.conflicts(rules):
                raise RulesError(wrong)
            told = self.cases(self.path, rules)
            ran = CasesRun(run=told.run, failed=len(told.failures)) if told.run else None
            if told.failures:
                raise RulesError(told.failures)
            return rules

        try:
            return generation.take(self.path, read, more), ran
        except Exception as failure:  # a fault of ours must not take away the rules in force, or the watch over them
            logger.error("the rules at %s cannot be read", self.path, exc_info=failure)
            fault = Fault(str(self.path), f"cannot be read ({type(failure).__name__}); the gate's log says why")
            return Taken(digest="", rules=None, faults=(fault,)), ran


class RulesInForce:
    """Holds the rules in force. `current` is what a start takes; made by `boot`."""

    def __init__(self, source: Source, taken: Taken, cases: CasesRun | None, journal: Journal, clock: Clock) -> None:
        if taken.rules is None:
            raise RulesError(taken.faults)
        self.current: Rules = taken.rules
        self._source = source
        self._journal = journal
        self._clock = clock
        self._watch = generation.Watch(source.path, taken.digest)
        self._more = taken.more
        self._texts = taken.texts
        self._watched = False
        self._loaded_ms = clock.now_ms()
        self._turn = asyncio.Lock()
        # A thread of its own: reading a thousand files takes seconds, in which others need theirs.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rules")
        self._last = self._attempt(Trigger.BOOT, Outcome.LOADED, self.current.revision, "", (), cases)
        self._attempts = deque([self._last], maxlen=ATTEMPTS_KEPT)
        self._reloads: Counter[Outcome] = Counter()
        self._announce()

    def standing(self) -> Standing:
        """How they stand now."""
        now_ms = self._clock.now_ms()
        return Standing(
            revision=self.current.revision,
            loaded_at=entry.timestamp(self._loaded_ms),
            age_s=max(0, now_ms - self._loaded_ms) / 1000,
            path=str(self._source.path),
            files=self.current.files,
            watched=self._watched,
            last_attempt=self._last,
            break_glass=tuple(excepted(one, now_ms) for one in self.current.break_glass),
            attempts=tuple(self._attempts),
            reloads={outcome.value: self._reloads[outcome] for outcome in Outcome},
        )

    def texts(self) -> RuleTexts:
        """The files of the rules in force as they were read, whatever lies on the disk by now."""
        return RuleTexts(revision=self.current.revision, files=self._texts)

    async def reload(self, trigger: Trigger, by: str = "") -> Attempt:
        """Read the rules again; what is broken leaves those in force where they are, loudly. Raises nothing.

        `by` says who asked for it. Whoever asks while another attempt is under way gets one of their own after it:
        files may have changed since that one read them.
        """
        async with self._turn:
            return await self._try(trigger, by)

    async def _try(self, trigger: Trigger, by: str = "") -> Attempt:
        taken, cases = await self._in_thread(lambda: self._source.take(generation.named_by(self.current)))
        return await self._settle(taken, cases, trigger, by)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 -- whatever the work gives
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _settle(self, taken: Taken, cases: CasesRun | None, trigger: Trigger, by: str) -> Attempt:
        """Record the attempt, then swap."""
        before = self.current.revision
        if taken.rules is None:
            outcome = Outcome.REFUSED
        else:
            outcome = Outcome.UNCHANGED if taken.rules.revision == before else Outcome.LOADED
        after = before if taken.rules is None else taken.rules.revision
        attempt = self._attempt(trigger, outcome, before, by, taken.faults, cases, after=after)
        try:
            await self._journal.append(_record(attempt, taken.rules, self._clock.now_ms()))
        except JournalError as failure:
            # Not counted as tried: it is tried again when there is a journal.
            fault = Fault(str(self._source.path), f"no change of rules without a record: {failure}")
            attempt = self._attempt(trigger, Outcome.REFUSED, before, by, (*taken.faults, fault), cases)
        else:
            self._watch.tried, self._more = taken.digest, taken.more
            if taken.rules is not None:
                self.current, self._texts = taken.rules, taken.texts
            if outcome is Outcome.LOADED:
                self._loaded_ms = self._clock.now_ms()
        self._last = attempt
        self._reloads[attempt.outcome] += 1
        self._attempts.appendleft(replace(attempt, faults=attempt.faults[:RECORDED_FAULTS]))
        self._tell(attempt)
        return attempt

    def _attempt(
        self,
        trigger: Trigger,
        outcome: Outcome,
        before: str,
        by: str,
        faults: tuple[Fault, ...],
        cases: CasesRun | None,
        *,
        after: str | None = None,
    ) -> Attempt:
        return Attempt(
            at=entry.timestamp(self._clock.now_ms()),
            trigger=trigger,
            outcome=outcome,
            before=before,
            after=before if after is None else after,
            by=by,
            faults=faults,
            cases=cases,
        )

    def _tell(self, attempt: Attempt) -> None:
        how = f"{attempt.trigger}{f', {attempt.by}' if attempt.by else ''}"
        if attempt.refused:
            faults = "\n".join(map(str, attempt.faults))
            logger.error(
                "the rules were not reloaded (%s), revision %s stays in force:\n%s", how, attempt.after, faults
            )
        elif attempt.outcome is Outcome.UNCHANGED:
            logger.info("rules reloaded (%s), and they say the same: revision %s is in force", how, attempt.after)
        else:
            logger.info(
                "rules reloaded (%s), revision %s is in force and was %s before", how, attempt.after, attempt.before
            )
            self._announce()

    def _announce(self) -> None:
        """Exceptions are loud, every time that they come into force."""
        for one in self.standing().break_glass:
            if one.state is ExceptionState.OVER:
                logger.warning("break-glass exception %s (%s) is over since %s; remove it", one.id, one.rule, one.until)
                continue
            logger.error(
                "break-glass exception %s (%s) is %s, from %s until %s: %s may start %s whatever the rules say; "
                "signed by %s: %s",
                *(one.id, one.rule, one.state.value, one.since, one.until),
                *(", ".join(one.users), ", ".join(one.jobs), one.signed_by, one.reason),
            )

    async def watch(self, interval_s: float) -> None:
        """Look at the files again and again, `interval_s` seconds apart, and reload them when they have changed and
        keep still. Never ends by itself."""
        self._watched = True
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self._look()
            except Exception as failure:  # a watch that ends with one failed look would be missed by nobody
                logger.error("the rules at %s cannot be watched at the moment", self._source.path, exc_info=failure)

    async def _look(self) -> None:
        # In turn with other attempts, so that nothing is called new that one of them has just read.
        async with self._turn:
            if await self._in_thread(lambda: self._watch.due(self._more)):
                await self._try(Trigger.WATCH)

    def close(self) -> None:
        """Give the thread free; what it reads is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _record(attempt: Attempt, rules: Rules | None, now_ms: int) -> dict[str, Any]:
    """An attempt for the journal."""
    faults = [entry.cut(str(fault)) for fault in attempt.faults[:RECORDED_FAULTS]]
    record = entry.administrative(
        RELOAD_ACTION,
        secrets.token_hex(16),
        now_ms,
        outcome="failure" if attempt.refused else "success",
        reason=faults[0] if faults else "",
    )
    admin: dict[str, Any] = {
        "trigger": attempt.trigger.value,
        "outcome": attempt.outcome.value,
        "rules": {"before": attempt.before, "after": attempt.after},
    }
    if attempt.by:
        admin["by"] = entry.cut(attempt.by)
    if faults:
        admin["faults"] = faults
    if attempt.cases is not None:
        admin["cases"] = {"run": attempt.cases.run, "failed": attempt.cases.failed}
    if rules is not None and rules.break_glass:
        admin["break_glass"] = entry.cut_list([one.id for one in rules.break_glass])
    record["startgate"]["admin"] = admin
    return record
