"""Reads a `requirements*.lock`: one package a line, exact, with its marker and hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.*))?")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package as it is locked. `marker` says where it is installed; empty: everywhere. Hashes are hex SHA-256."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def locked(path: Path) -> list[Locked]:
    """Every package of a lock. Raises ValueError for a line that is not exact, or has no hash."""
    return list(_read(path.read_text().replace("\\\n", " ")))


def _read(text: str) -> Iterator[Locked]:
    for line in text.splitlines():
        stripped = line.partition(" #")[0].strip()
        if not stripped or stripped.startswith("#"):
            continue
        head, *hashes = stripped.split("--hash=sha256:")
        found = _LINE.fullmatch(head.strip())
        if found is None or not hashes:
            raise ValueError(f"not an exact version with its hashes: {line.strip()}")
        yield Locked(found["name"], found["version"], found["marker"] or "", tuple(one.strip() for one in hashes))
