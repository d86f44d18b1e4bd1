"""The rules in force, what they did, and trying them: asked of the gate by its control socket."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxy.admin.api import ApiError, Role, Viewer
from proxy.admin.shown.rules import RuleFile, Rules, Tried, TryCase
from proxy.admin.views.needed import needs
from proxy.admin.views.steps import judgement
from proxy.control.client import Control
from proxy.control.rules import BY_CHARS
from proxy.errors import CannotServe, Fault
from proxy.gate.rule_counts import RuleCount
from proxy.gate.standing import Attempt, RuleText, RuleTexts, Standing
from proxy.gate.trial import CASE_BYTES, NotTried, Trial
from proxy.text import plain

# Reading a thousand files, running their cases, and a turn before that one: as long as anybody is likely to wait who
# says how long to `startgate rules reload`.
RELOAD_S: Final = 600.0
# Of a text with a thousand faults the first ones tell enough.
FAULTS_TOLD: Final = 20
NO_CONTROL: Final = "this gate has no control socket, so that nobody can ask it about its rules"


class RulesView:
    """The rules of the gate whose control socket is at `control`; None where it has none."""

    def __init__(self, control: Path | None) -> None:
        self._control = None if control is None else Control(control)

    async def rules(self, viewer: Viewer) -> Rules:
        """All about the rules in force. Raises ApiError: 403; 503, no gate answers."""
        needs(viewer, Role.READ)
        gate = self._gate()
        try:
            standing, texts, counts = await asyncio.gather(gate.standing(), gate.texts(), gate.counts())
        except CannotServe as failure:
            raise ApiError(503, str(failure)) from failure
        files = await asyncio.to_thread(_compared, texts)
        return _shown(standing, files, counts.counts, counts.since)

    async def reload(self, viewer: Viewer) -> Attempt:
        """Have the files read again; what came of it, which may be a refusal. Raises ApiError as `rules`."""
        needs(viewer, Role.WRITE)
        try:
            return await self._gate().reload(RELOAD_S, plain(f"{viewer.name} of the realm {viewer.realm}")[:BY_CHARS])
        except CannotServe as failure:
            raise ApiError(503, str(failure)) from failure

    async def try_case(self, viewer: Viewer, asked: TryCase) -> Tried:
        """What comes of a case.

        Raises ApiError: 403; 413, too long; 422, it is no case, with the places of its faults, or judging it takes too
        much; 429, another one is being tried; 503, no gate answers.
        """
        needs(viewer, Role.READ)
        if len(asked.case.encode(errors="replace")) > CASE_BYTES:
            raise ApiError(413, "the case is too long", where="case", allowed=f"{CASE_BYTES:,} bytes")
        try:
            trial = await self._gate().try_case(asked.case)
        except NotTried as failure:
            raise ApiError(
                429 if failure.busy else 422, str(failure), where="" if failure.busy else "case"
            ) from failure
        except CannotServe as failure:
            raise ApiError(503, str(failure)) from failure
        if trial.faults:
            raise _no_case(trial.faults)
        return _tried(trial)

    def _gate(self) -> Control:
        if self._control is None:
            raise ApiError(503, NO_CONTROL, hint="set control.socket (docs/reloading.md)")
        return self._control


def _shown(standing: Standing, files: tuple[RuleFile, ...], counts: Sequence[RuleCount], since: str) -> Rules:
    return Rules(
        revision=standing.revision,
        loaded_at=standing.loaded_at,
        age_s=standing.age_s,
        path=standing.path,
        files=files,
        watched=standing.watched,
        last_attempt=standing.last_attempt,
        attempts=standing.attempts,
        break_glass=standing.break_glass,
        counts=tuple(counts),
        counts_since=since,
        reloads=standing.reloads,
    )


def _compared(texts: RuleTexts) -> tuple[RuleFile, ...]:
    """Reads the files again: not for the event loop."""
    return tuple(
        RuleFile(path=one.path, text=one.text, changed=_differs(one), left_out=one.left_out) for one in texts.files
    )


def _differs(file: RuleText) -> bool:
    """Whether another text is there by now, or none that can be read."""
    if file.left_out:
        return False
    try:
        with Path(file.path).open("rb") as stream:
            # One byte more than it had tells as much as all of it. A character has four at most, the mark three.
            content = stream.read(len(file.text) * 4 + 4)
    except OSError:
        return True
    return content.decode("utf-8-sig", errors="replace") != file.text


def _no_case(faults: Sequence[Fault]) -> ApiError:
    """All that is wrong with a text, each with its line and column."""
    told = [f"{fault.line}:{fault.column}: {fault.message}" for fault in faults[:FAULTS_TOLD]]
    more = [f"and {len(faults) - FAULTS_TOLD} more"] if len(faults) > FAULTS_TOLD else []
    first = faults[0]
    return ApiError(
        422,
        "; ".join(told + more),
        where=f"case:{first.line}:{first.column}",
        hint="docs/testing-rules.md says how a case is written",
    )


def _tried(trial: Trial) -> Tried:
    return Tried(
        revision=trial.revision,
        verdict=trial.verdict,
        status=trial.status,
        reason=trial.reason,
        judgements=tuple(judgement(one.outcome, one.text, one.rule) for one in trial.steps),
        plan=trial.plan,
        differences=trial.differences,
    )
