"""Compiled rules: what a valid rule file says, as values."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the rule files something is written; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One privilege that must be held, and where that is written."""

    privilege: str
    origin: Origin


class Authority(StrEnum):
    """Who answers whether a subject holds a privilege."""

    CLUSTER = "cluster"


class SubjectKind(StrEnum):
    """Of whom index privileges are asked."""

    DATA = "data"
    OWNER = "owner"


class CreateAs(StrEnum):
    """With whose credentials the destination is created: `auto` is the data subject's where they are at hand, else the service's."""

    AUTO = "auto"
    CALLER = "caller"
    SERVICE = "service"


class OnRefusedStart(StrEnum):
    """What happens to a destination that was created for a start that the cluster then refused."""

    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Trusted:
    """A trusted intermediary: `username` exactly as `_authenticate` gives it, and the realm that must have authenticated it."""

    username: str
    realm: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules in force. `revision` is a short hash over their meaning and place; `files` is what was read."""

    revision: str
    files: tuple[str, ...]
    cluster: tuple[Requirement, ...]
    source: tuple[Requirement, ...]
    destination: tuple[Requirement, ...]
    authority: Authority
    subjects: tuple[SubjectKind, ...]
    trusted: tuple[Trusted, ...]
    create_as: CreateAs
    on_refused_start: OnRefusedStart
