"""Turns what is known of an observed call into a record. An allow-list, as `record` is for starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.gate.fold import Folded
from proxy.gate.observe_owners import config_sha256
from proxy.journal import entry
from proxy.model import Identity, Job
from proxy.notes import UNCERTAIN, Gap, Note
from proxy.route.table import DELETE, PUT

MISSED_ACTION = "startgate-calls-missed"
# ECS's categorization: https://www.elastic.co/guide/en/ecs/8.11/ecs-allowed-values-event-type.html
_TYPES: Mapping[str, str] = {PUT: "creation", DELETE: "deletion"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who called, as far as the cluster told: `problem` says why not. `by` is whose credentials the job then has.
    `stranger`: the cluster does not know the caller's credentials."""

    by: str = "caller"
    caller: Identity | None = None
    secondary: Identity | None = None
    problem: str = ""
    stranger: bool = False


def outcome_of(status: int | None) -> str:
    """What the cluster's status says, in ECS's words."""
    if status is None or status in UNCERTAIN:
        return "unknown"
    return "success" if 200 <= status < 300 else "failure"


def observed(
    note: Note, id: str, job_id: str, who: Who, job: Job | str, request: Mapping[str, Any], now_ms: int
) -> dict[str, Any]:
    """The record of one call. `job` is what it has become, or why that is not known; `request` are the fields that tell
    of the request itself, those of Startgate's own under `startgate`."""
    record = _frame(note.action, id, now_ms, outcome=outcome_of(note.status))
    record["event"]["type"] = [_TYPES.get(note.action, "change")]
    record |= {name: told for name, told in request.items() if name != "startgate"}
    record["startgate"] |= request.get("startgate", {})
    record["http"] = {"request": {"method": note.method}}
    if note.status is not None:
        record["http"]["response"] = {"status_code": note.status}
    ours = record["startgate"]
    ours["observed"] = {"by": who.by, "began_ms": note.began_ms, "answered_ms": note.answered_ms}
    if who.problem:
        ours["observed"]["unknown_who"] = entry.cut(who.problem)
    ours["job"] = {"id": entry.cut(job_id)}
    if isinstance(job, Job):
        ours["job"] |= {"create_time": job.create_time, "version": job.version, "config_sha256": config_sha256(job)}
    elif job:
        ours["observed"]["unknown_job"] = entry.cut(job)
    if who.caller is not None:
        record["user"] = {"name": entry.cut(who.caller.username), "roles": entry.cut_list(who.caller.roles)}
        ours["caller"] = entry.identity(who.caller)
    if who.secondary is not None:
        ours["secondary"] = entry.identity(who.secondary)
    return record


def missed(gap: Gap, id: str, now_ms: int) -> dict[str, Any]:
    """The record of calls that passed and are not known to be on record."""
    record = _frame(MISSED_ACTION, id, now_ms, outcome="unknown", reason=gap.why)
    record["startgate"]["observed"] = {
        "missed": {
            "count": gap.count,
            "calls": dict(gap.calls),
            "refused": gap.refused,
            "since_ms": gap.since_ms,
            "until_ms": gap.until_ms,
        }
    }
    return record


def folded(what: str, one: Folded, id: str, now_ms: int) -> dict[str, Any]:
    """The record of attempts by nobody known that have none of their own. `what` they were is the action's end."""
    text = f"{one.count} more attempts were refused before it was known who makes them"
    record = entry.administrative(f"startgate-unauthenticated-{what}", id, now_ms, outcome="failure", reason=text)
    record["event"]["type"] = ["denied"]
    if one.peer:
        record["source"] = {"address": entry.cut(one.peer)}
    record["startgate"]["admin"] = {
        "unauthenticated": {"count": one.count, "since_ms": one.since_ms, "until_ms": one.until_ms}
    }
    return record


def _frame(action: str, id: str, now_ms: int, *, outcome: str, reason: str = "") -> dict[str, Any]:
    record = entry.administrative(action, id, now_ms, outcome=outcome, reason=reason)
    del record["startgate"]["admin"]
    record["event"]["dataset"] = "startgate.observed"
    return record
