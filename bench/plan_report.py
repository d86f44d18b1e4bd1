"""How the figures of `plan` are printed: each beside its bar, and as the rows of the table in README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from bench.beside import Others
from bench.fleet import FIELDS, Sort

MIB = 1024 * 1024
SIZES = ("fleet", "answer MiB", "CPU ms", "us/index", "seconds", "growth MiB", "above the answer MiB")
DELAYS = (
    *("other starts", "starts", "fleets", "p50 ms", "p99 ms", "max ms", "delay p50", "delay p99"),
    *("passing", "p50 ms", "p99 ms", "delay p50", "delay p99"),
)
BARS = ("what", "figure", "at most", "")
# What a start over the largest fleet may cost.
CPU_S, ABOVE_MIB, DELAY_MS = 2.0, 64.0, 50.0
# Passing requests must not wait at all; less than this is a processor on its way from one process to another.
PASSING_MS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a start over so many indices costs: medians of all rounds, but for `growth_mib`, the most of any round."""

    sort: Sort
    indices: int
    answer_mib: float
    cpu_ms: float
    seconds: float
    growth_mib: float

    @property
    def above_mib(self) -> float:
        """Memory beyond the length of the answer."""
        return max(0.0, self.growth_mib - self.answer_mib)

    @property
    def us_per_index(self) -> float:
        """CPU time by index."""
        return self.cpu_ms * 1000 / self.indices


def size_row(each: Fleet) -> list[str]:
    """A row under `SIZES`."""
    return [
        f"{each.sort}-{each.indices}",
        f"{each.answer_mib:.1f}",
        f"{each.cpu_ms:.0f}",
        f"{each.us_per_index:.0f}",
        f"{each.seconds:.2f}",
        f"{each.growth_mib:.1f}",
        f"{each.above_mib:.1f}",
    ]


def delay_row(each: Others, alone: Others) -> list[str]:
    """A row under `DELAYS`."""
    starts = (each.p50_ms, each.p99_ms, each.max_ms, each.p50_ms - alone.p50_ms, each.p99_ms - alone.p99_ms)
    passing = (each.passing_p50_ms, each.passing_p99_ms, *_passing(each, alone))
    return [
        each.case,
        str(each.starts),
        str(each.fleets),
        *(f"{value:.1f}" for value in starts),
        str(each.passing),
        *(f"{value:.2f}" for value in passing),
    ]


def bars(sizes: Sequence[Fleet], others: Sequence[Others]) -> list[list[str]]:
    """Rows under `BARS`: what must hold, and whether it does."""
    alike = sorted((each for each in sizes if each.sort is Sort.ALIKE), key=lambda each: each.indices)
    most, alone = alike[-1], others[0]
    rows = [
        _bar(f"CPU s over {most.indices:,} indices", most.cpu_ms / 1000, CPU_S),
        _bar(f"MiB above the answer over {most.indices:,} indices", most.above_mib, ABOVE_MIB),
    ]
    rows += [
        _bar(f"us/index at {more.indices:,}, at {less.indices:,} at most", more.us_per_index, less.us_per_index)
        for less, more in pairwise(alike)
    ]
    for each in others[1:]:
        rows += [
            _bar(f"ms that other starts wait {each.case}, p99", each.p99_ms - alone.p99_ms, DELAY_MS),
            _bar(f"ms that passing requests wait {each.case}, p99", _passing(each, alone)[1], PASSING_MS),
        ]
    return rows


def readme(sizes: Sequence[Fleet], others: Sequence[Others], machine: Mapping[str, object]) -> list[str]:
    """The rows of README.md's table of figures, in Markdown."""
    alone, *busy = others
    where = f"{datetime.now(UTC):%Y-%m-%d}, {machine['cpus']} CPUs {machine['processor']}, `python -m bench.plan`"
    alike = [each for each in sizes if each.sort is Sort.ALIKE]
    rows = []
    for each in busy:
        size = next(size for size in sizes if each.case.endswith(f" {size.sort}-{size.indices}"))
        like = "mostly alike" if size.sort is Sort.ALIKE else "no two with a field in common, which is refused"
        # These are asked of mappings that are mostly alike, and of no others.
        alike_only = (f" (bar: {CPU_S:g})", f" (bar: {ABOVE_MIB:g} above the answer's size)")
        cpu_bar, memory_bar = alike_only if size.sort is Sort.ALIKE else ("", "")
        what = f"a start over {size.indices:,} indices with {FIELDS:,} fields each, {like}"
        p50, p99 = each.p50_ms - alone.p50_ms, each.p99_ms - alone.p99_ms
        passing = " and ".join(f"{value:.1f}" for value in _passing(each, alone))
        rows.append(
            f"| {what} (a mapping answer of {size.answer_mib:.0f} MiB) | {size.cpu_ms / 1000:.2f} s of the gate's CPU"
            f"{cpu_bar}, {size.growth_mib:.0f} MiB of its memory{memory_bar}; "
            f"while such starts follow one another, other starts wait {p50:.0f} ms longer at the 50th and {p99:.0f} ms "
            f"at the 99th percentile (bar: {DELAY_MS:g}), passing requests {passing} ms (bar: none) ({where}) |"
        )
    growth = ", ".join(f"{each.us_per_index:.0f}" for each in alike)
    counts = ", ".join(f"{each.indices:,}" for each in alike)
    return [
        *rows,
        f"| the same by index, where there are {counts} of them | {growth} µs of CPU (bar: no growth) ({where}) |",
    ]


def _passing(each: Others, alone: Others) -> tuple[float, float]:
    """How much longer passing requests take, in ms: at the 50th and at the 99th percentile."""
    return each.passing_p50_ms - alone.passing_p50_ms, each.passing_p99_ms - alone.passing_p99_ms


def _bar(what: str, figure: float, most: float) -> list[str]:
    return [what, f"{figure:.2f}", f"{most:.2f}", "holds" if figure <= most else "MISSED"]
