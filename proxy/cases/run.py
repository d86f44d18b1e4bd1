"""One case through the gate's own flow: what is tested here is what is enforced there, by the same code."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.cases.compare import Came, differences
from proxy.cases.coverage import mapping_steps
from proxy.cases.model import Case, CaseFile, Setting, Wanted
from proxy.cases.world import CaseClock, CaseCluster, CaseJournal, authorization
from proxy.gate import flow
from proxy.gate.request import SECONDARY_HEADER, Arrived
from proxy.journal.entry import Phase
from proxy.model import Answer
from proxy.rules import Rules
from proxy.rules.recorded import NotRecorded, from_record
from proxy.settings import GateLimits

SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one case. `steps` are those of its explanation, where they were asked for."""

    file: str
    case: Case
    differences: tuple[str, ...] = ()
    skipped: str | None = None
    came: Came | None = None
    steps: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return self.skipped is None and not self.differences


async def run_file(file: CaseFile, rules: Rules, only: str = "", *, steps: bool = False) -> tuple[Result, ...]:
    """Run the cases of a file whose names hold `only`, one after the other; `steps`: each is explained, too."""
    return tuple([await run_case(file, case, rules, explain=steps) for case in file.cases if only in case.name])


async def run_case(file: CaseFile, case: Case, rules: Rules, *, explain: bool = False) -> Result:
    """Run one case, unless it is to be skipped."""
    if case.skip is not None:
        return Result(file=file.path, case=case, skipped=case.skip)
    answer, cluster, records = await played(file.setting, case, rules)
    came = _came(answer, cluster.created, records)
    steps = await _steps(file.setting, case, rules, records) if explain and came.verdict is not None else ()
    return Result(file=file.path, case=case, differences=differences(case.expected, came), came=came, steps=steps)


async def _steps(
    setting: Setting, case: Case, rules: Rules, records: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """The steps of a case's explanation, which has all of them and what they saw; a record has them in short."""
    answer, _, _ = await played(setting, case, rules, explain=True)
    explained = json.loads(answer.body).get("steps", ()) if answer.status == 200 else ()
    try:
        situation = from_record(_outcome(records).get("situation", {}))
    except NotRecorded:
        return tuple(explained)
    return (*explained, *mapping_steps(rules, situation))


async def played(
    setting: Setting, case: Case, rules: Rules, *, explain: bool = False
) -> tuple[Answer, CaseCluster, tuple[Mapping[str, Any], ...]]:
    """One start as the case has it: the answer, the cluster after it, and the records.

    `explain`: its explanation is asked for instead, so that nothing is made or forwarded.
    """
    cluster, journal = CaseCluster(setting, case), CaseJournal()
    locks: dict[str, asyncio.Lock] = {}
    world = flow.World(
        cluster=cluster,
        journal=journal,
        clock=CaseClock(case.now_ms),
        limits=GateLimits(),
        service=SERVICE if setting.service else None,
        started=lambda *_: None,
    )
    start = replace(arrived(case), explain=("only",)) if explain else arrived(case)
    answer = await flow.start(start, rules, world, lambda job: locks.setdefault(job, asyncio.Lock()))
    return answer, cluster, tuple(journal.records)


def arrived(case: Case) -> Arrived:
    """The request of a case."""
    query = "" if case.timeout is None else f"?timeout={case.timeout}"
    own = [("authorization", authorization(case.caller))]
    if case.secondary is not None:
        own.append((SECONDARY_HEADER, authorization(case.secondary)))
    return Arrived(
        target=f"/_ml/data_frame/analytics/{case.job}/_start{query}",
        headers=(*own, *case.headers),
        peer=case.peer,
        receipt="case",
    )


def _came(answer: Answer, created: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Came:
    ours = _outcome(records)
    verdict = ours.get("verdict")
    plan: dict[str, Any] = {}
    if "destination" in ours:
        plan["step"] = ours["destination"]["plan"]
    if created:
        (plan["body"],) = created.values()  # a start makes one index at most
    return Came(
        status=answer.status,
        error=_error(answer),
        verdict=None if verdict is None else Wanted.ALLOWED if verdict["allowed"] else Wanted.DENIED,
        reasons=_texts(verdict, "reasons", "text"),
        warnings=_texts(verdict, "warnings", "id"),
        shadowed=_texts(verdict, "shadowed", "id"),
        plan=plan,
        records=tuple(records),
    )


def _outcome(records: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Our own part of the outcome's record."""
    found: Mapping[str, Any] = next(
        record["startgate"] for record in records if record["startgate"]["phase"] == Phase.OUTCOME
    )
    return found


def _texts(verdict: Mapping[str, Any] | None, part: str, key: str) -> tuple[str, ...]:
    return tuple(str(one[key]) for one in (verdict or {}).get(part, ()))


def _error(answer: Answer) -> str:
    """The reason in an answer that is a refusal; empty in any other."""
    if answer.status < 300:
        return ""
    error = json.loads(answer.body).get("error")
    return str(error.get("reason", "") if isinstance(error, dict) else error)
