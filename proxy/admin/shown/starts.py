"""Starts: the list, and one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsQuery:
    """Which starts are asked for; empty takes all. `user`, `job` and `index` may hold `*`; `verdict` is one of
    `journal.query.Result`; `since` and `until` (not in it) are RFC 3339 times, or ages such as `2h`. `after` is the
    `cursor` of the page before."""

    user: str = ""
    job: str = ""
    index: str = ""
    verdict: str = ""
    since: str = ""
    until: str = ""
    after: str = ""
    size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRow:
    """One start in the list. `verdict` is a `journal.query.Result`; `ended` is `success`, `failure` or `unknown` once
    it is known how the job ended, else empty; `duration_ms` is how long the caller waited; None is not known."""

    receipt: str
    time: str
    job: str
    user: str
    realm: str
    secondary: str
    sources: tuple[str, ...]
    destination: str
    verdict: str
    status: int | None
    reason: str
    duration_ms: float | None
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """A page of the list, newest first. `cursor` asks for the next page; empty where there is none. `matching` is how
    many of the `held` starts (the newest of the journal) are asked for; `complete` whether those are all there are."""

    starts: tuple[StartRow, ...]
    cursor: str
    matching: int
    held: int
    complete: bool
    moment: str = ""
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """Which starts a feed is to tell of, as in `StartsQuery`; `last` is the id of the last event that was seen, or the
    `moment` of a list. A browser that connects again sends that id as `Last-Event-ID`, which counts before `last`."""

    user: str = ""
    job: str = ""
    index: str = ""
    verdict: str = ""
    since: str = ""
    until: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """An identity, or the owner of a job. `part` is `caller`, `secondary`, `owner` (whose `authentication` is what the
    cluster tells of them: `roles`, `api_key`, `service_account`) or `data subject`: whose data privileges counted;
    `authentication` names which of the others that is."""

    part: str
    name: str
    realm: str
    roles: tuple[str, ...]
    authentication: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One step of a verdict: what was asked, whether it held, why, and the rule that asked (`start.yml:12:5`)."""

    text: str
    held: bool
    mode: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry of the timeline: what happened, when after the arrival, and how long it took; None is not known."""

    name: str
    at_ms: float | None
    duration_ms: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDetail:
    """A receipt, opened. `plan` is what the record holds of the destination, as it is; `records` are the journal's
    lines of this start, decoded."""

    row: StartRow
    open: bool
    who: tuple[Who, ...]
    peer: str
    opaque_id: str
    trace_id: str
    rules_revision: str
    judgements: tuple[Judgement, ...]
    timeline: tuple[Moment, ...]
    plan: Mapping[str, Any]
    end: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How the job stands now, as the cluster tells the viewer: its state, phases with percent, node, failure."""

    job: str
    state: str
    node: str
    phases: tuple[tuple[str, int], ...]
    failure: str
