"""The cluster of a file of cases."""

from typing import Any

import pytest

from proxy.cases import parts
from proxy.model import Identity, OwnerKind, Stage
from proxy.privileges import Role
from proxy.rules.source import Entry, Table, read
from proxy.rules.values import Values

ROLES = {"reader": Role(name="reader")}


def entry(name: str, text: str) -> Entry:
    root, faults = read(f"{name}: {text}\n", "a.yml")
    assert isinstance(root, Table), faults
    return root.entries[0]


def faults_of(values: Values) -> list[str]:
    return [str(fault) for fault in values.faults]


def test_somebody_is_a_native_user_unless_told_otherwise() -> None:
    values = Values()
    assert parts.identity(values, entry("ada", "{roles: [reader, superuser]}"), ROLES) == Identity(
        username="ada", roles=("reader", "superuser"), realm="native1", realm_type="native", lookup_realm="native1"
    )
    assert not values.faults


def test_an_api_key_is_of_its_realm() -> None:
    values = Values()
    found = parts.identity(
        values, entry("key", "{username: ada, api_key: {id: k, name: nightly}, run_as: true}"), ROLES
    )
    assert (found.username, found.realm, found.authentication_type) == ("ada", "_es_api_key", "api_key")
    assert (found.api_key_id, found.api_key_name, found.runs_as) == ("k", "nightly", True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "{roles: [readr]}",
            "a.yml:1:15: the role `readr` is neither in `roles` nor built in (did you mean 'reader'?)",
        ),
        ("{rolls: []}", "unknown key `rolls` (did you mean 'roles'?)"),
        ("{api_key: {name: nightly}}", "`api_key` needs its `id`"),
        ("{run_as: sometimes}", "`run_as` takes true or false"),
        ("[ada]", "must be a mapping"),
    ],
)
def test_faults_of_identities(text: str, told: str) -> None:
    values = Values()
    parts.identity(values, entry("ada", text), ROLES)
    assert len(values.faults) == 1
    assert told in faults_of(values)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{cluster: [manage_mll]}", "unknown cluster privilege [manage_mll]"),
        ("{indices: [{names: [a], privileges: [reed]}]}", "unknown index privilege [reed]"),
        ("{indices: a}", "must be a list"),
        ("[a]", "must be a mapping"),
        ("{cluster: [yes]}", "put it in quotes"),
    ],
)
def test_faults_of_roles(text: str, told: str) -> None:
    values = Values()
    assert parts.role(values, entry("r", text)) is None
    (fault,) = faults_of(values)
    assert told in fault


def test_roles_are_those_of_the_cluster() -> None:
    values = Values()
    found = parts.role(values, entry("r", "{cluster: [manage_ml], indices: [{names: [a], privileges: [read]}]}"))
    assert found is not None
    assert (found.cluster, found.indices[0].names) == (("manage_ml",), ("a",))
    assert parts.built_in("superuser") is not None
    assert parts.built_in("no such role") is None


def test_a_job_has_what_elasticsearch_fills_in() -> None:
    values = Values()
    text = "{source: {index: [a, b]}, dest: {index: out}, analysis: {outlier_detection: {}}, owner: {roles: [r]}}"
    found = parts.job(values, entry("job", text))
    assert found is not None
    assert (found.job.id, found.job.sources, found.job.destination) == ("job", ("a", "b"), "out")
    assert (found.job.owner.kind, found.job.owner.roles) == (OwnerKind.ROLES, ("r",))
    assert (found.state.state, found.state.stage) == ("stopped", Stage.FIRST_TIME)
    assert found.job.config["model_memory_limit"] == "1gb"
    assert not values.faults


JOB = "source: {index: a}, dest: {index: out}, analysis: {regression: {dependent_variable: x}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{dest: {index: out}, analysis: {regression: {}}}", "has no `source`"),
        ("{source: {index: a}, dest: {index: out}, analysis: {}}", "is not a job as Elasticsearch gives it"),
        ("{source: {}, dest: {index: out}, analysis: {regression: {}}}", "is not a job as Elasticsearch gives it"),
        (f"{{{JOB}, owner: {{}}}}", "`owner` is given by one of"),
        (f"{{{JOB}, state: startd}}", "`startd` is not a state (did you mean 'started'?)"),
        (f"{{{JOB}, stage: [x]}}", "is not a stage"),
    ],
)
def test_faults_of_jobs(text: str, told: str) -> None:
    values = Values()
    parts.job(values, entry("job", text))
    assert told in "\n".join(faults_of(values))


def test_a_job_in_the_middle() -> None:
    found = parts.job(Values(), entry("job", f"{{{JOB}, state: failed, stage: resuming_analyzing}}"))
    assert found is not None
    assert (found.state.state, found.state.stage) == ("failed", Stage.RESUMING_ANALYZING)
    assert found.job.owner.kind is OwnerKind.UNKNOWN


@pytest.mark.parametrize(
    ("settings", "flat"),
    [
        ({"number_of_shards": 2}, {"index.number_of_shards": "2"}),
        ({"index": {"number_of_shards": "3"}}, {"index.number_of_shards": "3"}),
        ({"index.codec": "best"}, {"index.codec": "best"}),
        ({"a": {"b": {"c": True}}}, {"index.a.b.c": "true"}),
        ({"a": [1, True, "x"]}, {"index.a": ["1", "true", "x"]}),
    ],
)
def test_settings_are_flat_texts(settings: dict[str, Any], flat: dict[str, Any]) -> None:
    assert parts.flat(settings) == flat


def test_an_index() -> None:
    values = Values()
    text = "{settings: {number_of_shards: 2}, mappings: {properties: {}}, aliases: [x], data_stream: s, documents: 3}"
    found = parts.index(values, entry("i", text))
    assert (found.name, found.aliases, found.data_stream, found.documents) == ("i", ("x",), "s", 3)
    assert not values.faults


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{settings: [a]}", "`settings` must be a mapping"),
        ("{mappings: a}", "`mappings` must be a mapping"),
        ("{documents: -1}", "`documents` takes a whole number from 0"),
        ("{documents: many}", "`documents` takes a whole number from 0"),
    ],
)
def test_faults_of_indices(text: str, told: str) -> None:
    values = Values()
    parts.index(values, entry("i", text))
    (fault,) = faults_of(values)
    assert told in fault
