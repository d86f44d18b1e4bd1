"""Runs a client's suite, a program of its own, and holds what it heard directly to what it heard through Startgate."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.ground import Ground

# A run takes two to ten seconds. What hangs must still end within a CI run, and a busy machine may be slow.
RUN_TIMEOUT_S = 240

# Checks that have no counterpart without Startgate begin so: what it refuses, and what it adds. Every client has these.
_OUR = "ours_"
OURS = ("ours_bad_id", "ours_bare_start", "ours_denied", "ours_no_gate", "ours_receipt")
# What differs from run to run on the node alone. Nothing else may.
_VOLATILE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """One client with the command that runs its suite. `env` is laid over this process's environment."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)


def lines(ground: Ground) -> tuple[int, ...]:
    """The lines of a client to run against a node."""
    return lines_on(ground.node.version.major)


def lines_on(major: int) -> tuple[int, ...]:
    """The lines to run on a release: the one of its number; on 9 also 8, which asks for `compatible-with=8`, as a site
    does that upgrades its cluster first."""
    return (9, 8) if major == 9 else (major,)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a suite printed: the client as it names itself, and its results by name."""

    client: str
    checks: Mapping[str, Any]


def run(client: Client, places: Mapping[str, str]) -> Heard:
    """One run of a suite. Raises AssertionError with what it complained of where it ends badly."""
    done = subprocess.run(
        [str(part) for part in client.command],
        env={**os.environ, **client.env, "SUITE": json.dumps(places)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    assert done.returncode == 0, f"{client.name}: {done.stderr[-3000:]}{done.stdout[-500:]}"
    assert lines, f"{client.name}: it said nothing; {done.stderr[-3000:]}"
    told = json.loads(lines[-1])
    return Heard(told["client"], {name: plain(value) for name, value in told["checks"].items()})


def plain(value: Any) -> Any:
    """A result without what no two runs have in common."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        for pattern, instead in _VOLATILE:
            value = pattern.sub(instead, value)
    return value


# The router takes some for the name of an index with something behind it.
_NO_HANDLER = re.compile(r"no handler found for uri|Incorrect HTTP method for uri")


def lacking(checks: Mapping[str, Any]) -> set[str]:
    """The checks that the node has no handler for: an error that says so, or a ping that was answered no."""
    return {name for name, value in checks.items() if value is False or _NO_HANDLER.search(json.dumps(value))}


@dataclass(frozen=True, slots=True)
class Compared:
    """Both runs of a suite on one ground."""

    name: str
    direct: Heard
    through: Heard

    def differing(self) -> dict[str, tuple[Any, Any]]:
        """Directly and through, where they are not equal."""
        names = sorted(name for name in {*self.direct.checks, *self.through.checks} if not name.startswith(_OUR))
        pairs = {name: (self.direct.checks.get(name), self.through.checks.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def summary(self) -> str:
        """One line for whoever runs it."""
        direct, ours = len(self.direct.checks), sum(name.startswith(_OUR) for name in self.through.checks)
        equal = "equal" if not self.differing() else f"DIFFERENT: {', '.join(self.differing())}"
        lacks = ", ".join(sorted(lacking(self.direct.checks))) or "nothing"
        through = f"{len(self.through.checks) - ours} through, {equal}, and {ours} of Startgate's own"
        return f"{self.name} ({self.direct.client}): {direct} checks direct, {through}; the bare node lacks {lacks}"


def compare(client: Client, ground: Ground) -> Compared:
    """Runs a suite directly, then through, and prints the counts."""
    compared = Compared(client.name, run(client, ground.direct()), run(client, ground.through()))
    print(compared.summary())
    return compared
