"""The cluster of a file of cases: identities, roles, jobs and indices, each fault noted where it stands."""

from collections.abc import Mapping
from typing import Any

from proxy.cases.model import CaseJob, Index
from proxy.cases.plain import number, plain, truth
from proxy.cluster.jobs import job_of
from proxy.errors import nearest
from proxy.model import Identity, JobState, Stage
from proxy.privileges import InvalidRole, Role, UnknownPrivilege, require_cluster_privilege, require_index_privilege
from proxy.privileges.builtin import BUILT_IN
from proxy.privileges.roles import role_from_json
from proxy.rules.source import Entry, Scalar, Table
from proxy.rules.values import Values, listed

IDENTITY_KEYS = ("username", "roles", "realm", "realm_type", "authentication_type", "api_key", "run_as")
API_KEY_KEYS = ("id", "name")
JOB_KEYS = (
    *("source", "dest", "analysis", "owner", "description", "model_memory_limit", "max_num_threads"),
    *("allow_lazy_start", "analyzed_fields", "version", "create_time", "state", "stage"),
)
INDEX_KEYS = ("settings", "mappings", "aliases", "data_stream", "documents")
STATES = ("stopped", "starting", "started", "reindexing", "analyzing", "stopping", "failed")
# What Elasticsearch fills in where a job is created without it (DataFrameAnalyticsConfig).
JOB_DEFAULTS: Mapping[str, Any] = {
    "create_time": 1_700_000_000_000,
    "version": "12.0.0",
    "description": "",
    "model_memory_limit": "1gb",
    "allow_lazy_start": False,
    "max_num_threads": 1,
}
DOCUMENTS_MAX = 1_000_000_000


def identity(values: Values, entry: Entry, roles: Mapping[str, Role]) -> Identity:
    """Somebody, as the cluster would answer `_security/_authenticate`; the user name is the entry's key by default.

    Those of an API key or a service account are what its privileges are. Each is one of `roles`, or built in.
    """
    keys = values.table(entry, IDENTITY_KEYS)
    texts = {key: _text(values, keys.get(key)) for key in ("username", "realm", "realm_type", "authentication_type")}
    given = values.table(keys.get("api_key"), API_KEY_KEYS)
    key_id, key_name = (_text(values, given.get(key)) for key in API_KEY_KEYS)
    if "api_key" in keys and key_id is None:
        values.note(keys["api_key"].mark, "`api_key` needs its `id`")
    realm = texts["realm"] or ("_es_api_key" if key_id else "native1")
    run_as = truth(values, keys["run_as"]) if "run_as" in keys else False
    return Identity(
        username=texts["username"] or entry.key,
        roles=_defined(values, keys.get("roles"), roles),
        realm=realm,
        realm_type=texts["realm_type"] or ("_es_api_key" if key_id else "native"),
        lookup_realm=realm,
        authentication_type=texts["authentication_type"] or ("api_key" if key_id else "realm"),
        api_key_id=key_id,
        api_key_name=key_name,
        asked_to_run_as=bool(run_as),
    )


def _defined(values: Values, entry: Entry | None, roles: Mapping[str, Role]) -> tuple[str, ...]:
    found = () if entry is None else values.texts(entry)
    for scalar in found:
        if scalar.text not in roles and built_in(scalar.text) is None:
            hint = nearest(scalar.text, (*roles, *BUILT_IN))
            values.note(scalar.mark, f"the role `{scalar.text}` is neither in `roles` nor built in{hint}")
    return tuple(scalar.text for scalar in found)


def role(values: Values, entry: Entry) -> Role | None:
    """A role of the cluster, in the form of its API and of `roles.yml`."""
    if not isinstance(entry.value, Table):
        values.note(entry.value.mark, f"the role `{entry.key}` must be a mapping with `cluster` and `indices`")
        return None
    before = len(values.faults)
    body = plain(values, entry.value)
    if len(values.faults) > before:
        return None
    try:
        found = role_from_json(entry.key, body)
        for privilege in found.cluster:
            require_cluster_privilege(privilege)
        for privilege in (privilege for grant in found.indices for privilege in grant.privileges):
            require_index_privilege(privilege)
    except (InvalidRole, UnknownPrivilege) as failure:
        values.note(entry.mark, f"the role `{entry.key}`: {failure}")
        return None
    return found


def built_in(name: str) -> Role | None:
    """A role that every cluster has, None where there is none of that name."""
    return BUILT_IN.get(name)


def job(values: Values, entry: Entry) -> CaseJob | None:
    """A job: its configuration as it would be created, its `owner` and its `state`."""
    keys = values.table(entry, JOB_KEYS)
    for key in ("source", "dest", "analysis"):
        if key not in keys:
            values.note(entry.mark, f"the job `{entry.key}` has no `{key}`")
            return None
    own = {key: plain(values, one.value) for key, one in keys.items() if key not in ("owner", "state", "stage")}
    config: dict[str, Any] = {"id": entry.key, **JOB_DEFAULTS, **own}
    if "owner" in keys:
        config["authorization"] = _owner(values, keys["owner"])
    try:
        made = job_of(config)
    except (KeyError, TypeError, AttributeError, ValueError):
        text = "is not a job as Elasticsearch gives it: it needs source.index, dest.index and exactly one analysis"
        values.note(entry.mark, f"`{entry.key}` {text}")
        return None
    return CaseJob(job=made, state=_state(values, keys))


def _owner(values: Values, entry: Entry) -> Mapping[str, Any]:
    """As `authorization` in a configuration: `roles`, `api_key` or `service_account`."""
    keys = values.table(entry, ("roles", "api_key", "service_account"))
    if len(keys) != 1:
        values.note(entry.mark, "`owner` is given by one of `roles`, `api_key` ({id, name}) and `service_account`")
        return {}
    found: Mapping[str, Any] = {key: plain(values, one.value) for key, one in keys.items()}
    return found


def _state(values: Values, keys: Mapping[str, Entry]) -> JobState:
    state = _one_of(values, keys.get("state"), STATES) or "stopped"
    stage = _one_of(values, keys.get("stage"), tuple(stage.value for stage in Stage))
    return JobState(state=state, stage=Stage(stage) if stage else Stage.FIRST_TIME)


def index(values: Values, entry: Entry) -> Index:
    """An index; settings may be written flat or nested, with or without `index.`."""
    keys = values.table(entry, INDEX_KEYS)
    settings = plain(values, keys["settings"].value) if "settings" in keys else {}
    mappings = plain(values, keys["mappings"].value) if "mappings" in keys else {}
    for key, given in (("settings", settings), ("mappings", mappings)):
        if not isinstance(given, dict):
            values.note(keys[key].value.mark, f"`{key}` must be a mapping")
    documents = number(values, keys["documents"], at_least=0, at_most=DOCUMENTS_MAX) if "documents" in keys else 0
    return Index(
        name=entry.key,
        settings=flat(settings) if isinstance(settings, dict) else {},
        mappings=mappings if isinstance(mappings, dict) else {},
        aliases=_texts(values, keys.get("aliases")),
        data_stream=_text(values, keys.get("data_stream")),
        documents=documents or 0,
    )


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their whole dotted keys, with texts for values, as `flat_settings=true` gives them."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        else:
            whole = name if name.startswith("index.") else f"index.{name}"
            found[whole] = _setting_text(value)
    return found


def _setting_text(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, list):
        return [_setting_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(values: Values, entry: Entry | None) -> str | None:
    scalar = None if entry is None else values.text(entry.value, entry.key)
    return None if scalar is None else scalar.text


def _texts(values: Values, entry: Entry | None) -> tuple[str, ...]:
    return () if entry is None else tuple(scalar.text for scalar in values.texts(entry))


def _one_of(values: Values, entry: Entry | None, allowed: tuple[str, ...]) -> str | None:
    if entry is None:
        return None
    found = entry.value.text if isinstance(entry.value, Scalar) else ""
    if found in allowed:
        return found
    values.note(
        entry.value.mark, f"`{found}` is not a {entry.key}{nearest(found, allowed)}; allowed: {listed(allowed)}"
    )
    return None
