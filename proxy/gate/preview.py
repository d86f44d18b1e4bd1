"""The plan of a start as a document: what a start would do now, with the origin of each part, and all that is wrong.

The document's shape is told in docs/plan.md; VERSION changes whenever something in it is renamed, removed, or means
something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from proxy.destination import (
    Addition,
    Conflict,
    Origin,
    added_later,
    conflicts,
    origins,
    remade_template,
)
from proxy.destination.analysed import missing_field, no_field_left
from proxy.errors import Refusal
from proxy.gate.create import creator
from proxy.gate.flight import Case, Destination, Plan
from proxy.gate.plan import copied, era_of, make_plan
from proxy.gate.ports import Facts, Foretold, Grants, IndexState
from proxy.journal import entry
from proxy.model import Identity, SourceIndex, Stage
from proxy.rules import Requirement, Subject, Verdict, settings_for

VERSION = 1
# Of each conflict so many definitions are told: ten thousand indices may have as many of each of a thousand fields.
DEFINITIONS = 100
_REMADE = (
    "the job was stopped while it was copying: Elasticsearch deletes the destination and makes it anew by itself, and "
    "no setting of Startgate's gets into it but by an index template"
)
_TEMPLATE = (
    "what Elasticsearch itself copies from the sources wins over the template; of all templates that match an index "
    "the one of the highest priority alone counts, so take over what yours say"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found out for a plan, besides the case itself.

    `sources` are those that are copied, as far as whoever they are copied for may see them; `destination` is the index
    that is there; `plan` is None where `problems` prevent one; `remade` is the plan of the index that Elasticsearch
    makes anew; `created_as` says whose credentials create the destination; `documents` is how many are in it already;
    `foretold` is what the cluster said beforehand of its creation, None where it is not created.
    """

    verdict: Verdict
    sources: tuple[SourceIndex, ...] = ()
    destination: IndexState | None = None
    plan: Plan | None = None
    remade: Plan | None = None
    created_as: str | None = None
    documents: int | None = None
    problems: tuple[Refusal, ...] = ()
    foretold: Foretold | None = None


def is_remade(case: Case) -> bool:
    """Whether this start makes Elasticsearch delete the destination and make it anew."""
    return case.known.state.state in ("stopped", "") and case.known.state.stage is Stage.RESUMING_REINDEXING


def findings(
    case: Case,
    verdict: Verdict,
    planned: Plan | Refusal,
    facts: Facts | None,
    grants: Grants | None,
    found_in: int | None,
    now_ms: int,
    failed: Refusal | None = None,
    *,
    foretold: Foretold | None = None,
) -> Findings:
    """All that speaks for and against the start, not the first only.

    `planned` is what a start itself would come to; `found_in` is how many documents are in a destination that would be
    used as it is, None where that was not asked; `failed` is why nothing could be read of sources and destination;
    `foretold` is what the cluster says of a creation.
    """
    problems = _state(case) + _of(case, planned, found_in)
    if foretold is not None and foretold.problem is not None:
        problems.append(foretold.problem)
    if failed is not None:
        problems.append(failed)
    plan = planned if isinstance(planned, Plan) else None
    sources: tuple[SourceIndex, ...] = ()
    remade = created_as = None
    try:
        if facts is not None:
            sources = copied(case.known, facts, grants)
            problems += _of_sources(case, plan, sources)
        if facts is not None and is_remade(case):
            laid = settings_for(case.rules, case.known.job.destination)
            remade = make_plan(case.known, replace(facts, destination=None), grants, now_ms, laid)
        if plan is not None and (credential := creator(case, plan)) is not None:
            created_as = credential.whose
    except Refusal as refusal:
        if refusal.reason not in [problem.reason for problem in problems]:
            problems.append(refusal)
    there = facts.destination if facts is not None else None
    return Findings(
        verdict=verdict,
        sources=sources,
        destination=there,
        plan=plan,
        remade=remade,
        created_as=created_as,
        documents=found_in,
        problems=tuple(problems),
        foretold=foretold,
    )


def _of(case: Case, planned: Plan | Refusal, found_in: int | None) -> list[Refusal]:
    if isinstance(planned, Refusal):
        return [planned]
    if found_in:
        return [Refusal(400, "status_exception", f"dest index [{case.known.job.destination}] must be empty")]
    return [] if planned.problem is None else [planned.problem]


def _of_sources(case: Case, plan: Plan | None, sources: tuple[SourceIndex, ...]) -> list[Refusal]:
    """What the cluster says of the sources at the first start, also where the destination is there already: a start
    leaves that to it, as nothing is made then."""
    job = case.known.job
    if plan is None or plan.step is not Destination.EXISTING:
        return []
    clash = next(iter(_clashes(case, sources)), None)
    texts = (missing_field(job, sources), clash and clash.text, no_field_left(job, sources))
    return [Refusal(400, "status_exception", text) for text in texts if text]


def _state(case: Case) -> list[Refusal]:
    """What of the job's own state makes the cluster refuse, in its words (TransportStartDataFrameAnalyticsAction)."""
    job, state = case.known.job, case.known.state
    if state.stage is Stage.FINISHED:
        return [Refusal(400, "status_exception", "Cannot start because the job has already finished")]
    if state.state not in ("stopped", ""):
        text = f"Cannot start data frame analytics [{job.id}] because it has already been started"
        return [Refusal(409, "status_exception", text)]
    return []


def document(case: Case, found: Findings, receipt: str) -> dict[str, Any]:
    """The whole document, of plain values."""
    job = case.known.job
    told: dict[str, Any] = {
        "version": VERSION,
        "plan_only": True,
        "receipt": receipt,
        "would_succeed": not found.problems,
        "problems": [{"status": one.status, "type": one.type, "reason": one.reason} for one in found.problems],
        "job": {
            **entry.job(job),
            "sources": list(job.sources),
            "state": case.known.state.state,
            "stage": case.known.state.stage.value,
        },
        "cluster": {"version": case.known.version},
        "verdict": _verdict(case, found.verdict),
        "destination": _destination(case, found),
        "conflicts": [_conflict(conflict) for conflict in _clashes(case, found.sources)],
        "added_later": [_addition(addition) for addition in _later(case, found)],
    }
    if found.plan is not None and found.plan.body is not None:
        told["create"] = {"method": "PUT", "path": _path(job.destination), "body": dict(found.plan.body)}
        told["origins"] = _origins(case, found, found.plan.body)
        told["effective"] = found.plan.effective
        if found.plan.overrides and found.foretold is not None:
            told["overrides_checked"] = not found.foretold.unchecked
            if found.foretold.unchecked:
                told["overrides_unchecked_because"] = found.foretold.unchecked
    if is_remade(case):
        told["remade"] = {"text": _REMADE} | _template(case, found)
    return told


def _verdict(case: Case, verdict: Verdict) -> dict[str, Any]:
    known, rules = case.known, case.rules
    identities: dict[Subject, Identity | None] = {Subject.CALLER: known.caller, Subject.SECONDARY: known.secondary}
    required = {"cluster": rules.cluster, "source": rules.source, "destination": rules.destination}
    return {
        "allowed": verdict.allowed,
        "rules": rules.revision,
        "data_subject": case.subjects.data.value,
        "asked": [subject.value for subject in case.subjects.asked],
        "intermediary": case.subjects.intermediary,
        **{subject.value: entry.identity(who) for subject, who in identities.items() if who is not None},
        "owner": entry.owner(known.job.owner),
        "required": {kind: [_requirement(one) for one in needed] for kind, needed in required.items()},
        "reasons": [reason.text for reason in verdict.reasons],
    }


def _requirement(requirement: Requirement) -> dict[str, str]:
    return {"privilege": requirement.privilege, "rule": str(requirement.origin)}


def _destination(case: Case, found: Findings) -> dict[str, Any]:
    told: dict[str, Any] = {"index": case.known.job.destination, "exists": found.destination is not None}
    if found.plan is not None:
        told |= {"step": found.plan.step.value, "why": found.plan.why}
        if found.plan.step is Destination.LEAVE and not is_remade(case):
            del told["exists"]  # nobody looked
    if found.created_as is not None:
        told["created_as"] = found.created_as
    if found.documents is not None:
        told["documents"] = found.documents
    return told | {"source_indices": [source.name for source in found.sources]}


def _clashes(case: Case, sources: tuple[SourceIndex, ...]) -> tuple[Conflict, ...]:
    try:
        return conflicts(case.known.job, sources, era_of(case.known))
    except Refusal:
        return ()  # the sources or the version cannot be understood: a problem that was met before


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "kind": conflict.kind.value,
        "field": conflict.field,
        "text": conflict.text,
        "distinct": len(conflict.definitions),
        "definitions": [{"index": one.index, "value": one.value} for one in conflict.definitions[:DEFINITIONS]],
    }


def _later(case: Case, found: Findings) -> tuple[Addition, ...]:
    if found.plan is None or case.known.state.stage is not Stage.FIRST_TIME:
        return ()
    try:
        era = era_of(case.known)
    except Refusal:
        return ()  # an index that exists needs no version, and what is added to it is not known then
    if found.plan.body is not None:
        return added_later(case.known.job, era, found.plan.body["mappings"], existing=False)
    there = found.destination.mappings if found.destination is not None else {}
    return added_later(case.known.job, era, there, existing=True)


def _addition(addition: Addition) -> dict[str, Any]:
    told: dict[str, Any] = {"section": addition.section, "field": addition.name, "why": addition.why}
    return told | ({"mapping": dict(addition.mapping)} if addition.mapping else {})


def _origins(case: Case, found: Findings, body: Mapping[str, Any]) -> dict[str, Any]:
    job = case.known.job
    overrides = {key: str(one.origin) for key, one in settings_for(case.rules, job.destination).items()}
    all_ = origins(job, found.sources, era_of(case.known), body, overrides)
    parts = {"settings": all_.settings, "properties": all_.fields, "runtime": all_.runtime, "mappings": all_.root}
    return {part: {name: _origin(origin) for name, origin in of.items()} for part, of in parts.items() if of}


def _origin(origin: Origin) -> dict[str, str]:
    told = {"kind": origin.kind.value, "text": origin.text}
    if origin.index is not None:
        told["index"] = origin.index
    if origin.place is not None:
        told["place"] = origin.place
    return told


def _template(case: Case, found: Findings) -> dict[str, Any]:
    if found.remade is None or found.remade.body is None:
        return {}
    made = remade_template(case.known.job, found.remade.body["settings"])
    request = {"method": "PUT", "path": f"/_index_template{_path(made.name)}", "body": dict(made.body)}
    return {"template": {"text": _TEMPLATE, **request, "origins": _origins(case, found, found.remade.body)["settings"]}}


def _path(name: str) -> str:
    return "/" + quote(name, safe="")
