"""Definitions of the sources that cannot live in one index."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.destination.era import Era
from proxy.model import Job, SourceIndex


class ConflictKind(StrEnum):
    """What differs."""

    PROPERTIES = "properties"
    RUNTIME = "runtime"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One definition and the first index (by name) that has it."""

    index: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field or setting with more than one definition; `definitions` has at least two, one per distinct value."""

    kind: ConflictKind
    field: str
    definitions: tuple[Definition, ...]

    @property
    def text(self) -> str:
        """Elasticsearch's own text for this conflict."""
        raise NotImplementedError


def conflicts(job: Job, sources: Sequence[SourceIndex], era: Era = Era.ALLOW_LIST) -> tuple[Conflict, ...]:
    """All conflicts: mappings first, then runtime fields, then settings, as Elasticsearch would meet them."""
    raise NotImplementedError
