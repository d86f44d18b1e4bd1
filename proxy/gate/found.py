"""What is found after a crash of a start that was left open: as fields for its record, and in words.

What is done about it, `reconcile` says.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.ports import Cluster, IndexState
from proxy.model import Credential, Job, JobState

T = TypeVar("T")


class Asked(StrEnum):
    """Whether the cluster told what there is to tell."""

    ANSWERED = "answered"
    REFUSED = "refused"
    NO_CREDENTIAL = "no_service_credential"


class JobIs(StrEnum):
    """Whether the job is still the one that the start was of."""

    SAME = "same"
    MADE_ANEW = "made_anew"
    GONE = "gone"
    UNKNOWN = "unknown"


class Started(StrEnum):
    """Whether the job was started after the intent.

    `NOT_SEEN`: it stands as it stood, so that it was not, or not yet. `UNKNOWN`: nobody could look, or what runs now
    may be of another start.
    """

    YES = "yes"
    NOT_SEEN = "not_seen"
    UNKNOWN = "unknown"


class MadeBy(StrEnum):
    """Whose the index under the destination's name is: by its `_meta`, which is equal to the intent's or not."""

    US = "made_by_us"
    OTHERS = "foreign"
    NOBODY = "missing"
    UNKNOWN = "unknown"


# States of a job that nothing runs of (`DataFrameAnalyticsState`); the empty one is that of no state at all.
_AT_REST = frozenset({"stopped", "failed", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the cluster said. `index` is the destination's name.

    `state` is None where it was not told; `refusal` is what the cluster refused with, `again` the receipt of a start of
    the same job since the crash, `removal` what was done about a destination that had been left blocked.
    """

    asked: Asked
    job: JobIs = JobIs.UNKNOWN
    state: JobState | None = None
    started: Started = Started.UNKNOWN
    destination: MadeBy = MadeBy.UNKNOWN
    index: str = ""
    refusal: str = ""
    again: str = ""
    removal: str | None = None

    def fields(self) -> dict[str, Any]:
        """As `startgate.reconciled` of the record."""
        told: dict[str, Any] = {
            "cluster": self.asked.value,
            "job": self.job.value,
            "started": self.started.value,
            "destination": self.destination.value,
        }
        if self.state is not None:
            told |= {"job_state": self.state.state, "stage": self.state.stage.value}
        if self.again:
            told["started_again_as"] = self.again
        return told

    def words(self) -> str:
        """As the record's reason."""
        if self.asked is Asked.NO_CREDENTIAL:
            return "interrupted; without a service credential nobody could look what became of it"
        parts = [self._job()]
        if self.index and self.destination is not MadeBy.UNKNOWN:
            parts.append(f"its destination [{self.index}] {_DESTINATION[self.destination]}")
        text = "interrupted; " + ", ".join(part for part in parts if part)
        if self.refusal:
            text += f"; the cluster says: {self.refusal}"
        return text if self.removal is None else f"{text}; it was left blocked for its removal: {self.removal}"

    def _job(self) -> str:
        if self.job is JobIs.MADE_ANEW:
            text = "the job was deleted and made anew since"
        elif self.job is JobIs.GONE:
            text = "the job is gone"
        elif self.job is JobIs.UNKNOWN or self.state is None:
            text = "what became of the job could not be told"
        else:
            text = f"the job is {self.state.state or 'in no state'} ({self.state.stage.value})"
        return f"{text}, and was started again as {self.again}" if self.again else text


_DESTINATION = {
    MadeBy.US: "is the one that was made for it",
    MadeBy.OTHERS: "exists and is not of this start's making",
    MadeBy.NOBODY: "is missing",
}


def at_rest(state: str) -> bool:
    """Whether nothing of a job runs in this state."""
    return state in _AT_REST


def was_started(before: Mapping[str, Any], now: JobState) -> Started:
    """Whether a job was started since its intent, whose `startgate.job` is `before`: it runs and did not, it failed and
    had not, or it is further on than it was.

    A start that the cluster is still working at shows nothing of this yet.
    """
    state, stage = before.get("state"), before.get("stage")
    if state is None or stage is None:  # an older version's record
        return Started.UNKNOWN if at_rest(now.state) else Started.YES
    if not at_rest(now.state) and not at_rest(state):
        return Started.UNKNOWN  # it ran before: the cluster refuses to start it once more
    moved = now.stage.value != stage or (now.state != state and now.state not in ("stopped", ""))
    return Started.YES if moved else Started.NOT_SEEN


async def look(
    recorded: Mapping[str, Any], cluster: Cluster, service: Credential | None, again: str | None
) -> tuple[Found, Job | None]:
    """What the cluster knows now of a start whose record holds `recorded` under `startgate`; and the job, if it is
    still the one that was started. `again` is the receipt of a later start of it, None where there was none.

    Raises:
        ClusterUnreachable: it tells nothing now.
    """
    if service is None:
        return Found(asked=Asked.NO_CREDENTIAL), None
    job_id, to_make = recorded["job"]["id"], recorded.get("destination", {})
    name = to_make.get("index") or recorded["job"].get("destination", "")
    job, state, index = await asyncio.gather(
        _told(cluster.job(job_id, service)),
        _told(cluster.job_state(job_id, service)),
        _told(_index(name, cluster, service)),
    )
    refusals = [one for one in (job, state, index) if isinstance(one, Refusal)]
    found = Found(
        asked=Asked.REFUSED if any(one.status != 404 for one in refusals) else Asked.ANSWERED,
        destination=MadeBy.UNKNOWN if isinstance(index, Refusal) else _whose(index, name, to_make.get("meta")),
        index=name,
        refusal=next((one.reason for one in refusals), ""),
        again=again or "",
    )
    if isinstance(job, Refusal):
        return replace(found, job=JobIs.GONE if job.status == 404 else JobIs.UNKNOWN), None
    if job.create_time != recorded["job"].get("create_time"):
        return replace(found, job=JobIs.MADE_ANEW), None
    found = replace(found, job=JobIs.SAME)
    if isinstance(state, Refusal):
        return found, job
    # What runs now may be the later start's.
    started = Started.UNKNOWN if again else was_started(recorded["job"], state)
    return replace(found, state=state, started=started), job


async def _told(answer: Awaitable[T]) -> T | Refusal:
    """An answer, or the refusal that came instead."""
    try:
        return await answer
    except Refusal as refusal:
        # Also what a cluster says that has not come up yet, and cannot read its users.
        if refusal.status == 401:
            raise ClusterUnreachable(f"it does not accept the service credential: {refusal.reason}") from refusal
        return refusal


async def _index(name: str, cluster: Cluster, service: Credential) -> IndexState | None:
    return await cluster.index(name, service) if name else None


def _whose(index: IndexState | None, name: str, made: Mapping[str, Any] | None) -> MadeBy:
    if index is None:
        return MadeBy.NOBODY if name else MadeBy.UNKNOWN
    return MadeBy.US if made and index.is_made(name, made) else MadeBy.OTHERS
