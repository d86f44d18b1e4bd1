"""Starts, notifications and jobs for tests of the comparison. Times are seconds after a beginning."""

from typing import Any

from proxy.bypasses.compare import Cluster, Window, compare
from proxy.bypasses.model import Beginning, Finding, Meant, Recorded
from proxy.cluster.heard import JobNow, Note, Notes
from proxy.model import Owner, OwnerKind

BEGIN_MS = 1_700_000_000_000
TOLERANCE_MS = 10_000
# A day: longer than anything below takes.
WINDOW = Window(since_ms=BEGIN_MS, until_ms=BEGIN_MS + 86_400_000, tolerance_ms=TOLERANCE_MS)
MADE = BEGIN_MS + 1_000
UNKNOWN = Owner(kind=OwnerKind.UNKNOWN)


def ms(at_s: float) -> int:
    """A time."""
    return BEGIN_MS + round(at_s * 1000)


def meant(receipt: str, at_s: float, *, job: str = "j", ended_s: float | None = None, **more: Any) -> Meant:
    """A start that the cluster took, answered after two seconds."""
    told = {"granted": True, "create_time": MADE, "told_ms": ms(at_s + 2), **more}
    return Meant(receipt=receipt, job=job, begun_ms=ms(at_s), ended_ms=None if ended_s is None else ms(ended_s), **told)


def note(at_s: float, text: str = "Started analytics", job: str = "j") -> Note:
    """A notification."""
    return Note(job, ms(at_s), text)


def job(id: str = "j", *, state: str = "stopped", ran: bool = True, made: int = MADE, owner: Owner = UNKNOWN) -> JobNow:
    """A job as it stands."""
    return JobNow(id=id, create_time=made, state=state, ran=ran, owner=owner)


def found(
    starts: tuple[Meant, ...] = (),
    notes: tuple[Note, ...] | None = (),
    jobs: tuple[JobNow, ...] | None = (),
    *,
    tasks: dict[str, int] | None = None,
    lost: tuple[tuple[int, int], ...] = (),
    oldest_s: float | None = -1000.0,
) -> tuple[Finding, ...]:
    """The findings of a comparison."""
    oldest = None if oldest_s is None else ms(oldest_s)
    cluster = Cluster(
        notes=None if notes is None else Notes(notes=notes, oldest_ms=oldest), jobs=jobs, tasks=tasks or {}
    )
    known = Recorded(starts=starts, lost=lost, beginnings=(Beginning(ms=BEGIN_MS, first=True),))
    return compare(known, cluster, WINDOW)
