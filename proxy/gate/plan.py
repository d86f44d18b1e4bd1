"""What a start will do about its destination, from facts already read. No effects, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from proxy.destination import DestinationBody, Era, destination_body, results_field_conflict
from proxy.destination.analysed import missing_field, no_field_left
from proxy.destination.effective import effective_mappings, effective_settings
from proxy.destination.era import is_outdated, parse_version
from proxy.destination.fieldcount import LIMIT, check_field_count
from proxy.destination.legacy import defaulted
from proxy.destination.origins import origins
from proxy.errors import Refusal
from proxy.gate.flight import Destination, Known, Plan
from proxy.gate.ports import Facts, Given, Grants, IndexState
from proxy.model import Job, SourceIndex, Stage
from proxy.privileges import FieldSecurity, Role, Undecidable, allows_index, field_view, visible_fields
from proxy.privileges.allow import GET_MAPPING
from proxy.privileges.restricted import is_restricted
from proxy.rules import Setting

# MlConfigVersion: from 8.10 on a job's version counts configuration formats, 10.0.0 and up, not releases.
FIRST_ML_CONFIG_MAJOR = 10
# What views leave of a mapping, by its identity and the views.
_Seen = dict[tuple[int, tuple[FieldSecurity, ...]], Mapping[str, Any]]
_WHY = {
    Stage.RESUMING_REINDEXING: "stopped while reindexing: Elasticsearch deletes the destination and makes it anew",
    Stage.RESUMING_ANALYZING: "resumed after reindexing: the destination is in use as it is",
    Stage.FINISHED: "the job has finished: the cluster refuses to start it again",
}


def untouched(known: Known) -> Plan | None:
    """The plan where this start makes no destination whatever is there; None where it may have to."""
    if known.state.state not in ("stopped", ""):
        return Plan(step=Destination.LEAVE, why=f"the job is {known.state.state}: the cluster answers this start")
    if known.state.stage is not Stage.FIRST_TIME:
        return Plan(step=Destination.LEAVE, why=_WHY[known.state.stage])
    return None


def make_plan(
    known: Known, facts: Facts, grants: Grants | None, now_ms: int, overrides: Mapping[str, Setting] | None = None
) -> Plan:
    """The plan of a first start.

    `grants` are the owner's where the sources were read with the service credential: only what they show is copied.
    `overrides` are the settings that the rules lay over what is copied.

    Raises:
        Refusal: 400 with Elasticsearch's texts, where the cluster would refuse or the job would fail.
    """
    job = known.job
    found = facts.sources if grants is None else _reached_by(grants, job, facts.sources)
    names = tuple(source.name for source in found)
    check_expressions(job, names, facts.destination)
    if facts.destination is not None:
        why = "the destination exists and is used as it is"
        if facts.destination.name == job.destination and is_outdated(facts.destination.mappings.get("_meta")):
            why = "the destination exists; its _meta is too old, so Elasticsearch deletes it and makes it anew"
        return Plan(step=Destination.EXISTING, why=why, sources=names, problem=_later_failure(job, facts.destination))
    sources = found if grants is None else _seen_by(grants, found)
    made = _made(known, sources, now_ms)
    laid = overrides or {}
    settings = dict(made.settings) | {key: setting.value for key, setting in laid.items()}
    if facts.given is not None and results_field_conflict(job, facts.given.mappings.get("properties", {})):
        # Elasticsearch adds the results to what a template gives only where it makes the index by itself.
        why = f"an index template has a field of the results' name [{job.results_field}]: Elasticsearch makes the index"
        return Plan(step=Destination.LEAVE, why=why, sources=names)
    effective = None if facts.given is None else _effective(facts.given, settings, made.mappings)
    if effective is not None or LIMIT in settings:
        # Else an index template may have another limit than the default, and nobody could look.
        check_field_count(settings if effective is None else effective["settings"], made.mappings)
    body = {"settings": settings, "mappings": dict(made.mappings)}
    places = {key: str(setting.origin) for key, setting in laid.items()}
    return Plan(
        step=Destination.CREATE,
        why="the destination is missing",
        body=body,
        sources=names,
        overrides=places,
        effective=effective,
        origins=origins(job, sources, era_of(known), body, places).counts,
    )


def _effective(given: Given, settings: Mapping[str, Any], mappings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "settings": effective_settings(given.settings, settings),
        "mappings": (
            defaulted(mappings, given.mappings) if given.legacy else effective_mappings(given.mappings, mappings)
        ),
        "aliases": list(given.aliases),
    }


def _made(known: Known, sources: Sequence[SourceIndex], now_ms: int) -> DestinationBody:
    """The body, between the checks of the fields that Elasticsearch makes before it merges and after."""
    _refuse(missing_field(known.job, sources))
    made = destination_body(known.job, sources, era_of(known), now_ms, results=False, cluster_version=known.version)
    _refuse(no_field_left(known.job, sources))
    return made


def _refuse(text: str | None) -> None:
    if text is not None:
        raise Refusal(400, "status_exception", text)


def _later_failure(job: Job, destination: IndexState) -> Refusal | None:
    """What the job would fail with at a destination that is there and empty (`updateMappingsToDestIndex`).

    One that Elasticsearch takes to be of an older release it deletes and makes anew, so that nothing of it matters.
    """
    if destination.in_data_stream:
        # The job copies with plain writes, which a data stream does not take.
        text = "only write ops with an op_type of create are allowed in data streams"
        return Refusal(400, "illegal_argument_exception", text)
    if destination.no_write_index:
        return Refusal(400, "illegal_argument_exception", _no_write_index(job))
    taken = results_field_conflict(job, destination.mappings.get("properties", {}))
    if taken is None or (destination.name == job.destination and is_outdated(destination.mappings.get("_meta"))):
        return None
    return Refusal(400, "status_exception", taken)


def copied(known: Known, facts: Facts, grants: Grants | None) -> tuple[SourceIndex, ...]:
    """The sources that are copied, each with what of it may be seen by whoever they are copied for.

    Raises:
        Refusal: 403, that cannot be told exactly.
    """
    if grants is None:
        return facts.sources
    return _seen_by(grants, _reached_by(grants, known.job, facts.sources))


def era_of(known: Known) -> Era:
    """The era of the cluster; where nobody may know its version, that of the release which made the job.

    Raises:
        Refusal: 400, there is no version that can be read.
    """
    version = known.version or known.job.version
    try:
        if known.version is None and parse_version(version)[0] >= FIRST_ML_CONFIG_MAJOR:
            return Era.ALLOW_LIST
        return Era.of(version)
    except ValueError as failure:
        raise Refusal(400, "illegal_argument_exception", f"the destination cannot be planned: {failure}") from failure


def check_expressions(job: Job, sources: Sequence[str] = (), destination: IndexState | None = None) -> None:
    """SourceDestValidator: destination in source, remote sources; all that is wrong in one text.

    `sources` are the concrete ones, `destination` what is there; without them, what the job's own words tell.

    Raises:
        Refusal: 400 with Elasticsearch's texts.
    """
    if destination is not None and destination.no_write_index and sources and not _included(job, sources, None):
        # The cluster's own check ends here, whatever else is wrong.
        raise Refusal(400, "validation_exception", f"Validation Failed: 1: {_no_write_index(job)};")
    problems = [
        f"Destination index [{name}] is included in source expression [{expression}]"
        for name, expression in _included(job, sources, destination)
    ]
    if any(_is_remote(expression) for expression in job.sources):
        problems.append("remote source indices are not supported")
    if problems:
        listed = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
        raise Refusal(400, "validation_exception", f"Validation Failed: {listed}")


def _no_write_index(job: Job) -> str:
    return (
        f"no write index is defined for alias [{job.destination}]. The write index may be explicitly disabled using "
        "is_write_index=false or the alias points to multiple indices without one being designated as a write index"
    )


def _included(job: Job, sources: Sequence[str], destination: IndexState | None) -> list[tuple[str, str]]:
    """The destination's name and the expressions that it is in: by its name alone, whether or not it is there; else by
    what the sources stand for; else by the index behind an alias, for which Elasticsearch lists what they stand for."""
    textual = [expression for expression in job.sources if _matches(expression, job.destination)]
    if textual:
        return [(job.destination, expression) for expression in textual]
    if job.destination in sources:
        return [(job.destination, ",".join(job.sources))]
    if destination is not None and destination.name in sources:
        return [(destination.name, ",".join(sorted(sources)))]
    return []


def _matches(expression: str, name: str) -> bool:
    """Regex.simpleMatch: `*` is the only wildcard. An exclusion takes away, it matches nothing."""
    if expression.startswith("-"):
        return False
    # fnmatch knows more than `*`: brackets and question marks cannot stand in an index name, and are quoted here.
    return fnmatchcase(name, expression.replace("[", "[[]").replace("?", "[?]"))


def _is_remote(expression: str) -> bool:
    """`cluster:index`; date math is in angle brackets, also where it is left out, and may hold colons."""
    return ":" in expression and not expression.startswith(("<", "-<"))


def _reached_by(grants: Grants, job: Job, sources: Sequence[SourceIndex]) -> tuple[SourceIndex, ...]:
    """The sources without the system indices that only the service credential reached through a wildcard: to the owner
    a wildcard does not stand for them.

    Raises:
        Refusal: 403, the job names system indices by which more is reached than the owner's roles name.
    """
    beyond = {source.name for source in sources if not _may_reach(grants, source.name)}
    if beyond and any(is_restricted(expression) for expression in job.sources if "*" not in expression):
        raise _undecided(next(source for source in sources if source.name in beyond), "it is a system index")
    return tuple(source for source in sources if source.name not in beyond)


def _may_reach(grants: Grants, name: str) -> bool:
    if not name.startswith(".") or not is_restricted(name):
        return True  # covered by the expression that was judged
    sets = (grants.roles,) if grants.limited_by is None else (grants.roles, grants.limited_by)
    try:
        return all(allows_index(roles, name, GET_MAPPING) for roles in sets)
    except Undecidable:
        return False


def _seen_by(grants: Grants, sources: Sequence[SourceIndex]) -> tuple[SourceIndex, ...]:
    """The sources with the fields that the owner may see: those of the roles, and of the limit of an API key.

    Sources that share a mapping share what is seen of it, too.

    Raises:
        Refusal: 403, field-level security is in play and what it shows cannot be told exactly.
    """
    seen = tuple(sources)
    for roles in (grants.roles, grants.limited_by or ()):
        if any(grant.field_security is not None for role in roles for grant in role.indices):
            known: _Seen = {}
            seen = tuple(replace(source, mappings=_narrowed(roles, source, known)) for source in seen)
    return seen


def _narrowed(roles: Sequence[Role], source: SourceIndex, known: _Seen) -> Mapping[str, Any]:
    try:
        views = field_view(roles, source.name)
        if views is None:
            return source.mappings
        key = (id(source.mappings), views)
        if key in known:
            return known[key]
        properties = visible_fields(views, source.mappings.get("properties", {}))
        runtime = {
            name: definition
            for name, definition in source.mappings.get("runtime", {}).items()
            if any(view.grants(name) for view in views)
        }
    except Undecidable as failure:
        raise _undecided(source, str(failure)) from failure
    if not views:
        raise _undecided(source, "they reach it under another name")
    return known.setdefault(key, {**source.mappings, "properties": properties, "runtime": runtime})


def _undecided(source: SourceIndex, why: str) -> Refusal:
    text = (
        f"which fields of [{source.name}] the owner's roles show cannot be told exactly ({why}); "
        "grant the index by its own name, or start the job with secondary authorization headers"
    )
    return Refusal(403, "security_exception", text)
