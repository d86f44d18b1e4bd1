"""What the dashboard shows: one table of panels, each with its question in KQL. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Kibana's grid is so many columns wide.
GRID = 48

# A start is counted by its outcome; who only asked for a plan or an explanation started nothing.
STARTS = "startgate.phase: outcome and not startgate.plan_only: true and not startgate.explain_only: true"
DENIED = f"{STARTS} and event.outcome: failure and startgate.verdict.allowed: false"
RESULTS = {
    "granted": "event.outcome: success",
    "denied": "event.outcome: failure and startgate.verdict.allowed: false",
    "refused": "event.outcome: failure and not startgate.verdict.allowed: false",
    "unknown": "event.outcome: unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture: a table of counts by `columns` (field and heading), or bars over time by RESULTS where it has none.

    `query` is in KQL; `width` and `height` are of a grid that is 48 wide.
    """

    name: str
    title: str
    about: str
    query: str
    columns: Mapping[str, str] = field(default_factory=dict)
    width: int = GRID // 2
    height: int = 14


PANELS = (
    Panel(name="over-time", title="Starts over time", about="By result.", query=STARTS, width=GRID, height=12),
    Panel(
        name="by-user",
        title="Starts by user",
        about="Whoever sent the start; behind Kibana, for whom.",
        query=STARTS,
        columns={"user.name": "user", "startgate.secondary.name": "for", "event.outcome": "outcome"},
    ),
    Panel(
        name="by-job",
        title="Starts by job",
        about="The data that each job reads.",
        query=STARTS,
        columns={"startgate.job.id": "job", "startgate.job.source_indices": "source", "event.outcome": "outcome"},
    ),
    Panel(
        name="denied",
        title="Denied, and why",
        about="What the rules said no to, each reason by itself.",
        query=DENIED,
        columns={
            "user.name": "user",
            "startgate.job.id": "job",
            "startgate.verdict.reasons.text": "reason",
        },
        width=GRID,
    ),
    Panel(
        name="failed-later",
        title="Started, and failed",
        about="Jobs that were granted and did not come to their end.",
        query="startgate.phase: end and event.outcome: failure",
        columns={"startgate.job.id": "job", "startgate.caller.name": "user", "startgate.end.failure_reason": "failure"},
        width=GRID,
    ),
    Panel(
        name="refused",
        title="Allowed, and refused all the same",
        about="Conflicts, the cluster's own refusals, and starts of which nobody knows what became.",
        query=f"{STARTS} and startgate.verdict.allowed: true and not event.outcome: success",
        columns={"user.name": "user", "startgate.job.id": "job", "event.reason": "reason"},
    ),
    Panel(
        name="break-glass",
        title="Let pass by an exception",
        about="Break-glass exceptions that were used.",
        query=f"{STARTS} and tags: break-glass",
        columns={
            "user.name": "user",
            "startgate.job.id": "job",
            "startgate.verdict.exception.id": "exception",
            "startgate.verdict.exception.reason": "reason",
        },
    ),
)
SEARCH_COLUMNS = (
    *("event.action", "startgate.phase", "event.outcome", "user.name", "startgate.secondary.name", "startgate.job.id"),
    *("startgate.job.source_indices", "startgate.destination.index", "event.reason", "startgate.receipt"),
)
