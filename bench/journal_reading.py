"""What reading the journal costs: records that `verify` checks a second, and a million records listed with a filter.

The journal is made in a temporary folder, sealed as the writer seals it, and deleted afterwards. A start is denied (one
record) or granted (intent, outcome, end); records are about 2 KB, as those of a job with a few sources are. Each figure
is of a process of its own, whose highest resident memory is told beside it; files come from the page cache.

Run: python -m bench.journal_reading [--records 1000000] [--verified 200000]
"""

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bench import report
from bench.children import ROOT, python
from proxy.journal import marks
from proxy.journal.chain import genesis, seal
from proxy.journal.entry import Phase, frame, timestamp
from proxy.journal.lines import refuse
from proxy.journal.query import Name, Query, Result
from proxy.journal.scan import matching
from proxy.journal.verify import verify

VERIFY_BAR = 100_000
LIST_BAR_S = 5.0
# Of the whole process; Python with this code takes 20 MiB before it reads anything.
MEMORY_BAR_MIB = 128
PER_FILE = 100_000
# One start in so many is the one user's who is asked for.
RARE = 999


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, beside what is wanted of it; None where nothing is. `least`: more is better."""

    what: str
    value: float
    unit: str
    bar: float | None
    least: bool = False

    @property
    def row(self) -> list[str]:
        """As a row of the table."""
        if self.bar is None:
            return [self.what, f"{self.value:,.1f}", self.unit, "", ""]
        held = self.value >= self.bar if self.least else self.value <= self.bar
        return [self.what, f"{self.value:,.1f}", self.unit, f"{self.bar:,g}", "yes" if held else "NO, missed"]


def records(count: int) -> Iterator[dict[str, Any]]:
    """So many records: starts of many users, every second one granted."""
    made = start = 0
    while made < count:
        start += 1
        phases = (Phase.INTENT, Phase.OUTCOME, Phase.END) if start % 2 else (Phase.OUTCOME,)
        for phase in phases[: count - made]:
            yield _record(start, phase, granted=len(phases) > 1)
            made += 1


def _time_ms(start: int) -> int:
    return 1_750_000_000_000 + start * 1000


def _record(start: int, phase: Phase, *, granted: bool) -> dict[str, Any]:
    outcome = "unknown" if phase is Phase.INTENT else "success" if granted else "failure"
    record = frame(phase, f"{start:032x}", _time_ms(start), outcome=outcome)
    ours = record["startgate"]
    ours["job"] = {"id": f"job-{start % 500}"}
    if phase is Phase.END:
        ours["end"] = {"state": "stopped"}
        return record
    name = "rare" if start % RARE == 0 else f"user-{start % 200}"
    who = {"name": name, "roles": ["analyst", "kibana_user"], "realm": {"name": "native1", "type": "native"}}
    record["user"] = {"name": name, "roles": who["roles"]}
    record["http"] = {"request": {"method": "POST"}, "response": {"status_code": 200 if granted else 403}}
    record["url"] = {"path": f"/_ml/data_frame/analytics/job-{start % 500}/_start"}
    ours["caller"] = who | {"authentication_type": "realm"}
    ours["job"] |= {"analysis": "regression", "sources": [f"flights-{n}-*" for n in range(4)], "destination": "out"}
    reasons = [{"kind": "source", "text": f"no read on [flights-{n}]", "rule": "start.yml:15"} for n in range(3)]
    ours["verdict"] = {"allowed": granted, "reasons": [] if granted else reasons}
    ours["situation"] = {"sources": [{"name": f"flights-{n}-2026.{start % 12 + 1:02}"} for n in range(30)]}
    ours["destination"] = {"index": "out", "plan": "create", "why": "it is missing", "body_sha256": "f0" * 32}
    ours["timings_ms"] = dict.fromkeys(("identified", "judged", "planned", "answered"), 1.25)
    return record


def write(folder: Path, count: int) -> int:
    """A journal of so many records in files of PER_FILE; its size in bytes."""
    link, size = genesis("bench-journal-00000000"), 0
    first = marks.opened("x", 0, file="starts-000001.jsonl", before="nothing", torn=None, notes=())
    waiting = chain([first], records(count - 1))
    for number in range(1, -(-count // PER_FILE) + 1):
        with (folder / f"starts-{number:06d}.jsonl").open("wb") as file:
            for record in islice(waiting, PER_FILE):
                line, link = seal(record, link)
                size += file.write(line)
    return size


def measure_verify(folder: Path) -> None:
    """Check the journal, and print the figures; to be run in a process of its own."""
    before = time.perf_counter(), time.process_time()
    found = verify(folder)
    took, spent = time.perf_counter() - before[0], time.process_time() - before[1]
    assert found.whole, found.findings[:3]
    print(found.records / spent, found.records / took, _memory_mib())


def measure_list(folder: Path, wanted: str) -> None:
    """List with a filter, and print the figures; to be run in a process of its own."""
    queries = {
        "user": Query(user=Name("rare")),
        "time": Query(since=timestamp(_time_ms(RARE * 100)), until=timestamp(_time_ms(RARE * 101))),
        "verdict": Query(results=frozenset({Result.DENIED}), job=Name("job-8")),
    }
    before = time.perf_counter()
    count = sum(1 for _ in matching(folder, queries[wanted], refuse))
    print(time.perf_counter() - before, count, _memory_mib())


def _memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart(*arguments: str) -> list[float]:
    command = python("bench.journal_reading", *arguments)
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [float(word) for word in told.stdout.split()]


def measure_all(count: int, verified: int) -> list[Figure]:
    """All of it, on two journals of so many records."""
    figures: list[Figure] = []
    place = Path(tempfile.mkdtemp(prefix="bench-journal-"))
    try:
        size = write(place, verified) / verified
        by_cpu, by_clock, memory = _apart("--measure-verify", str(place))
        figures += [
            Figure(f"verify, records of {size:,.0f} bytes", by_cpu, "records per second of CPU", VERIFY_BAR, True),
            Figure("verify, by the clock", by_clock, "records/s", None),
            Figure("verify: memory", memory, "MiB", MEMORY_BAR_MIB),
        ]
        for file in place.iterdir():
            file.unlink()
        size = write(place, count) / count
        for wanted in ("user", "time", "verdict"):
            took, found, memory = _apart("--measure-list", wanted, str(place))
            what = f"list {count:,} records of {size:,.0f} bytes by {wanted}: {found:,.0f} starts"
            figures += [
                Figure(what, took, "s", LIST_BAR_S),
                Figure(f"list by {wanted}: memory", memory, "MiB", MEMORY_BAR_MIB),
            ]
    finally:
        shutil.rmtree(place)
    return figures


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.journal_reading")
    parser.add_argument("--records", type=int, default=1_000_000, help="records that are listed")
    parser.add_argument("--verified", type=int, default=200_000, help="records that are verified")
    parser.add_argument("--measure-verify", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure-list", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_verify:
        measure_verify(options.measure_verify)
        return
    if options.measure_list:
        measure_list(Path(options.measure_list[1]), options.measure_list[0])
        return
    figures = measure_all(options.records, options.verified)
    report.publish(
        "journal-reading",
        where=report.machine(),
        heads=("what", "figure", "unit", "bar", "held"),
        rows=[each.row for each in figures],
        figures={"reading": [asdict(each) for each in figures]},
    )


if __name__ == "__main__":
    main()
