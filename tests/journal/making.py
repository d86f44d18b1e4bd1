"""Journals for tests, made as the writer makes them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from proxy.journal import marks
from proxy.journal.chain import Link, genesis, seal
from proxy.journal.entry import Phase, frame

JOURNAL = "a-journal-of-its-own-0"
# 2023-11-14T22:13:20Z
BEGIN_MS = 1_700_000_000_000


def encode(record: Mapping[str, Any]) -> bytes:
    """A record's line, newline included, as a version before the chain wrote it: keys in the order in which they were
    put."""
    return msgspec.json.encode(record) + b"\n"


def record(
    receipt: str, phase: Phase = Phase.OUTCOME, outcome: str = "failure", *, at_s: int = 0, **ours: Any
) -> dict[str, Any]:
    """A record of a start, so many seconds after BEGIN_MS; `user` is its caller, the rest fields of `startgate`."""
    made = frame(phase, receipt, BEGIN_MS + at_s * 1000, outcome=outcome)
    if user := ours.pop("user", None):
        made["user"] = {"name": user}
    made["startgate"] |= ours
    return made


def granted(receipt: str, *, at_s: int = 0, end: str | None = "success", **ours: Any) -> list[dict[str, Any]]:
    """The records of a start that was granted; `end` is the outcome of its end, None where it runs still."""
    made = [
        record(receipt, Phase.INTENT, "unknown", at_s=at_s, **ours),
        record(receipt, Phase.OUTCOME, "success", at_s=at_s + 1, verdict={"allowed": True}, **ours),
    ]
    # An end names no user.
    return [*made, record(receipt, Phase.END, end, at_s=at_s + 3600)] if end else made


def opened(before: str = "nothing") -> dict[str, Any]:
    """The first record of a journal."""
    return marks.opened("opened", BEGIN_MS, file="starts-000001.jsonl", before=before, torn=None, notes=())


def sealed(records: Iterable[Mapping[str, Any]], link: Link | None = None) -> tuple[list[bytes], Link]:
    """Lines at their places in the chain, and the place after them."""
    lines, at = [], link or genesis(JOURNAL)
    for one in records:
        line, at = seal(one, at)
        lines.append(line)
    return lines, at


def write(folder: Path, *files: Iterable[bytes]) -> Path:
    """Lines as the files of a journal; the folder."""
    folder.mkdir(exist_ok=True)
    for number, lines in enumerate(files, 1):
        (folder / f"starts-{number:06d}.jsonl").write_bytes(b"".join(lines))
    return folder
