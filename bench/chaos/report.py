"""A run in Markdown, and its pictures."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import report as machines
from bench.chaos import plot
from bench.chaos.check import Invariant
from bench.chaos.descriptors import shown
from bench.chaos.ledger import How, Ledger, explained_by
from bench.chaos.rest import Rest, table
from bench.chaos.schedule import Fault
from bench.chaos.vitals import Vitals

BEGINS, ENDS = "<!-- the last run begins -->", "<!-- the last run ends -->"
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is over. `recoveries` are seconds from a fault to when all was as before, of each kind; `log` is all
    that Startgate logged."""

    minutes: float
    seed: int
    ledger: Ledger
    vitals: Vitals
    invariants: tuple[Invariant, ...]
    recoveries: Mapping[Fault, Sequence[float]]
    skipped: Sequence[str]
    rest: Rest
    log: str

    @property
    def violations(self) -> int:
        """How many there are, of all invariants."""
        return sum(len(one.violations) for one in self.invariants)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
        "",
    ]


def markdown(run: Run, pictures: Sequence[str] = ()) -> str:
    """The report; `pictures` are paths to show in it."""
    where = machines.machine()
    verdict = "**zero violations**" if not run.violations else f"**{run.violations} VIOLATIONS**"
    asked = sum(run.ledger.asked.values())
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {run.minutes:g} minutes, seed {run.seed}: {asked:,} requests, "
        f"{sum(len(one) for one in run.recoveries.values())} faults, {verdict}.",
        "",
        "Machine: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in where.items()) + ".",
        "",
        *(f"![{Path(path).stem}]({path})" for path in pictures),
        *([""] if pictures else []),
        *_table(
            ("invariant", "looked at", "violations"),
            ((one.name, f"{one.checked:,}", len(one.violations)) for one in run.invariants),
        ),
        *_faults(run),
        *_traffic(run),
        *_lives(run),
        *_table(("process", "descriptors at rest", "when it had just been started"), table(run.rest)),
    ]
    for one in run.invariants:
        lines += [f"- {one.name}: `{text[:500]}`" for text in one.violations[:_SHOWN]]
    if run.skipped:
        lines += ["", "Left out, as this user may not mount a disk: " + ", ".join(run.skipped) + "."]
    return "\n".join(lines).rstrip() + "\n"


def _faults(run: Run) -> list[str]:
    explains: Counter[Fault] = Counter()
    for failure in run.ledger.failures:
        if failure.how is not How.WRONG and (window := explained_by(failure, run.ledger.windows)) is not None:
            explains[window.fault] += 1
    return _table(
        ("fault", "times", "longest until all was as before", "failures that it explains"),
        (
            (fault, len(times), f"{max(times):.1f} s", explains[fault])
            for fault, times in sorted(run.recoveries.items())
        ),
    )


def _traffic(run: Run) -> list[str]:
    failed = Counter(one.kind for one in run.ledger.failures)
    return _table(
        ("clients", "requests", "failed"),
        ((kind, f"{count:,}", failed[kind]) for kind, count in sorted(run.ledger.asked.items())),
    )


def _lives(run: Run) -> list[str]:
    return _table(
        ("process that lived long enough", "MiB at first", "at last", "descriptors at first", "at last"),
        (
            (one.name, *(f"{value:.1f}" for value in one.mib), *(f"{value:.0f}" for value in one.descriptors))
            for one in run.vitals.judged()
        ),
    )


def pictures(run: Run) -> dict[str, str]:
    """SVG by file name."""
    began = run.ledger.began
    bands = [plot.Band(one.began - began, one.ended - began, one.fault) for one in run.ledger.windows]
    last = max(run.ledger.seconds, default=0)
    failed = Counter(int(one.ended - began) for one in run.ledger.failures)
    requests = {
        "answered": [(float(at), float(run.ledger.seconds[at])) for at in range(last + 1)],
        "failed": [(float(at), float(failed[at])) for at in range(last + 1)],
    }
    slowest = {"slowest": [(float(at), run.ledger.slowest.get(at, 0.0)) for at in range(last + 1)]}
    memory: dict[str, list[tuple[float, float]]] = {}
    descriptors: dict[str, list[tuple[float, float]]] = {}
    for (name, _), samples in run.vitals.lives.items():
        memory.setdefault(name, []).extend((held.at, held.mib) for held in samples)
        descriptors.setdefault(name, []).extend((held.at, float(held.descriptors)) for held in samples)
    return {
        "requests.svg": plot.lines("Requests, and faults as bands", "per second", requests, bands),
        "slowest.svg": plot.lines("The slowest answer of each second", "ms", slowest, bands),
        "memory.svg": plot.lines("Resident memory", "MiB", {name: sorted(memory[name]) for name in memory}, bands),
        "descriptors.svg": plot.lines(
            "Descriptors", "", {name: sorted(descriptors[name]) for name in descriptors}, bands
        ),
    }


def _no_file(folder: str, names: list[str]) -> list[str]:
    """Sockets, which nobody can copy."""
    return [name for name in names if not (Path(folder) / name).is_file()]


def keep(run: Run, folder: Path, journal: Path) -> Path:
    """Put into a folder what tells why: log, journal, every violation in full, and each sample of descriptors; the
    folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "serve.log").write_text(run.log)
    shutil.copytree(journal, folder / "journal", ignore=_no_file, dirs_exist_ok=True)
    violations = [f"{one.name}: {text}" for one in run.invariants for text in one.violations]
    (folder / "report.md").write_text(markdown(run) + "".join(f"\n- {text}\n" for text in violations))
    with (folder / "descriptors.txt").open("w") as lines:
        for life, samples in run.vitals.lives.items():
            for held, kinds in zip(samples, run.vitals.kinds.get(life, ()), strict=False):
                lines.write(f"{held.at:.1f} s {life[0]} ({life[1]}): {held.mib:.1f} MiB, {shown(kinds)}\n")
    return folder


def write(run: Run, page: Path) -> None:
    """Put the report in a page, between its two marks, and the pictures into the folder of its name beside it.

    Raises:
        ValueError: the page has no such marks.
    """
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    drawn = pictures(run)
    for name, text in drawn.items():
        (folder / name).write_text(text)
    before, _, rest = page.read_text().partition(BEGINS)
    _, found, after = rest.partition(ENDS)
    if not found:
        raise ValueError(f"{page} has no {BEGINS} and {ENDS}")
    told = markdown(run, [f"{folder.name}/{name}" for name in drawn])
    page.write_text(f"{before}{BEGINS}\n\n{told}\n{ENDS}{after}")
