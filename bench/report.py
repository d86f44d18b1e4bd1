"""Prints a table and writes the same figures, with the machine and the versions they belong to, as JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, str | int]:
    """What the figures depend on: processor, number of CPUs, kernel, Python, and how busy the machine already was."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cpus": os.cpu_count() or 1,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": f"{os.getloadavg()[0]:.2f}",
    }


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest cell; the first one to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, rule, *rows)
    )


def publish(
    name: str,
    *,
    where: Mapping[str, Any],
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: Mapping[str, Any],
) -> None:
    """Print the table under a line about the machine, and write `bench/results/<name>-<time>.json`."""
    now = datetime.now(UTC)
    print(f"bench/{name}, {now:%Y-%m-%d %H:%M} UTC; " + ", ".join(f"{key} {value}" for key, value in where.items()))
    print(table(heads, rows))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    record = {"bench": name, "date": now.isoformat(), "machine": dict(where), "figures": figures}
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written to {path}")
