"""Which identity is asked what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.model import Identity, Job, Owner
from proxy.privileges import Asked
from proxy.rules.compiled import Rules


class Subject(StrEnum):
    """The three identities of a start."""

    CALLER = "caller"
    SECONDARY = "secondary"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """`data`: whose access to the data counts, and as whom the gate reads; `asked`: of whom index privileges are asked,
    `data` first; `intermediary`: the caller is a trusted one."""

    data: Subject
    asked: tuple[Subject, ...]
    intermediary: bool


def is_trusted(rules: Rules, caller: Identity) -> bool:
    """Whether the caller is a trusted intermediary: name and realm, no run-as, not an API key."""
    raise NotImplementedError


def subjects_of(rules: Rules, caller: Identity, secondary: Identity | None, owner: Owner) -> Subjects:
    """Who is asked for index privileges. Cluster privileges are always asked of the caller."""
    raise NotImplementedError


def asked_of(rules: Rules, job: Job, subjects: Subjects) -> Mapping[Subject, Asked]:
    """What to ask of each subject; the caller is always in it."""
    raise NotImplementedError
