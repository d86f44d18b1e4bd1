"""Turns what is known of a start into the journal's records. An allow-list: what is not named here is not recorded.

Which attempts are recorded, and when, is in docs/decisions/021-what-is-recorded.md.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.gate.flight import Flight, Known, Plan
from proxy.gate.found import Found
from proxy.gate.record_request import request_fields, way_fields, without_quotes
from proxy.journal import entry
from proxy.journal.entry import Phase
from proxy.model import Answer, Identity, JobState, Stage
from proxy.notes import UNCERTAIN
from proxy.rules import Situation, Subjects, Verdict, in_short, to_record

# Of one situation: a job over a thousand sources takes about this much.
SITUATION_BYTES = 64 * 1024
# Of a whole create body of which the settings are told.
SETTINGS_BYTES = 16 * 1024
# More concrete indices do not fit into that: they are not even written down to be counted.
SITUATION_INDICES = 2000


def intent(flight: Flight, now_ms: int) -> dict[str, Any]:
    """What is about to be done. Durable before the first effect."""
    return _start(Phase.INTENT, flight, now_ms, outcome="unknown")


def outcome(flight: Flight, answer: Answer, now_ms: int) -> dict[str, Any]:
    """What was decided and done, and what the client is answered with."""
    answered = flight.cluster_answer is not None or flight.arrived.plan_only or flight.arrived.explain_only
    succeeded = answered and 200 <= answer.status < 300
    # Without a usable answer to an intended start nobody knows whether the job runs.
    unknown = flight.intended and answer.status in UNCERTAIN
    result = "success" if succeeded else "unknown" if unknown else "failure"
    reason = _told(flight) or _refusal(flight.cluster_answer)
    record = _start(Phase.OUTCOME, flight, now_ms, outcome=result, reason=reason)
    record["event"]["start"] = entry.timestamp(flight.begun_ms)
    record["event"]["duration"] = round(flight.marks_ms.get("answered", 0) * 1e6)
    record["http"]["response"] = {"status_code": answer.status}
    ours = record["startgate"]
    if flight.plan is not None and not flight.arrived.plan_only:
        ours["destination"]["created"] = flight.created
    if flight.created_as is not None:
        ours["destination"]["created_as"] = flight.created_as
    if flight.removal is not None:
        ours["destination"]["removal"] = entry.cut(flight.removal)
    if flight.cluster_answer is not None:
        ours["cluster"] = {"status": flight.cluster_answer.status, **_node(flight.cluster_answer)}
    ours["timings_ms"] = dict(flight.marks_ms)
    return record


def told_otherwise(outcome: Mapping[str, Any], status: int, why: str) -> dict[str, Any]:
    """The outcome of a start, where the client was answered with another status, since the journal did not take it."""
    event = outcome["event"]
    reason = "; ".join(text for text in (event.get("reason"), why) if text)
    http = outcome["http"]
    return {
        **outcome,
        "event": {**event, "reason": entry.cut(reason)},
        "http": {**http, "response": {**http["response"], "status_code": status}},
    }


def _told(flight: Flight) -> str:
    """What went wrong; where that was the request itself, without what the text quotes of its query and body."""
    problem = flight.problem or ""
    return problem if flight.job_id is not None else without_quotes(problem, flight.arrived)


def bare_outcome(flight: Flight, answer: Answer, now_ms: int) -> dict[str, Any]:
    """The outcome where something in the flight cannot be put on record: who asked for what over the wire, and the
    answer. It must not fail whatever the cluster said."""
    succeeded = flight.cluster_answer is not None and 200 <= answer.status < 300
    reason = f"{_told(flight)} (not all of this start could be put on record; the gate's log says why)".strip()
    result = "success" if succeeded else "unknown" if flight.intended else "failure"
    record = entry.frame(Phase.OUTCOME, flight.arrived.receipt, now_ms, outcome=result, reason=reason)
    record |= request_fields(flight.arrived)
    record["http"]["response"] = {"status_code": answer.status}
    record["startgate"]["incomplete"] = True
    record["startgate"]["job"] = {"id": entry.cut(flight.job_id or "")}
    return record


def restarted(receipt: str, job_id: str, again: str, now_ms: int, *, made_anew: bool = False) -> dict[str, Any]:
    """The end of a start whose job stopped unseen: it was started again, under the receipt `again`. `made_anew`: it was
    deleted, and it is another job of its name that was started."""
    if made_anew:
        why = f"the job was deleted and made anew, and was started as {again}"
        record = end(receipt, job_id, None, why, now_ms, Run(made_anew=True))
    else:
        record = end(receipt, job_id, None, f"the job stopped, and was started again as {again}", now_ms)
        record["startgate"]["end"] = {"state": "stopped"}
    record["startgate"]["end"]["started_again_as"] = again
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What else is known of how a started job went.

    `begun_ms` and `ran_ms` are when it was started, None where another process did, and how long that is ago. `who` are
    caller and secondary of the start, told where the reason may name them. `made_anew`: its id is another job's now.
    """

    begun_ms: int | None = None
    ran_ms: int = 0
    who: tuple[Identity | None, ...] = ()
    made_anew: bool = False


def end(
    receipt: str, job_id: str, state: JobState | None, why: str, now_ms: int, run: Run | None = None
) -> dict[str, Any]:
    """How the job really ended. `state` is None where it could not be told; `why` says so in words."""
    run = run or Run()
    if state is None:
        result = "unknown"
    elif state.state == "failed":
        result = "failure"
    else:
        result = "success" if state.stage is Stage.FINISHED else "unknown"
    record = entry.frame(Phase.END, receipt, now_ms, outcome=result, reason=why)
    ours = record["startgate"]
    ours["job"] = {"id": job_id}
    if run.begun_ms is not None:
        record["event"]["start"] = entry.timestamp(run.begun_ms)
        record["event"]["duration"] = run.ran_ms * 1_000_000
    # By these a name in the reason is known for one, where names are masked.
    ours |= {
        role: entry.identity(who)
        for role, who in zip(("caller", "secondary"), run.who, strict=False)
        if who is not None
    }
    if state is not None:
        ours["end"] = _end(state)
    if run.made_anew:
        ours.setdefault("end", {})["made_anew"] = True
    return record


def _end(state: JobState) -> dict[str, Any]:
    work = state.work
    told: dict[str, Any] = {"state": state.state, "stage": state.stage.value}
    if state.failure_reason:
        told["failure_reason"] = entry.cut(state.failure_reason)
    documents = {"training": work.training, "test": work.test, "skipped": work.skipped}
    documents = {name: count for name, count in documents.items() if count is not None}
    more = {
        "node": work.node,
        "progress": dict(work.progress) or None,
        "documents": documents or None,
        "peak_memory_bytes": work.peak_memory_bytes,
        "memory_status": work.memory_status,
    }
    return told | {name: value for name, value in more.items() if value is not None}


def reconciled(receipt: str, found: Found, now_ms: int, *, job: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a start that a crash interrupted, as far as the cluster could tell afterwards.

    What the client would have been answered with is not known. `startgate.destination` is told where something was done
    about it.
    """
    record = entry.frame(Phase.OUTCOME, receipt, now_ms, outcome="unknown", reason=found.words())
    record["startgate"]["job"] = dict(job)
    if found.removal is not None:
        record["startgate"]["destination"] = {"index": found.index, "removal": entry.cut(found.removal)}
    record["startgate"]["reconciled"] = found.fields()
    return record


def cleared(receipt: str, job: Mapping[str, Any], removal: str, now_ms: int) -> dict[str, Any]:
    """The end of a start whose destination was left blocked for its removal, by a crash or by a cluster that failed."""
    text = f"its destination was left blocked for its removal: {removal}"
    record = entry.frame(Phase.END, receipt, now_ms, outcome="unknown", reason=text)
    record["startgate"]["job"] = {"id": job["id"]}
    record["startgate"]["end"] = {"removal": entry.cut(removal)}
    return record


def _start(phase: Phase, flight: Flight, now_ms: int, *, outcome: str, reason: str = "") -> dict[str, Any]:
    record = entry.frame(phase, flight.arrived.receipt, now_ms, outcome=outcome, reason=reason)
    record |= request_fields(flight.arrived)
    ours = record["startgate"]
    ours |= way_fields(flight.arrived)
    ours |= {wish: True for wish in ("plan_only", "explain_only") if getattr(flight.arrived, wish)}
    ours["rules"] = {"revision": flight.revision}
    ours["job"] = {"id": entry.cut(flight.job_id or "")}
    _add_identities(record, flight)
    if flight.known is not None:
        _add_job(ours, flight.known)
        if flight.owner_seen is not None:
            ours["owner"]["seen"] = dict(flight.owner_seen)
    if flight.subjects is not None:
        ours["subjects"] = _subjects(flight.subjects)
    if flight.verdict is not None:
        _add_verdict(record, flight.verdict)
    if flight.situation is not None:
        ours["situation"] = _situation(flight.situation)
    ours["job"] |= _resolved(flight)
    if flight.plan is not None:
        ours["destination"] = _destination(flight.plan, flight.known)
    return record


def _resolved(flight: Flight) -> dict[str, Any]:
    """What the job's sources stood for: by these it was judged, else they were read for the plan."""
    if flight.situation is not None and isinstance(flight.situation.sources, tuple):
        return {"source_indices": entry.cut_list([one.name for one in flight.situation.sources])}
    return {} if flight.sources is None else {"source_indices": list(flight.sources)}


def _add_verdict(record: dict[str, Any], verdict: Verdict) -> None:
    record["startgate"]["verdict"] = in_short(verdict, entry.LIST_LIMIT, entry.cut)
    if len(verdict.reasons) > entry.LIST_LIMIT:
        record["startgate"]["verdict"]["reasons_left_out"] = len(verdict.reasons) - entry.LIST_LIMIT
    record["event"]["type"] = ["access", "allowed" if verdict.allowed else "denied"]
    if verdict.exception is not None:
        record["tags"] = ["break-glass"]


def _situation(situation: Situation) -> dict[str, Any]:
    """What the verdict was made of, whole or not at all: of a part nothing could be judged again."""
    if isinstance(situation.sources, tuple) and len(situation.sources) > SITUATION_INDICES:
        return {"omitted": f"its sources stand for {len(situation.sources)} indices, of {SITUATION_INDICES} at most"}
    told = to_record(situation)
    size = len(msgspec.json.encode(told))
    return told if size <= SITUATION_BYTES else {"omitted": f"it takes {size} bytes, of {SITUATION_BYTES} at most"}


def _add_identities(record: dict[str, Any], flight: Flight) -> None:
    """Who asked is recorded also where the job was not shown to them."""
    if flight.caller is not None:
        record["user"] = {"name": entry.cut(flight.caller.username), "roles": entry.cut_list(flight.caller.roles)}
        record["startgate"]["caller"] = entry.identity(flight.caller)
    if flight.secondary is not None:
        record["startgate"]["secondary"] = entry.identity(flight.secondary)


def _add_job(ours: dict[str, Any], known: Known) -> None:
    ours["owner"] = entry.owner(known.job.owner)
    ours["job"] = {
        **entry.job(known.job),
        "version": known.job.version,
        # Of the whole: so a change of what is not on record (a query) is seen, too.
        "config_sha256": entry.digest(known.job.config),
        "state": known.state.state,
        "stage": known.state.stage.value,
    }


def _subjects(subjects: Subjects) -> dict[str, Any]:
    return {
        "data": subjects.data.value,
        "asked": [subject.value for subject in subjects.asked],
        "intermediary": subjects.intermediary,
    }


def _destination(plan: Plan, known: Known | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "index": known.job.destination if known is not None else "",
        "plan": plan.step.value,
        "why": plan.why,
        "source_indices": entry.cut_list(plan.sources),
    }
    if plan.body is not None:
        encoded = msgspec.json.encode(plan.body, order="sorted")
        fields["body_sha256"] = hashlib.sha256(encoded).hexdigest()
        fields |= (
            {"settings": dict(plan.body["settings"])} if len(encoded) < SETTINGS_BYTES else {"settings_left_out": True}
        )
        if plan.overrides:
            fields["overrides"] = dict(plan.overrides)
        fields["field_count"] = len(plan.body["mappings"].get("properties", {}))
        # By this the index is known again where a crash came before the outcome (`reconcile`).
        fields["meta"] = plan.body["mappings"].get("_meta", {})
        if plan.origins:
            fields["origins"] = {part: dict(counts) for part, counts in plan.origins.items()}
    return fields


def _refusal(answer: Answer | None) -> str:
    """Elasticsearch's reason in its answer to a start that it refused; empty where it cannot be read."""
    if answer is None or 200 <= answer.status < 300:
        return ""
    try:
        reason = msgspec.json.decode(answer.body)["error"]["reason"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        # Compressed, or YAML: whoever asked for that has read it, and the status is on record.
        return ""
    return reason if isinstance(reason, str) else ""


def _node(answer: Answer) -> dict[str, str]:
    """The node that a successful start names; empty where the job opens lazily."""
    try:
        node = msgspec.json.decode(answer.body).get("node")
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return {}
    return {"node": entry.cut(node)} if isinstance(node, str) else {}
