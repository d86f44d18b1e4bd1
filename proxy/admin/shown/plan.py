"""Jobs of the cluster, and what a start of one would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.admin.shown.starts import Judgement, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsQuery:
    """`id` may hold `*`."""

    id: str = "*"
    size: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job, as the cluster tells the viewer."""

    id: str
    analysis: str
    sources: tuple[str, ...]
    destination: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The jobs that are asked for; `total` is how many there are."""

    jobs: tuple[JobRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Privileges:
    """What somebody has to hold on something, what of it they do, and what is missing. `asked`: a start of the viewer's
    depends on it; else it is what a start would that comes through a trusted intermediary. `unknown` says why it is not
    known what they hold; `on` is empty then."""

    subject: str
    on: str
    required: tuple[str, ...]
    missing: tuple[str, ...]
    asked: bool = True
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A field that the sources map differently, side by side: each source with its definition (JSON)."""

    field: str
    text: str
    definitions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a start of the job would do now, for the viewer. `plan` is the document that `startgate plan --json` prints,
    with the origin of each part; `status` and `reason` say why there is none, where there is none."""

    job: str
    status: int
    reason: str
    allowed: bool
    receipt: str
    who: tuple[Who, ...]
    privileges: tuple[Privileges, ...]
    judgements: tuple[Judgement, ...]
    conflicts: tuple[Conflict, ...]
    plan: Mapping[str, Any]
