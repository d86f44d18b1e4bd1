"""What rules cost: loading a thousand files of them, and one verdict over many guards and roles.

No process and no cluster takes part: files on the disk in, rules out; rules and a start in, a verdict out, by the one
evaluator that the gate uses. The caller has a part of the roles of the role file, or all of them; every guard and flow
is evaluated, and none of the guards denies. CPU time is this thread's, the median of all rounds.

Run: python -m bench.rules [--files 1000] [--guards 100 1000] [--roles 500] [--rounds 30]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from bench import report
from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter
from proxy.rules import Rules, judge, load
from proxy.rules.seal import sealed
from proxy.rules.situation import Request, Situation, SourceName, Target

T = TypeVar("T")

# Wanted: seconds for a thousand files, and milliseconds for a verdict over a hundred guards and five hundred roles.
LOAD_BAR_S = 5.0
VERDICT_BAR_MS = 5.0
# How many roles a user has who has few.
FEW_ROLES = 5
_NOW_MS = 1_800_000_000_000

START = """\
version: 1
roles: [roles.yml]
role_mappings:
  - grants: [%s]
    users: [ann]
start_data_frame_analytics:
  require:
    cluster: [manage_ml]
    source: [read, view_index_metadata]
    destination: [read, create_index, manage, index]
  authority: roles
"""
# Of each kind a few, as rules have them: names, sizes, lists, times.
CONDITIONS = (
    'job.analysis == "regression" && job.model_memory_limit_bytes > {n} * gib',
    'caller.roles.exists(role, role == "intern-{n}")',
    'job.source.index.exists(name, name.startsWith("secret-{n}-"))',
    'destination.index.endsWith("-{n}") && caller.username != "ann"',
    'now.getHours("Europe/Vienna") > 25 - {n} % 2 || job.max_num_threads > 8 + {n}',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured, in its unit, beside what is wanted of it; None where nothing is."""

    what: str
    value: float
    unit: str
    bar: float | None

    @property
    def row(self) -> list[str]:
        """As a row of the table."""
        bar = "" if self.bar is None else f"{self.bar:g}"
        held = "" if self.bar is None else "yes" if self.value < self.bar else "NO"
        return [self.what, f"{self.value:.2f}", self.unit, bar, held]


def write(folder: Path, *, files: int, guards: int, roles: int, granted: int) -> None:
    """A folder of rules: one start file, one role file, and guards and flows in `files` more files."""
    names = [f"role-{number}" for number in range(roles)]
    (folder / "start.yml").write_text(START % ", ".join(names[:granted]))
    (folder / "roles.yml").write_text("".join(f"{name}: {_role(number)}\n" for number, name in enumerate(names)))
    per_file = -(-guards // files)
    for number in range(files):
        ours = range(number * per_file, min(guards, (number + 1) * per_file))
        lines = [f"version: 1\nstart_data_frame_analytics:\n  flows: [{{from: [flights-{number}-*], to: ['*']}}]"]
        lines += ["  guards:"] if ours else []
        lines += [
            f"    - {{id: guard-{one}, deny: {json.dumps(_condition(one))}, message: it is guard {one}}}"
            for one in ours
        ]
        (folder / f"more-{number:04}.yml").write_text("\n".join(lines) + "\n")
    seal = load(folder, draft=True).seal
    (folder / "start.yml").write_text(sealed((folder / "start.yml").read_text(), seal))


def _role(number: int) -> str:
    # The first has all that the start takes, so that nothing is missing; the others are other teams'.
    names, cluster = (["flights-*", "out-*"], ["manage_ml"]) if not number else ([f"team-{number}-*", f"t{number}"], [])
    return json.dumps({"cluster": cluster, "indices": [{"names": names, "privileges": ["all"]}]})


def _condition(number: int) -> str:
    return CONDITIONS[number % len(CONDITIONS)].replace("{n}", str(number + 1))


def start() -> Situation:
    """A start that is allowed."""
    job = Job(
        id="delays",
        create_time=_NOW_MS - 1000,
        version="8.15.0",
        sources=("flights-0-2026", "flights-1-*"),
        source_filter=SourceFilter(),
        runtime_mappings={},
        destination="out-delays",
        results_field="ml",
        analysis="outlier_detection",
        analysis_settings={"n_neighbors": 3},
        owner=Owner(kind=OwnerKind.ROLES, roles=("role-0",)),
        config={"id": "delays", "model_memory_limit": "1gb", "max_num_threads": 1},
    )
    ann = Identity(username="ann", roles=("analyst",), realm="file1", realm_type="file", lookup_realm="file1")
    return Situation(
        caller=ann,
        secondary=None,
        job=job,
        request=Request(peer="10.0.0.9", user_agent="bench"),
        now_ms=_NOW_MS,
        sources=tuple(SourceName(name=name) for name in ("flights-0-2026", "flights-1-a", "flights-1-b")),
        target=Target(name=None),
        running=(),
    )


def cpu_s(work: Callable[[], T], rounds: int) -> tuple[T, float]:
    """What the work gives, and its CPU time in seconds: the median of all rounds."""
    spent: list[float] = []
    for _ in range(rounds):
        before = time.thread_time()
        found = work()
        spent.append(time.thread_time() - before)
    return found, statistics.median(spent)


def measure_load(files: int) -> list[Figure]:
    """How long it takes to load so many files with a guard and a flow each, all in all: by the clock, and of CPU."""
    with tempfile.TemporaryDirectory(prefix="bench-rules-") as place:
        write(Path(place), files=files, guards=files, roles=1, granted=1)
        before = time.perf_counter(), time.thread_time()
        rules = load(Path(place))
        took, spent = time.perf_counter() - before[0], time.thread_time() - before[1]
    assert len(rules.guards) == files
    what = f"load {files + 1:,} rule files"
    return [
        Figure(what=what, value=took, unit="s", bar=LOAD_BAR_S),
        Figure(what=f"{what}: CPU", value=spent, unit="s CPU", bar=None),
    ]


def measure_verdict(guards: int, roles: int, granted: int, rounds: int) -> Figure:
    """The CPU time of one verdict, in milliseconds."""
    rules = _rules(guards, roles, granted)
    situation = start()
    verdict, spent = cpu_s(lambda: judge(rules, situation), rounds)
    assert verdict.allowed, verdict.reasons
    bar = VERDICT_BAR_MS if guards <= 100 else None
    what = f"a verdict: {guards:,} guards, {roles} roles, of which the caller has {granted}"
    return Figure(what=what, value=spent * 1000, unit="ms CPU", bar=bar)


def _rules(guards: int, roles: int, granted: int) -> Rules:
    with tempfile.TemporaryDirectory(prefix="bench-rules-") as place:
        write(Path(place), files=10, guards=guards, roles=roles, granted=granted)
        return load(Path(place))


def measure_all(files: int, guards: Sequence[int], roles: int, rounds: int) -> list[Figure]:
    """All of it."""
    figures = measure_load(files)
    for count in guards:
        figures += [measure_verdict(count, roles, granted, rounds) for granted in (min(FEW_ROLES, roles), roles)]
    return figures


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.rules")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--guards", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--roles", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=30, help="verdicts of which the median is taken")
    options = parser.parse_args()
    figures = measure_all(options.files, options.guards, options.roles, options.rounds)
    report.publish(
        "rules",
        where=report.machine() | {"rounds": options.rounds},
        heads=("what", "figure", "unit", "bar", "held"),
        rows=[each.row for each in figures],
        figures={"rules": [asdict(each) for each in figures]},
    )


if __name__ == "__main__":
    main()
