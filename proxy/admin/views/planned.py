"""A plan and an explanation of the gate in one [pure]: docs/plan.md and docs/explain.md in, `Planned` out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.admin.shown.plan import Conflict, Planned, Privileges
from proxy.admin.shown.starts import Judgement, Who
from proxy.admin.views.steps import judgement
from proxy.rules.subjects import Subject
from proxy.rules.verdict import Outcome, StepKind

CLUSTER: Final = "cluster"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the gate answered: with status 200 a document, else an error; `receipt` names its record."""

    status: int
    content: Document
    receipt: str

    @property
    def good(self) -> bool:
        """Whether it is a document."""
        return self.status == 200

    @property
    def reason(self) -> str:
        """Why there is none, where there is none."""
        if self.good:
            return ""
        error = self.content.get("error")
        text = error.get("reason") if isinstance(error, Mapping) else error
        return str(text or f"it was answered with status {self.status}")


def planned(job: str, plan: Told, explained: Told) -> Planned:
    """Both in one. `status` is 200 where a start would succeed, as far as can be told before it; else what it would be
    answered with."""
    document = plan.content if plan.good else {}
    steps = explained.content["steps"] if explained.good else ()
    status, reason = _outcome(plan)
    return Planned(
        job=job,
        status=status,
        reason=reason,
        allowed=bool(explained.content.get("allowed")) if explained.good else plan.good,
        receipt=plan.receipt,
        who=tuple(_people(document, steps)),
        privileges=(*_privileges(steps), *_of_owner(explained.content.get("owner") if explained.good else None)),
        judgements=tuple(_judgement(step) for step in steps),
        conflicts=tuple(_conflict(one) for one in document.get("conflicts", ())),
        plan=document,
    )


def _outcome(plan: Told) -> tuple[int, str]:
    if not plan.good:
        return plan.status, plan.reason
    problems = plan.content["problems"]
    return (int(problems[0]["status"]) if problems else 200), "; ".join(str(one["reason"]) for one in problems)


def _judgement(step: Document) -> Judgement:
    return judgement(step["outcome"], step["text"], step.get("rule", ""))


def _people(document: Document, steps: tuple[Document, ...] | list[Document]) -> Iterator[Who]:
    """Everybody of whom anything is asked. A plan tells more of them than an explanation, and is not always there."""
    told = document.get("verdict", {})
    of_steps = {
        step.get("subject"): step.get("seen", {})
        for step in reversed(steps)
        if step["kind"] == StepKind.IDENTITY and ("username" in step.get("seen", {}) or "kind" in step.get("seen", {}))
    }
    for subject in (Subject.CALLER, Subject.SECONDARY, Subject.OWNER):
        found = told.get(subject.value)
        if found is not None:
            yield _of_plan(subject, found)
        elif subject.value in of_steps:
            yield _of_steps(subject, of_steps[subject.value])


def _of_plan(subject: Subject, found: Document) -> Who:
    key = found.get("api_key", {})
    realm = found.get("realm", {})
    return Who(
        part=subject.value,
        name=str(found.get("name") or found.get("service_account", "")),
        realm=str(realm.get("name", "")),
        roles=tuple(found.get("roles", ())),
        authentication=str(found.get("authentication_type") or found.get("kind", "")),
        api_key=str(key.get("name") or key.get("id", "")),
    )


def _of_steps(subject: Subject, seen: Document) -> Who:
    return Who(
        part=subject.value,
        name=str(seen.get("username", "")),
        realm=str(seen.get("realm", "")),
        roles=tuple(seen.get("roles", ())),
        authentication=str(seen.get("authentication_type") or seen.get("kind", "")),
        api_key="",
    )


def _privileges(steps: tuple[Document, ...] | list[Document]) -> Iterator[Privileges]:
    """What is required of each subject on the cluster and on each index, in the order of the rules."""
    required: dict[tuple[str, str], dict[str, bool]] = {}
    for step in steps:
        privilege = step.get("seen", {}).get("privilege")
        if step["kind"] != StepKind.REQUIREMENT or privilege is None:
            continue
        on = step["seen"].get("index", CLUSTER)
        held = required.setdefault((step["subject"], on), {})
        held[privilege] = held.get(privilege, True) and step["outcome"] == Outcome.PASSED
    for (subject, on), held in required.items():
        missing = tuple(name for name, holds in held.items() if not holds)
        yield Privileges(subject=subject, on=on, required=tuple(held), missing=missing)


def _of_owner(told: Document | None) -> Iterator[Privileges]:
    """What the owner holds where the start does not ask them."""
    if told is None:
        return
    if "unknown" in told:
        yield Privileges(
            subject=Subject.OWNER, on="", required=(), missing=(), asked=False, unknown=str(told["unknown"])
        )
    for index, held in told.get("indices", {}).items():
        missing = tuple(name for name, holds in held.items() if not holds)
        yield Privileges(subject=Subject.OWNER, on=index, required=tuple(held), missing=missing, asked=False)


def _conflict(conflict: Document) -> Conflict:
    definitions = tuple((str(one["index"]), _json(one["value"])) for one in conflict["definitions"])
    return Conflict(field=conflict["field"], text=conflict["text"], definitions=definitions)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
