"""Who made or last changed a job, as far as the journal knows: the newest observed PUT or `_update` of each job.

Elasticsearch keeps of a job's owner the roles and never a name. The journal's records of observed calls are the store;
this is their index, filled by the same method from a record that is being written and from those that are read at
start-up. It never guesses: what may have been changed unseen is not known.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from proxy.journal.entry import digest, time_ms
from proxy.model import Job
from proxy.route.table import DELETE, PUT, UPDATE

# Some 1 KiB each. Of a job beyond that the owner is as unknown as before the first record; the least recently changed
# one goes first.
JOBS: Final = 10_000

# After a gate has begun: edge workers tell at once of what they could not tell before, and at most two seconds later
# (`edge.notes.LONGEST_PAUSE_S`). Until then nobody is named whom another may have followed unobserved.
SETTLE_S: Final = 5.0

BEFORE: Final = "before our time: no call that made or changed the job was observed"
ANEW: Final = "before our time: the job that was observed is another one, which was made anew since"
CHANGED: Final = "the job was changed since by a call that was not observed"
BEGUN: Final = "the gate has only begun: calls may have passed meanwhile of which it has not been told yet"
MISSED: Final = "calls passed unobserved since, and may have changed the job"
AT_ONCE: Final = "two calls changed the job at the same time: which came last is not known"
NOT_YET: Final = "a call that may have changed the job is being put on record at this moment"
CLOCK: Final = "the clock went back: which call changed the job last is not known"
NO_ANSWER: Final = "it is not known whether the last call that would have changed the job did"


@dataclass(frozen=True, slots=True)
class _Edit:
    """The newest call that made or changed a job. `told_ms` is when it was recorded, 0 where that cannot be read.
    `problem` says why its owner is not known all the same."""

    id: str
    action: str
    time: str
    told_ms: int
    began_ms: int
    answered_ms: int
    create_time: int | None
    config_sha256: str | None
    by: str
    identity: Mapping[str, Any] | None
    problem: str


def config_sha256(job: Job) -> str:
    """SHA-256 of a job's configuration, as the cluster tells it, in canonical JSON: as the record of a start has it."""
    return digest(job.config)


class Owners:
    """The index. `most` is how many jobs it knows; `ticks_s` a clock that never goes back."""

    def __init__(self, most: int = JOBS, *, ticks_s: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._ticks_s = ticks_s
        # What an earlier process observed, until nothing more can have come after it.
        self._earlier: frozenset[str] = frozenset()
        self._settled_s = 0.0
        self._edits: OrderedDict[str, _Edit] = OrderedDict()
        self._missed_until_ms = -1
        self._unsure: Counter[str] = Counter()

    def take(self, record: Mapping[str, Any]) -> None:
        """Learn from a record with `startgate.observed`; any other teaches nothing."""
        ours = record.get("startgate", {})
        observed = ours.get("observed", {})
        if "missed" in observed:
            missed = observed["missed"]
            self.missed(missed.get("until_ms", 0), missed.get("calls", {}), now_ms=_told_ms(record))
            return
        action, job_id = record.get("event", {}).get("action"), ours.get("job", {}).get("id")
        outcome = record.get("event", {}).get("outcome")
        if not isinstance(job_id, str) or outcome == "failure":
            return
        if action == DELETE and outcome == "success":
            self._edits.pop(job_id, None)
        elif action in (PUT, UPDATE):
            self._put(job_id, _edit(record, ours, observed))

    @contextmanager
    def unsure_of(self, job_id: str) -> Iterator[None]:
        """While it lasts a call is put on record that may have changed the job: nobody is named as its owner."""
        self._unsure[job_id] += 1
        try:
            yield
        finally:
            self._unsure[job_id] -= 1
            if not self._unsure[job_id]:
                del self._unsure[job_id]

    def begin(self) -> None:
        """What is known now was observed by an earlier process, and is not named before SETTLE_S."""
        self._earlier = frozenset(edit.id for edit in self._edits.values())
        self._settled_s = self._ticks_s() + SETTLE_S

    def doubt(self, job_id: str) -> None:
        """A call of which nobody knows what came of it may have changed this job."""
        edit = self._edits.get(job_id)
        if edit is not None:
            self._edits[job_id] = replace(edit, problem=edit.problem or NO_ANSWER)

    def missed(self, until_ms: int, actions: Iterable[str], *, now_ms: int) -> None:
        """Calls up to this time (milliseconds since 1970) were not observed, as is known at `now_ms`. `_stop` and
        DELETE change no owner: what is deleted and made anew has another time of creation."""
        if {PUT, UPDATE}.isdisjoint(actions):
            return
        self._missed_until_ms = max(self._missed_until_ms, until_ms)
        # Calls of a time that is yet to come were made before the clock went back; these were after them.
        self._edits |= {
            job_id: replace(edit, problem=edit.problem or MISSED)
            for job_id, edit in self._edits.items()
            if edit.answered_ms > now_ms
        }

    def _put(self, job_id: str, edit: _Edit) -> None:
        before = self._edits.pop(job_id, None)
        if before is not None and edit.began_ms < before.answered_ms and edit.answered_ms > before.began_ms:
            later = edit if edit.answered_ms >= before.answered_ms else before
            edit = replace(later, problem=AT_ONCE, answered_ms=max(edit.answered_ms, before.answered_ms))
        elif before is not None and edit.answered_ms < before.answered_ms:
            # Notes may be recorded in another order than that of their calls; but none before its call.
            edit = before if edit.told_ms >= before.answered_ms else replace(edit, problem=CLOCK)
        self._edits[job_id] = edit
        while len(self._edits) > self._most:
            self._edits.popitem(last=False)

    def seen(self, job: Job) -> dict[str, Any]:
        """For a start's record: who made or last changed this job and how that is known, or why it is not."""
        if job.id in self._unsure:
            return {"known": False, "why": NOT_YET}
        edit = self._edits.get(job.id)
        if edit is None:
            return {"known": False, "why": BEFORE}
        why = self._doubt(edit, job)
        if why or edit.identity is None:
            return {"known": False, "why": why}
        told = {"known": True, "name": edit.identity.get("name", ""), "by": edit.by, "action": edit.action}
        told |= {key: edit.identity[key] for key in ("realm", "api_key", "run_as") if key in edit.identity}
        return {**told, "time": edit.time, "record": edit.id}

    def _doubt(self, edit: _Edit, job: Job) -> str:
        """Why the owner is not known; empty where it is."""
        if edit.create_time is not None and edit.create_time != job.create_time:
            return ANEW
        if edit.problem:
            return edit.problem
        if edit.answered_ms <= self._missed_until_ms:
            return MISSED
        if edit.config_sha256 != config_sha256(job):
            return CHANGED
        return BEGUN if edit.id in self._earlier and self._ticks_s() < self._settled_s else ""


def _told_ms(record: Mapping[str, Any]) -> int:
    try:
        return time_ms(record["@timestamp"])
    except (KeyError, TypeError, ValueError):
        return 0


def _edit(record: Mapping[str, Any], ours: Mapping[str, Any], observed: Mapping[str, Any]) -> _Edit:
    job = ours["job"]
    # The cluster stores whose credentials the job runs with: the secondary's where they were sent
    # (SecondaryAuthorizationUtils.useSecondaryAuthIfAvailable).
    by = observed.get("by", "caller")
    problem = "" if by in ours else f"who changed the job is not known: {observed.get('unknown_who', '')}"
    if record["event"].get("outcome") != "success":
        problem = NO_ANSWER
    elif job.get("create_time") is None:
        problem = problem or f"what became of the job is not known: {observed.get('unknown_job', '')}"
    return _Edit(
        id=str(record["event"].get("id", "")),
        action=str(record["event"].get("action", "")),
        time=str(record.get("@timestamp", "")),
        told_ms=_told_ms(record),
        began_ms=observed.get("began_ms", 0),
        answered_ms=observed.get("answered_ms", 0),
        create_time=job.get("create_time"),
        config_sha256=job.get("config_sha256"),
        by=by,
        identity=ours.get(by),
        problem=problem,
    )
