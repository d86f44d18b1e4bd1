"""Made-up histories of a cluster and its gates: replicas with clocks of their own, files that were retired, words that
were lost, jobs that move, fail, are deleted and made anew.

Where every start came through a gate nothing is found, whatever went wrong; a start past them is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.bypasses.compare import Cluster, Window, compare
from proxy.bypasses.model import Finding
from proxy.bypasses.recorded import Gathering, record_ms
from proxy.cluster.heard import JobNow, Note, Notes
from proxy.journal.entry import Phase, frame
from proxy.model import Owner, OwnerKind

pytestmark = pytest.mark.slow

BEGIN_MS = 1_700_000_000_000
TOLERANCE_MS = 10_000
# Any gate's clock and the cluster's are no further apart than that.
SKEW_S = 9
JOBS, REPLICAS = ("j", "k"), 3
ACTIONS = ("make", "start", "start", "bypass", "stop", "finish", "fail", "move", "delete")


@dataclass(slots=True)
class Job:
    """A job of the cluster. `gate` and `receipt` are of the start that it runs by, where that was no bypass."""

    create_ms: int
    state: str = "stopped"
    ran: bool = False
    finished: bool = False
    task_ms: int = 0
    gate: int | None = None
    receipt: str = ""


@dataclass(slots=True)
class World:
    """A cluster, and gates with a journal each. `draw` decides what goes wrong."""

    draw: Any
    now_ms: int = BEGIN_MS
    jobs: dict[str, Job] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    lossy: bool = True
    # Whether starts may end without anybody knowing how: such a one may stand for one past the gate.
    surely: bool = False
    skews: list[int] = field(default_factory=list)
    journals: list[list[Mapping[str, Any]]] = field(default_factory=lambda: [[] for _ in range(REPLICAS)])
    bypasses: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0

    def chance(self) -> bool:
        return bool(self.draw(st.booleans()))

    def wait(self) -> None:
        self.now_ms += self.draw(st.integers(100, 40_000))

    def note(self, job: str, text: str) -> None:
        """Notifications are written without anybody waiting for it."""
        if not (self.lossy and self.draw(st.integers(0, 5)) == 0):
            self.notes.append(Note(job, self.now_ms, text))

    def record(self, gate: int, receipt: str, phase: Phase, outcome: str, **ours: Any) -> None:
        """At the time that the gate's own clock says."""
        made = frame(phase, receipt, self.now_ms + self.skews[gate], outcome=outcome)
        made["startgate"] |= ours
        self.journals[gate].append(made)

    def make(self, name: str) -> None:
        if name not in self.jobs:
            self.jobs[name] = Job(self.now_ms)
            self.note(name, "Created analytics with type [outlier_detection]")

    def delete(self, name: str) -> None:
        if name in self.jobs and self.jobs[name].state == "stopped":
            del self.jobs[name]
            self.note(name, "Deleted analytics")

    def start(self, name: str) -> None:
        """Through a gate, which may be killed at any point of it."""
        gate, receipt = self.draw(st.integers(0, REPLICAS - 1)), f"r{self.count}"
        self.count += 1
        job = self.jobs.get(name)
        told = {"job": {"id": name, **({"create_time": job.create_ms} if job is not None else {})}}
        if job is None or self.chance():
            self.record(gate, receipt, Phase.OUTCOME, "failure", **told)
            return
        self.record(gate, receipt, Phase.INTENT, "unknown", **told)
        crashed = not self.surely and self.draw(st.integers(0, 4)) == 0
        if crashed and self.chance():
            return
        self.now_ms += self.draw(st.integers(0, 3000))
        taken = self.begin(name, gate, receipt, answered=not crashed or self.chance())
        self.now_ms += self.draw(st.integers(0, 1000))
        if not crashed:
            self.record(gate, receipt, Phase.OUTCOME, "success" if taken else "failure", **told)
        elif self.chance():
            self.record(gate, receipt, Phase.OUTCOME, "unknown", **told)

    def begin(self, name: str, gate: int | None, receipt: str, *, answered: bool) -> bool:
        """What the cluster does with a start, whoever sent it; whether it takes it."""
        job = self.jobs[name]
        if job.state != "stopped" or job.finished:
            return False
        job.state, job.task_ms, job.gate, job.receipt = "started", self.now_ms, gate, receipt
        self.note(name, "Starting analytics on node [n1]")
        if answered:
            self.note(name, "Started analytics")
        return True

    def bypass(self, name: str) -> None:
        at_ms = self.now_ms
        if name in self.jobs and self.begin(name, None, "", answered=True):
            self.bypasses.append((name, at_ms))

    def rest(self, name: str, *, ran: bool, text: str = "", finished: bool = False, state: str = "stopped") -> None:
        job = self.jobs.get(name)
        if job is None or job.state != "started":
            return
        job.state, job.ran, job.finished = state, job.ran or ran, finished
        if text:
            self.note(name, text)
        if job.gate is not None and self.chance():
            self.now_ms += self.draw(st.integers(0, 500))
            told = {"job": {"id": name}, "end": {"state": state}}
            self.record(job.gate, job.receipt, Phase.END, "success", **told)

    def stop(self, name: str) -> None:
        job = self.jobs.get(name)
        if job is not None and job.state == "failed":
            job.state = "stopped"
            self.note(name, "Stopped analytics (forced)")
        self.rest(name, ran=self.chance(), text="Stopped analytics")

    def finish(self, name: str) -> None:
        self.rest(name, ran=True, text="Finished analysis", finished=True)

    def fail(self, name: str) -> None:
        self.rest(name, ran=False, text="Updated analytics task state to [failed] with reason [x]", state="failed")

    def move(self, name: str) -> None:
        job = self.jobs.get(name)
        if job is not None and job.state == "started":
            job.task_ms = self.now_ms
            self.note(name, "Starting analytics on node [n2]")


def lived(draw: Any, *, bypasses: bool, lossy: bool) -> World:
    """A history."""
    world = World(draw, lossy=lossy, surely=bypasses)
    world.skews = [draw(st.integers(-SKEW_S, SKEW_S)) * 1000 for _ in range(REPLICAS)]
    for gate in range(REPLICAS):
        # Each gate is there from the beginning.
        world.journals[gate].append({"@timestamp": frame(Phase.END, "", world.now_ms, outcome="success")["@timestamp"]})
    for action in draw(st.lists(st.sampled_from(ACTIONS), max_size=25)):
        world.wait()
        if action != "bypass" or bypasses:
            getattr(world, action)(draw(st.sampled_from(JOBS)))
    world.wait()
    return world


def found(world: World, *, retire: bool, since_ms: int = 0) -> tuple[tuple[Finding, ...], Window]:
    """What a look finds now, and the time that it judged."""
    gathering = Gathering()
    for number, journal in enumerate(world.journals):
        cut = world.draw(st.integers(0, len(journal) - 1)) if retire else 0
        left = journal[cut:]
        gathering.begins(f"gate-{number}", cut + 1, record_ms(left[0]) or 0)
        for one in left:
            gathering.add(one)
    known = gathering.recorded()
    assert known.from_ms is not None
    since = max(known.from_ms + TOLERANCE_MS, since_ms)
    window = Window(since_ms=since, until_ms=world.now_ms, tolerance_ms=TOLERANCE_MS)
    heard = Notes(notes=tuple(world.notes), oldest_ms=min((one.ms for one in world.notes), default=None))
    jobs = tuple(now(name, job) for name, job in sorted(world.jobs.items()))
    tasks = {name: job.task_ms for name, job in world.jobs.items() if job.state == "started"}
    told = Cluster(notes=heard, jobs=jobs, tasks=tasks)
    if world.lossy and world.chance():
        told = replace(told, notes=None)
    return compare(known, told, window), window


def now(name: str, job: Job) -> JobNow:
    return JobNow(id=name, create_time=job.create_ms, state=job.state, ran=job.ran, owner=Owner(kind=OwnerKind.UNKNOWN))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_where_every_start_came_through_a_gate_nothing_is_found(data: st.DataObject) -> None:
    world = lived(data.draw, bypasses=False, lossy=True)
    findings, _ = found(world, retire=True, since_ms=BEGIN_MS + data.draw(st.integers(0, 400_000)))
    assert findings == ()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_start_past_the_gates_is_found(data: st.DataObject) -> None:
    world = lived(data.draw, bypasses=True, lossy=False)
    findings, window = found(world, retire=False)
    due = {name for name, at_ms in world.bypasses if window.holds(at_ms)}
    assert {one.job for one in findings} == due
