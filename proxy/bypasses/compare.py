"""What the cluster knows and the journal does not, and the reverse. Pure.

Nothing is told that a clock, a record that was retired, or a message that was lost could explain
(docs/decisions/134-when-a-start-counts-as-past-the-gate.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.bypasses.match import Matched, by_job, matched
from proxy.bypasses.model import Finding, Kind, Meant, Recorded, Span
from proxy.cluster.heard import JobNow, Note, Notes
from proxy.journal.entry import timestamp
from proxy.model import Owner

_STILL = frozenset({"stopped", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the cluster said; None where it could not be asked. `tasks` are jobs with a task, and since when."""

    notes: Notes | None = None
    jobs: tuple[JobNow, ...] | None = None
    tasks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is judged: from `since_ms` to `until_ms`, with clocks that may differ by `tolerance_ms`."""

    since_ms: int
    until_ms: int
    tolerance_ms: int

    def holds(self, ms: int) -> bool:
        """Whether a time is judged."""
        return self.since_ms <= ms <= self.until_ms


def compare(recorded: Recorded, cluster: Cluster, window: Window) -> tuple[Finding, ...]:
    """Everything found, in the order of time; what has none comes last."""
    notes = cluster.notes.notes if cluster.notes is not None else ()
    match = matched(notes, recorded.starts, window.tolerance_ms)
    past = [*_past(match, recorded.lost, window, {job.id: job for job in cluster.jobs or ()})]
    told = {finding.job for finding in past}
    found = [
        *past,
        *_not_on_record(recorded, cluster, window, match, told),
        *_not_heard_of(recorded, cluster, window, match),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.at or "~", finding.job)))


def _past(match: Matched, lost: Sequence[Span], window: Window, jobs: Mapping[str, JobNow]) -> Iterator[Finding]:
    for word in match.unexplained:
        note = word.note
        judged = window.holds(word.since_ms) and window.holds(note.ms)
        if not judged or _is_in(lost, note.ms, window.tolerance_ms):
            continue
        job = jobs.get(note.job)
        whose = f"; {_whose(job.owner)}" if job is not None else ""
        yield Finding(
            kind=Kind.PAST_THE_GATE,
            job=note.job,
            at=timestamp(note.ms),
            source="notifications",
            text=f"the cluster says {note.text!r}, and no start on record is that one{whose}",
        )


def _not_on_record(
    recorded: Recorded, cluster: Cluster, window: Window, match: Matched, told: set[str]
) -> Iterator[Finding]:
    starts, latest = by_job(recorded.starts), _latest(cluster)
    for job in cluster.jobs or ():
        of_it = [one for one in starts.get(job.id, ()) if one.create_time in (None, job.create_time)]
        if job.id in told or _is_in(recorded.lost, job.create_time, window.tolerance_ms, after=True):
            continue
        if of_it:
            finding = _again(job, of_it, cluster, window)
        elif match.explained.get(job.id, 0) >= job.create_time:
            # Made anew while it was being started: the gate saw that, and its record says so.
            continue
        else:
            finding = _never(job, cluster, window, latest.get(job.id, 0))
        if finding is not None:
            yield finding


def _never(job: JobNow, cluster: Cluster, window: Window, latest_ms: int) -> Finding | None:
    """A job that was made while the journal was there, has run, and was never started by the gate.

    One that was heard of after the time that is judged may be on record soon.
    """
    running = job.state not in _STILL
    heard_ms = max(job.create_time, latest_ms)
    if not (running or job.ran) or not window.holds(job.create_time) or not window.holds(heard_ms):
        return None
    does = "runs" if running else "has run"
    text = f"the job {does} ({job.state}), and no start of it is on record; {_whose(job.owner)}"
    began = cluster.tasks.get(job.id)
    at = timestamp(began) if began is not None else ""
    return Finding(kind=Kind.NOT_ON_RECORD, job=job.id, at=at, source="jobs", text=text)


def _again(job: JobNow, of_it: Sequence[Meant], cluster: Cluster, window: Window) -> Finding | None:
    """A job that the journal saw at rest after its last start, and that has a task since."""
    began = cluster.tasks.get(job.id)
    last = max(of_it, key=lambda one: one.begun_ms)
    if job.state in _STILL or began is None or last.ended_ms is None or not window.holds(began):
        return None
    # Before what is judged it may have been started again by a record that is gone, and have moved since.
    if not window.holds(last.ended_ms):
        return None
    # The record of the end is made up to a poll after it, by another clock.
    if began <= last.ended_ms + window.tolerance_ms:
        return None
    text = f"the job was at rest at {timestamp(last.ended_ms)}, and runs since with no start on record"
    return Finding(
        kind=Kind.NOT_ON_RECORD,
        job=job.id,
        at=timestamp(began),
        source="tasks",
        text=f"{text}; {_whose(job.owner)}",
        receipt=last.receipt,
    )


def _latest(cluster: Cluster) -> Mapping[str, int]:
    """When each job was last heard of."""
    latest = dict(cluster.tasks)
    for note in cluster.notes.notes if cluster.notes is not None else ():
        latest[note.job] = max(note.ms, latest.get(note.job, 0))
    return latest


def _not_heard_of(recorded: Recorded, cluster: Cluster, window: Window, match: Matched) -> Iterator[Finding]:
    """Starts that the cluster took, by the record, and of which it shows no trace: no notification, no work done.

    Notifications can be lost, so that they alone prove nothing; and a job that is gone cannot be asked.
    """
    if cluster.notes is None or cluster.jobs is None or cluster.notes.oldest_ms is None:
        return
    jobs = {job.id: job for job in cluster.jobs}
    heard_of: dict[str, list[Note]] = {}
    for note in cluster.notes.notes:
        heard_of.setdefault(note.job, []).append(note)
    for start in recorded.starts:
        job = jobs.get(start.job)
        told = start.granted and start.receipt not in match.heard and window.holds(start.begun_ms)
        if not told or job is None or job.create_time != start.create_time or job.ran or job.state != "stopped":
            continue
        # Notifications may have been deleted, or have begun later: machine learning makes the index with the first one.
        reaches_back = cluster.notes.oldest_ms <= start.begun_ms - window.tolerance_ms
        if reaches_back and not _around(heard_of.get(start.job, ()), start, window.tolerance_ms):
            yield Finding(
                kind=Kind.NOT_HEARD_OF,
                job=start.job,
                at=timestamp(start.begun_ms),
                source="journal",
                text="the record says that the cluster took this start; it has no notification, and the job never ran",
                receipt=start.receipt,
            )


def _around(notes: Sequence[Note], start: Meant, tolerance_ms: int) -> bool:
    last = start.told_ms or start.begun_ms
    return any(start.begun_ms - tolerance_ms <= note.ms <= last + tolerance_ms for note in notes)


def _is_in(spans: Sequence[Span], ms: int, tolerance_ms: int, *, after: bool = False) -> bool:
    """Whether a time is in one of the spans; with `after`, in one or before its end."""
    return any((after or low - tolerance_ms <= ms) and ms <= high + tolerance_ms for low, high in spans)


def _whose(owner: Owner) -> str:
    """Whose credentials the job runs with, as far as the cluster tells; who started it, it does not."""
    if owner.api_key_id is not None:
        return f"it runs with the API key {owner.api_key_id}"
    if owner.service_account is not None:
        return f"it runs as {owner.service_account}"
    return f"it runs with the roles {', '.join(owner.roles)}" if owner.roles else "the cluster does not tell as whom"
