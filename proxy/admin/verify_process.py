"""`python -m proxy.admin.verify_process FOLDER`: checks a journal's chain for the admin process, after everybody else.

Tells how far it is in lines of JSON on standard output, and what came of it in the last one. A process of its own: to
check a chain is to compute hashes, for minutes where the journal is long.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from proxy.errors import JournalError
from proxy.journal.lines import batches, files
from proxy.journal.verify import Verifier

# Everybody else goes before.
NICE: Final = 19
TOLD_EVERY_S: Final = 0.25
FINDINGS_TOLD: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far it is: bytes that were read, of so many. `done` is in the last line alone; `failed` says why it could not
    be checked."""

    read_bytes: int
    total_bytes: int
    records: int = 0
    done: bool = False
    failed: str = ""
    findings: tuple[str, ...] = ()


def check(folder: Path, tell: "Tell") -> None:
    """Check a journal, and tell. Raises BrokenPipeError: nobody listens any more."""
    try:
        total = sum(path.stat().st_size for path in files(folder))
        _check(folder, total, tell)
    except BrokenPipeError:
        raise
    except (JournalError, OSError) as failure:
        tell.line(Told(read_bytes=0, total_bytes=0, done=True, failed=str(failure)))


def _check(folder: Path, total: int, tell: "Tell") -> None:
    verifier = Verifier(limit=FINDINGS_TOLD)
    paths: set[Path] = set()
    read = 0
    for batch in batches(folder, verifier.unreadable, settle=True):
        paths.add(batch.path)
        verifier.lines(str(batch.path), batch.first, batch.lines)
        if batch.torn:
            verifier.torn(str(batch.path), batch.first, batch.torn)
        read += sum(map(len, batch.lines)) + len(batch.lines)
        tell.now_and_then(read, max(read, total))
    found = verifier.result(len(paths))
    findings = [str(one) for one in found.findings]
    if found.more:
        findings.append(f"and {found.more} more")
    tell.line(
        Told(
            read_bytes=read,
            total_bytes=max(read, total),
            records=found.records,
            done=True,
            findings=tuple(findings),
        )
    )


class Tell:
    """Writes lines to a descriptor."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._due_s = 0.0

    def now_and_then(self, read: int, total: int) -> None:
        """How far it is, unless that was told a moment ago."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + TOLD_EVERY_S
            self.line(Told(read_bytes=read, total_bytes=total))

    def line(self, told: Told) -> None:
        """Write a line. Raises OSError: nobody listens any more."""
        os.write(self._out, msgspec.json.encode(told) + b"\n")


def main() -> int:
    """Check the folder that the command line names."""
    os.nice(NICE)
    try:
        check(Path(sys.argv[1]), Tell(sys.stdout.fileno()))
    except BrokenPipeError:
        # Whoever wanted to know has ended.
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
