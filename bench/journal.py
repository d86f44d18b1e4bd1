"""What a durable record costs: many writers at a time, who each wait until their record is on the disk.

Each writer appends its next record as soon as its last is durable (`flat out`), or at a pace that makes the wanted rate
in all (`paced`; once with a disk that is slower). What one fsync takes is measured in the same run, on the same disk:
by itself, and as the journal meets it. Records are about 2 KB, as those of a job with a few sources.

Run: python -m bench.journal [--writers 200] [--seconds 5] [--folder DIR]
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench import report
from proxy.journal.entry import Phase, frame
from proxy.journal.files import Files
from proxy.journal.writer import open_journal
from proxy.settings import JournalSettings

RATE_BAR = 2000
# The p99 of the wait, in fsyncs of the same run: one that is under way, one's own, and one for everything else.
FSYNCS_BAR = 3.0
FSYNCS_MEASURED = 200
# Disks of virtual machines acknowledge from a cache, in less than a thread takes to be woken. In this run an fsync
# takes as long as on a disk that writes.
SLOW = "paced, 2 ms more an fsync"
SLOWER_S = 0.002
# Records are made before they are appended: what making them costs is the gate's matter.
MADE = 2000


class Timed(Files):
    """The system's own calls; how long each fsync of the journal took, in seconds, `slower_s` more than it did."""

    def __init__(self, slower_s: float = 0.0) -> None:
        self.took_s: list[float] = []
        self.slower_s = slower_s

    def sync(self, file: int) -> None:
        """Fsync, and note how long it took."""
        begun_s = time.perf_counter()
        super().sync(file)
        time.sleep(self.slower_s)
        self.took_s.append(time.perf_counter() - begun_s)


@dataclass(frozen=True)
class Run:
    """One run: durable records a second; waits and fsyncs in milliseconds; how many fsyncs ended while a record waited,
    and the wait in the longest of these; records a batch on average."""

    name: str
    rate: float
    wait_p50_ms: float
    wait_p99_ms: float
    wait_max_ms: float
    fsync_p50_ms: float
    fsync_p99_ms: float
    rounds_p99: float
    met_p99: float
    batch: float

    @property
    def by_median(self) -> float:
        """The p99 of the wait in fsyncs as most of them are."""
        return self.wait_p99_ms / self.fsync_p50_ms

    @property
    def by_p99(self) -> float:
        """The p99 of the wait in fsyncs as slow as one in a hundred is: a tail beside a tail."""
        return self.wait_p99_ms / self.fsync_p99_ms

    def rows(self) -> list[list[str]]:
        """As rows of the table, bars beside figures."""
        return [
            [f"{self.name}: durable records", f"{self.rate:,.0f}", "/s", f"{RATE_BAR:,}", kept(self.rate >= RATE_BAR)],
            [f"{self.name}: wait, p50", f"{self.wait_p50_ms:.2f}", "ms", "", ""],
            [f"{self.name}: wait, p99", f"{self.wait_p99_ms:.2f}", "ms", "", ""],
            *(
                [
                    f"{self.name}: wait, p99, by {what}",
                    f"{value:.2f}",
                    "fsyncs",
                    f"{FSYNCS_BAR:g}",
                    kept(value < FSYNCS_BAR),
                ]
                for what, value in (
                    ("fsync p50", self.by_median),
                    ("fsync p99", self.by_p99),
                    ("the longest fsync that it met", self.met_p99),
                )
            ),
            [f"{self.name}: fsyncs that ended meanwhile, p99", f"{self.rounds_p99:g}", "", "", ""],
            [f"{self.name}: wait, longest", f"{self.wait_max_ms:.2f}", "ms", "", ""],
            [f"{self.name}: fsync, p50", f"{self.fsync_p50_ms:.2f}", "ms", "", ""],
            [f"{self.name}: fsync, p99", f"{self.fsync_p99_ms:.2f}", "ms", "", ""],
            [f"{self.name}: records a batch", f"{self.batch:.1f}", "", "", ""],
        ]


def kept(held: bool) -> str:
    """Whether a bar was held, in a word."""
    return "yes" if held else "NO, missed"


def percentile(values: list[float], part: float) -> float:
    """The value that this part of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def record(number: int) -> dict[str, Any]:
    """A record of about 2 KB."""
    made = frame(Phase.OUTCOME, f"{number:032x}", time.time_ns() // 1_000_000, outcome="success")
    sources = [f"flights-{number % 97}-{part:04d}" for part in range(60)]
    made["startgate"] |= {"job": {"id": f"job-{number % 500}", "sources": sources, "destination": "out"}}
    made["user"] = {"name": f"user-{number % 1000}", "roles": ["ml_user", "flights_reader"]}
    return made


async def run(name: str, folder: Path, writers: int, seconds: float, *, pause_s: float, slower_s: float = 0.0) -> Run:
    """So many writers at a time for so long; each waits `pause_s` between two records, on average."""
    files, waits, rounds, met = Timed(slower_s), list[float](), list[float](), list[float]()
    made = [record(number) for number in range(MADE)]
    journal = open_journal(folder, JournalSettings(append_limit_s=60.0), files=files)
    files.took_s.clear()
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds

    async def write(writer: int) -> None:
        chance = random.Random(writer)  # noqa: S311 -- a spread of starts, not a secret
        number = writer
        due_s = loop.time() + chance.random() * pause_s
        while due_s < end_s and loop.time() < end_s:
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            begun_s, synced = time.perf_counter(), len(files.took_s)
            await journal.append(made[number % MADE])
            waits.append(time.perf_counter() - begun_s)
            rounds.append(len(files.took_s) - synced)
            met.append(waits[-1] / max(files.took_s[synced:]))
            number += writers
            due_s = max(due_s + pause_s, loop.time()) if pause_s else loop.time()

    begun_s = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    took_s = time.perf_counter() - begun_s
    await journal.close()
    return Run(
        name=name,
        rate=len(waits) / took_s,
        wait_p50_ms=percentile(waits, 0.5) * 1000,
        wait_p99_ms=percentile(waits, 0.99) * 1000,
        wait_max_ms=max(waits) * 1000,
        fsync_p50_ms=percentile(files.took_s, 0.5) * 1000,
        fsync_p99_ms=percentile(files.took_s, 0.99) * 1000,
        rounds_p99=percentile(rounds, 0.99),
        met_p99=percentile(met, 0.99),
        batch=len(waits) / len(files.took_s),
    )


def bare_fsync_ms(folder: Path, size_bytes: int) -> float:
    """The median of appending so many bytes and an fsync, with nothing else going on."""
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    took = []
    try:
        for _ in range(FSYNCS_MEASURED):
            begun_s = time.perf_counter()
            os.write(file, b"x" * size_bytes)
            os.fsync(file)
            took.append(time.perf_counter() - begun_s)
    finally:
        os.close(file)
    return statistics.median(took) * 1000


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Durable records a second, and how long each waits.")
    parser.add_argument("--writers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to be measured; else the temporary one")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and write the results."""
    asked = arguments()
    where = report.machine()
    folder = Path(tempfile.mkdtemp(prefix="startgate-bench-", dir=asked.folder))
    try:
        pace_s = asked.writers / (RATE_BAR * 1.05)
        plan = (("flat out", 0.0, 0.0), ("paced", pace_s, 0.0), (SLOW, pace_s, SLOWER_S))
        runs = [
            uvloop.run(run(name, folder / name, asked.writers, asked.seconds, pause_s=pause_s, slower_s=slower_s))
            for name, pause_s, slower_s in plan
        ]
        bare = {f"{size} KiB": bare_fsync_ms(folder, size * 1024) for size in (2, 200)}
    finally:
        shutil.rmtree(folder)
    rows = [row for one in runs for row in one.rows()]
    rows += [[f"an fsync by itself, {size}", f"{took:.2f}", "ms", "", ""] for size, took in bare.items()]
    report.publish(
        "journal",
        where={**where, "writers": asked.writers},
        heads=["", "measured", "", "bar", "held"],
        rows=rows,
        figures={"runs": [asdict(one) for one in runs], "bare_fsync_ms": bare},
    )


if __name__ == "__main__":
    main()
