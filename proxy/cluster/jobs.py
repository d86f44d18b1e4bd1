"""A data frame analytics job: its configuration, its state, its stop. `_ml/data_frame/analytics`."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.cluster.transport import Transport, in_pieces, quoted
from proxy.errors import ClusterUnreachable, PassedOn
from proxy.model import Credential, Job, JobState, Owner, OwnerKind, SourceFilter, Stage, Work

BASE = "/_ml/data_frame/analytics"
# What an analysis has done of a phase is told in percent (`PhaseProgress`).
WHOLE = 100
# The first number that is none of Elasticsearch's `long`.
LONG = 2**63


async def job(transport: Transport, job_id: str, credential: Credential) -> Job:
    """The configuration of one job.

    Raises:
        PassedOn: 404 and others, in the cluster's words.
        ClusterUnreachable: no usable answer.
    """
    content = await transport.ask("GET", f"{BASE}/{quoted(job_id)}", credential)
    config = _only(content, job_id)
    try:
        return job_of(config)
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET {BASE}/{job_id}: the configuration lacks {failure}") from failure


async def job_state(transport: Transport, job_id: str, credential: Credential) -> JobState:
    """`_stats` of one job.

    Raises:
        PassedOn: 404 and others, in the cluster's words.
        ClusterUnreachable: no usable answer.
    """
    content = await transport.ask("GET", f"{BASE}/{quoted(job_id)}/_stats", credential)
    return _state(_only(content, job_id), job_id)


async def job_states(transport: Transport, job_ids: Sequence[str], credential: Credential) -> dict[str, JobState]:
    """`_stats` of many jobs by id, in as few calls as their names take; jobs that do not exist are left out.

    Of several names of which one is unknown the cluster tells nothing but that (`ExpandedIdsMatcher`): then each half
    is asked about by itself.

    Raises:
        PassedOn, but for 404: in the cluster's words; ClusterUnreachable: no usable answer.
    """
    found: dict[str, JobState] = {}
    pieces = [piece for piece in in_pieces(job_ids) if piece]
    while pieces:
        piece = pieces.pop()
        try:
            listed = await transport.ask(
                "GET", f"{BASE}/{quoted(','.join(piece))}/_stats?size={len(piece)}", credential
            )
        except PassedOn as refusal:
            if refusal.status != 404:
                raise
            half = len(piece) // 2
            pieces += [part for part in (piece[:half], piece[half:]) if half]
        else:
            found |= {job_id: _state(_only(listed, job_id), job_id) for job_id in piece}
    return found


def _state(stats: Mapping[str, Any], job_id: str) -> JobState:
    try:
        progress = [(text_of(one["phase"], "a phase"), _percent(one["progress_percent"])) for one in stats["progress"]]
        return JobState(
            state=text_of(stats["state"], "a state"),
            stage=stage_of(progress),
            failure_reason=_text(stats, "failure_reason"),
            work=_work(stats, progress),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise ClusterUnreachable(f"GET {BASE}/{job_id}/_stats: the answer lacks {failure}") from failure


def _work(stats: Mapping[str, Any], progress: Sequence[tuple[str, int]]) -> Work:
    """DataCounts and MemoryUsage; both say 0 where nothing was counted or measured yet."""
    documents, memory = (_object(stats, name) for name in ("data_counts", "memory_usage"))
    return Work(
        progress=tuple(progress),
        training=_count(documents, "training_docs_count"),
        test=_count(documents, "test_docs_count"),
        skipped=_count(documents, "skipped_docs_count"),
        peak_memory_bytes=_count(memory, "peak_usage_bytes"),
        memory_status=_text(memory, "status"),
        node=_text(_object(stats, "node"), "name"),
    )


def _percent(value: Any) -> int:  # noqa: ANN401 -- decoded JSON
    if type(value) is not int or not 0 <= value <= WHOLE:
        raise TypeError("a percentage")
    return value


def _object(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(values: Mapping[str, Any], name: str) -> int | None:
    found = values.get(name)
    return found if type(found) is int and 0 <= found < LONG else None


def _text(values: Mapping[str, Any], name: str) -> str | None:
    found = values.get(name)
    return found if isinstance(found, str) else None


async def stop(transport: Transport, job_id: str, credential: Credential) -> None:
    """Stop a job.

    Raises:
        PassedOn, ClusterUnreachable: as above.
    """
    await transport.ask("POST", f"{BASE}/{quoted(job_id)}/_stop", credential)


def _only(content: Any, job_id: str) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON
    """The one entry with exactly this id."""
    try:
        return next(one for one in content["data_frame_analytics"] if one["id"] == job_id)
    except (KeyError, TypeError, StopIteration):
        raise ClusterUnreachable(f"GET {BASE}/{job_id}: the answer does not hold the job") from None


def job_of(config: Mapping[str, Any]) -> Job:
    """A configuration as `GET` gives it. Raises KeyError, TypeError or ValueError where it is not one."""
    source, destination = config["source"], config["dest"]
    ((analysis, settings),) = config["analysis"].items()
    return Job(
        id=text_of(config["id"], "id"),
        create_time=int(config["create_time"]),
        version=str(config["version"]),
        sources=tuple(_expressions(source["index"])),
        source_filter=_source_filter(source.get("_source")),
        runtime_mappings=_table(source.get("runtime_mappings") or {}, "runtime mappings"),
        destination=text_of(destination["index"], "a destination"),
        results_field=text_of(destination.get("results_field", "ml"), "a results field"),
        analysis=analysis,
        analysis_settings=_table(settings, "settings of the analysis"),
        owner=_owner(config.get("authorization")),
        config=config,
    )


def text_of(value: Any, what: str) -> str:  # noqa: ANN401 -- decoded JSON
    """The value, which has to be a text. Raises TypeError, with what is then lacking."""
    if not isinstance(value, str):
        raise TypeError(f"{what} that is text")
    return value


def _table(value: Any, what: str) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} by name")
    return value


def _expressions(value: str | Sequence[str]) -> list[str]:
    """The entries as they stand: one with a comma is one name to the job, and is refused where it would be asked about
    (docs/decisions/070). Raises TypeError for what is no text."""
    entries = _listed(value)
    if not all(isinstance(entry, str) for entry in entries):
        raise TypeError("source expressions that are texts")
    return entries


def _source_filter(given: Any) -> SourceFilter:  # noqa: ANN401 -- decoded JSON
    if given is None:
        return SourceFilter()
    if isinstance(given, Mapping):
        return SourceFilter(
            includes=tuple(_listed(given.get("includes"))), excludes=tuple(_listed(given.get("excludes")))
        )
    return SourceFilter(includes=tuple(_listed(given)))


def _listed(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


def _owner(authorization: Mapping[str, Any] | None) -> Owner:
    """DataFrameAnalyticsConfig shows one of three; none where security is off, or before 8.1."""
    given = authorization or {}
    if "api_key" in given:
        key = given["api_key"]
        return Owner(kind=OwnerKind.API_KEY, api_key_id=text_of(key["id"], "a key's id"), api_key_name=key.get("name"))
    if "service_account" in given:
        return Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account=text_of(given["service_account"], "an account"))
    if "roles" in given:
        return Owner(kind=OwnerKind.ROLES, roles=tuple(text_of(role, "names of roles") for role in given["roles"]))
    return Owner(kind=OwnerKind.UNKNOWN)


def stage_of(progress: Sequence[tuple[str, int]]) -> Stage:
    """What a start does next (DataFrameAnalyticsTask.StartingState)."""
    first_open = next(((phase, percent) for phase, percent in progress if percent < 100), None)
    if first_open is None:
        return Stage.FINISHED if progress else Stage.FIRST_TIME
    phase, percent = first_open
    if phase != "reindexing":
        return Stage.RESUMING_ANALYZING
    return Stage.FIRST_TIME if percent == 0 else Stage.RESUMING_REINDEXING
