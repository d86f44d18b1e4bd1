"""One look for starts past the gate. The cluster is asked first: what it knew is then on record when that is read."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from proxy.bypasses import recorded, stream
from proxy.bypasses.compare import Cluster, Window, compare
from proxy.bypasses.model import Recorded, Report, Source
from proxy.bypasses.recorded import Gathering
from proxy.cluster import heard
from proxy.cluster.transport import Transport
from proxy.errors import ClusterUnreachable, JournalError, PassedOn
from proxy.journal.entry import timestamp
from proxy.model import Credential

T = TypeVar("T")

MONITOR_ML = "needs the cluster privilege monitor_ml"
READ_NOTES = f"needs the privilege read on {heard.NOTES}"
MONITOR = "needs the cluster privilege monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What is looked at: journals by folder, and the data stream of this name where there is one, read with its own
    credential. Times are milliseconds since 1970."""

    folders: tuple[Path, ...]
    stream: str | None
    since_ms: int
    now_ms: int
    tolerance_ms: int


@dataclass(slots=True)
class _Sources:
    """What was asked, and what came of it."""

    told: list[Source] = field(default_factory=list)

    async def ask(self, name: str, question: Awaitable[T], privilege: str, *, needed: bool = True) -> T | None:
        """The answer; None where there is none, and then it is told why."""
        try:
            answer = await question
        except PassedOn as refusal:
            why = refused(refusal, privilege)
        except ClusterUnreachable as failure:
            why = str(failure)
        else:
            self.told.append(Source(name=name, read=True, text="", needed=needed))
            return answer
        self.told.append(Source(name=name, read=False, text=why, needed=needed))
        return None

    def says(self, text: str) -> None:
        """What the source said that was read last."""
        self.told[-1] = replace(self.told[-1], text=text)


def refused(refusal: PassedOn, privilege: str) -> str:
    """Why something was not told, in words: `privilege` is what it takes."""
    if refusal.status in (401, 403):
        return f"status {refusal.status}: who asks {privilege}"
    # The router's answer where the module is not there, or is switched off.
    if refusal.status in (400, 404, 405) and ("no handler" in refusal.reason or refusal.type == "exception"):
        return "this cluster has no machine learning" if privilege == MONITOR_ML else "this cluster has no such call"
    return f"status {refusal.status}: {refusal.reason}"


async def look(transport: Transport, credential: Credential, stream_credential: Credential, what: Looking) -> Report:
    """Compare the journals with what the cluster knows. What cannot be read is told in the report, and not raised."""
    sources = _Sources()
    cluster = await _asked(transport, credential, what, sources)
    gathering = Gathering()
    problems = await _journals(what.folders, gathering, sources)
    if what.stream is not None:
        count = await sources.ask(
            f"data stream {what.stream}",
            stream.read(transport, stream_credential, what.stream, gathering),
            f"needs the privilege read on {what.stream}",
        )
        if count is not None:
            sources.says(f"{count} records of starts")
    return _judged(gathering.recorded(), cluster, what, sources.told, problems)


async def _journals(folders: Sequence[Path], gathering: Gathering, sources: _Sources) -> list[str]:
    """Take in the journals; every line that cannot be read, in words."""
    problems: list[str] = []
    for folder in folders:
        name = f"journal {folder}"
        try:
            # A journal of a million records takes half a minute.
            count = await asyncio.to_thread(
                recorded.read, folder, gathering, lambda problem: problems.append(str(problem))
            )
        except JournalError as failure:
            sources.told.append(Source(name=name, read=False, text=str(failure)))
        else:
            sources.told.append(Source(name=name, read=True, text=f"{count} records"))
    return problems


async def _asked(transport: Transport, credential: Credential, what: Looking, sources: _Sources) -> Cluster:
    """Everything that the cluster tells."""
    # One after the other: this may run beside starts, and nobody waits for it.
    jobs = await sources.ask("jobs", heard.jobs_now(transport, credential), MONITOR_ML)
    if jobs is not None:
        sources.says(f"{len(jobs)} jobs")
    notes = None
    # A stop or a start before the time that is judged says how the job stood then.
    # 7.17 reads no times before 1970.
    since_ms = max(what.since_ms - what.tolerance_ms, 0)
    if await heard.may_read_notes(transport, credential):
        notes = await sources.ask("notifications", heard.notes(transport, credential, since_ms), READ_NOTES)
    else:
        sources.told.append(Source(name="notifications", read=False, text=f"status 403: who asks {READ_NOTES}"))
    if notes is not None:
        oldest = "there are none" if notes.oldest_ms is None else f"the oldest is of {timestamp(notes.oldest_ms)}"
        sources.says(f"{len(notes.notes)} about data frame analytics since then; {oldest}")
    # Without them only a job that was started again after it had stopped remains unseen, if its notification is lost.
    tasks = await sources.ask("tasks", heard.tasks_now(transport, credential), MONITOR, needed=False)
    if tasks is not None:
        sources.says(f"{len(tasks)} of running jobs")
    return Cluster(notes=notes, jobs=jobs, tasks=tasks or {})


def _judged(
    known: Recorded, cluster: Cluster, what: Looking, sources: Sequence[Source], problems: Sequence[str]
) -> Report:
    if known.from_ms is None:
        return Report(sources=tuple(sources), notes=("nothing is on record: nothing can be judged",))
    since = max(known.from_ms + what.tolerance_ms, what.since_ms)
    # What another replica has written is in the stream only when it was shipped.
    until = what.now_ms - (what.tolerance_ms if what.stream is not None else 0)
    window = Window(since_ms=since, until_ms=until, tolerance_ms=what.tolerance_ms)
    if since > until:
        begins = f"the record begins at {timestamp(known.from_ms)}"
        text = f"{begins}: from {timestamp(since)} to {timestamp(until)} there is no time that can be judged"
        return Report(sources=tuple(sources), notes=(text,), unread=tuple(problems))
    return Report(
        findings=compare(known, cluster, window),
        sources=tuple(sources),
        notes=tuple(_notes(known, what, since)),
        since=timestamp(since),
        until=timestamp(until),
        unread=tuple(problems),
    )


def _notes(known: Recorded, what: Looking, since: int) -> list[str]:
    told = []
    if since > what.since_ms:
        told.append(
            f"the record begins at {timestamp(known.from_ms or 0)}, so that nothing before {timestamp(since)} is judged"
        )
    told += [
        f"from {timestamp(low)} to {timestamp(high)} starts went on without their records: nothing of then is judged"
        for low, high in known.lost
    ]
    return told
