"""A situation as a record holds it, and back: so that what was decided then can be judged again, by other rules.

An allow-list. Of a job's configuration only the parts that say what is analysed and how are kept, never what may hold
data: queries, scripts, free metadata. What is left out is named, so that a guard that looks at the whole cannot be told
instead of being told wrongly. Free JSON is kept as text: a record's fields are the same whatever job it is about.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from proxy.errors import StartgateError
from proxy.model import Identity, Job, Owner, SourceFilter
from proxy.privileges import Held
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target, Unknown
from proxy.rules.subjects import Subject

T = TypeVar("T")
FORMAT = 1
# Parts of a configuration that are kept whole (None), or of which only some names are.
_KEPT: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys(("id", "create_time", "version", "description", "dest", "analysis", "analyzed_fields")),
    **dict.fromkeys(("model_memory_limit", "max_num_threads", "allow_lazy_start")),
    "source": frozenset({"index", "_source"}),
    "authorization": frozenset({"roles", "api_key", "service_account"}),
}
# The query of a job that has none of its own: it tells nothing.
_EVERYTHING: Mapping[str, Any] = {"match_all": {}}


class NotRecorded(StartgateError):
    """A record does not hold the situation, or not in a way that is understood; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Privileges:
    """Names with the same answer, and what it was. On the cluster there are no names."""

    names: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """What a subject holds; `unknown` says why that is not known."""

    subject: Subject
    cluster: _Privileges = field(default_factory=_Privileges)
    index: tuple[_Privileges, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A job; `config` and `settings` (those of the analysis) are JSON."""

    id: str
    create_time: int
    version: str
    sources: tuple[str, ...]
    source_filter: SourceFilter
    destination: str
    results_field: str
    analysis: str
    settings: str
    owner: Owner
    config: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unknowns:
    """Why a fact is not known, by its name."""

    sources: str | None = None
    target: str | None = None
    running: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The form of a record."""

    format: int
    caller: Identity
    secondary: Identity | None = None
    job: _Job
    request: Request
    now_ms: int
    held: tuple[_Answered, ...] = ()
    sources: tuple[SourceName, ...] | None = None
    target: Target | None = None
    running: tuple[RunningJob, ...] | None = None
    unknown: _Unknowns = field(default_factory=_Unknowns)
    cluster_version: tuple[int, int] | None = None
    left_out: tuple[str, ...] = ()


def recordable(situation: Situation) -> Situation:
    """What of a situation a record holds."""
    config = dict(_kept(situation.job.config))
    left_out = tuple(sorted({*situation.left_out, *_left_out(situation.job.config)}))
    return replace(situation, job=replace(situation.job, config=config, runtime_mappings={}), left_out=left_out)


def _kept(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        within = _KEPT.get(key)
        if within is not None and isinstance(value, Mapping):
            yield key, {name: one for name, one in value.items() if name in within or _tells_nothing(key, name, one)}
        elif key in _KEPT and within is None:
            yield key, value


def _left_out(config: Mapping[str, Any]) -> Iterator[str]:
    for key, value in config.items():
        within = _KEPT.get(key)
        if within is not None and isinstance(value, Mapping):
            names = (name for name, one in value.items() if name not in within and not _tells_nothing(key, name, one))
            yield from (f"{key}.{name}" for name in names)
        elif key not in _KEPT or within is not None:
            yield key


def _tells_nothing(key: str, name: str, value: object) -> bool:
    return (key, name) == ("source", "query") and value == _EVERYTHING


def to_record(situation: Situation) -> dict[str, Any]:
    """A situation as plain values: what `recordable` leaves of it."""
    kept = recordable(situation)
    record = _Record(
        format=FORMAT,
        caller=kept.caller,
        secondary=kept.secondary,
        job=_job(kept.job),
        request=kept.request,
        now_ms=kept.now_ms,
        held=tuple(_answered(subject, answer) for subject, answer in kept.held.items()),
        sources=None if isinstance(kept.sources, Unknown) else kept.sources,
        target=None if isinstance(kept.target, Unknown) else kept.target,
        running=None if isinstance(kept.running, Unknown) else kept.running,
        unknown=_Unknowns(sources=_why(kept.sources), target=_why(kept.target), running=_why(kept.running)),
        cluster_version=kept.cluster_version,
        left_out=kept.left_out,
    )
    plain: dict[str, Any] = _without_nothing(msgspec.to_builtins(record))
    return plain


def _without_nothing(value: Any) -> Any:  # noqa: ANN401 -- any plain values
    """Without entries that are None: they are what is not there."""
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list | tuple) else value


def _why(fact: object) -> str | None:
    return fact.text if isinstance(fact, Unknown) else None


def _job(job: Job) -> _Job:
    return _Job(
        id=job.id,
        create_time=job.create_time,
        version=job.version,
        sources=job.sources,
        source_filter=job.source_filter,
        destination=job.destination,
        results_field=job.results_field,
        analysis=job.analysis,
        settings=_json(job.analysis_settings),
        owner=job.owner,
        config=_json(job.config),
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _answered(subject: Subject, answer: Held | Unknown) -> _Answered:
    if isinstance(answer, Unknown):
        return _Answered(subject=subject, unknown=answer.text)
    alike: dict[_Privileges, list[str]] = {}
    for name, privileges in answer.index.items():
        alike.setdefault(_privileges(privileges), []).append(name)
    index = tuple(replace(privileges, names=tuple(names)) for privileges, names in alike.items())
    return _Answered(subject=subject, cluster=_privileges(answer.cluster), index=index)


def _privileges(answer: Mapping[str, bool]) -> _Privileges:
    held = tuple(sorted(name for name, holds in answer.items() if holds))
    return _Privileges(held=held, lacking=tuple(sorted(answer.keys() - held)))


def from_record(record: Mapping[str, Any]) -> Situation:
    """The situation that a record holds: `recordable` of the one that it was made of.

    Raises:
        NotRecorded: the record holds none, or one of another form.
    """
    if record.get("format") != FORMAT:
        raise NotRecorded(str(record.get("omitted") or "it was written by another version of Startgate"))
    try:
        found = msgspec.convert(record, _Record)
        job = _job_again(found.job)
    except (msgspec.ValidationError, ValueError, RecursionError) as failure:
        raise NotRecorded(f"it is not understood: {failure}") from failure
    return Situation(
        caller=found.caller,
        secondary=found.secondary,
        job=job,
        request=found.request,
        now_ms=found.now_ms,
        held={one.subject: _answer(one) for one in found.held},
        sources=_again(found.sources, found.unknown.sources),
        target=_again(found.target, found.unknown.target),
        running=_again(found.running, found.unknown.running),
        cluster_version=found.cluster_version,
        left_out=found.left_out,
    )


def _again(fact: T, unknown: str | None) -> T | Unknown:
    return fact if unknown is None else Unknown(unknown)


def _job_again(job: _Job) -> Job:
    config, settings = json.loads(job.config), json.loads(job.settings)
    if not isinstance(config, dict) or not isinstance(settings, dict):
        raise NotRecorded("it is not understood: the job's configuration is no JSON object")
    return Job(
        id=job.id,
        create_time=job.create_time,
        version=job.version,
        sources=job.sources,
        source_filter=job.source_filter,
        runtime_mappings={},
        destination=job.destination,
        results_field=job.results_field,
        analysis=job.analysis,
        analysis_settings=settings,
        owner=job.owner,
        config=config,
    )


def _answer(answered: _Answered) -> Held | Unknown:
    if answered.unknown is not None:
        return Unknown(answered.unknown)
    index = {name: _held(one) for one in answered.index for name in one.names}
    return Held(cluster=_held(answered.cluster), index=index)


def _held(privileges: _Privileges) -> dict[str, bool]:
    return {name: name in privileges.held for name in (*privileges.held, *privileges.lacking)}
