"""The table of spellings: what is sent, and on which major versions a node hands it to the start handler."""

from dataclasses import dataclass

from tests.real.spellings import findings, framings, headers, lines, sequences, targets
from tests.real.spellings.bytes import head

ALL = frozenset({7, 8, 9})


@dataclass(frozen=True, slots=True)
class Spelling:
    """One thing to send, in parts with a pause between them, and the major versions whose start handler it reaches."""

    name: str
    parts: tuple[bytes, ...]
    reaches: frozenset[int]


def table() -> tuple[Spelling, ...]:
    """Every spelling; names are unique."""
    whole = [
        lines.plain(),
        lines.request_lines(),
        {name: head(target) for name, target in targets.targets().items()},
        headers.headers(),
        framings.framings(),
        sequences.sequences(),
    ]
    parted: list[tuple[str, tuple[bytes, ...]]] = [(name, (data,)) for group in whole for name, data in group.items()]
    parted += sequences.in_parts().items()
    return tuple(Spelling(name, parts, _reaches(name)) for name, parts in parted)


def _reaches(name: str) -> frozenset[int]:
    if name in findings.NEVER:
        return frozenset()
    return findings.ON_SOME.get(name, ALL)
