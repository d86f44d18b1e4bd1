"""Jobs: names, state and what is shown."""

import pytest

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure
from proxy.embedded.ml.jobs import Job, Jobs, shows_owner
from proxy.embedded.security.identity import NATIVE, Subject, User
from proxy.model import Stage

BOB = Subject(user=User(username="bob", roles=("r",)), realm=NATIVE)


def job(id_: str = "foo", analysis: str = "outlier_detection", owner: Subject | None = None, **more: Json) -> Job:
    config = {
        "id": id_,
        "source": {"index": ["a"], "query": {"match_all": {}}},
        "dest": {"index": "b", "results_field": "ml"},
        "analysis": {analysis: {"dependent_variable": "y"} if analysis != "outlier_detection" else {}},
        **more,
    }
    return Job(config=config, create_time=5, version="12.0.0", owner=owner)


@pytest.fixture
def jobs() -> Jobs:
    found = Jobs()
    for id_ in ("foo-2", "bar", "foo-1"):
        found.by_id[id_] = job(id_)
    return found


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("*", ["bar", "foo-1", "foo-2"]),
        ("_all", ["bar", "foo-1", "foo-2"]),
        ("", ["bar", "foo-1", "foo-2"]),
        ("foo-*", ["foo-1", "foo-2"]),
        ("foo-2,bar,foo-2", ["bar", "foo-2"]),
        ("none*", []),
    ],
)
def test_expressions(jobs: Jobs, expression: str, ids: list[str]) -> None:
    assert [found.id for found in jobs.expand(expression)] == ids


@pytest.mark.parametrize(("expression", "allow"), [("foo", True), ("foo", False), ("bar,foo", True), ("x*", False)])
def test_unknown(jobs: Jobs, expression: str, allow: bool) -> None:
    with pytest.raises(Failure) as caught:
        jobs.expand(expression, allow_no_match=allow)
    assert caught.value.status == 404
    assert caught.value.reason == f"No known data frame analytics with id [{expression}]"


def test_stages() -> None:
    found = job()
    assert found.stage() is Stage.FIRST_TIME
    found.progress["reindexing"] = 40
    assert found.stage() is Stage.RESUMING_REINDEXING
    found.progress["reindexing"] = 100
    assert found.stage() is Stage.RESUMING_ANALYZING
    for phase in found.progress:
        found.progress[phase] = 100
    assert found.stage() is Stage.FINISHED


def test_phases_by_analysis() -> None:
    assert list(job().progress) == ["reindexing", "loading_data", "computing_outliers", "writing_results"]
    assert list(job(analysis="regression").progress)[-1] == "inference"


def test_json() -> None:
    found = job(owner=BOB, description="d", _meta={"k": 1})
    shown = found.json()
    assert list(shown)[:5] == ["id", "create_time", "version", "authorization", "description"]
    assert shown["authorization"] == {"roles": ["r"]}
    assert "authorization" not in job().json()
    assert not {"create_time", "version", "authorization"} & set(found.json(generated=False))


@pytest.mark.parametrize(
    ("version", "shown"), [("7.17.24", False), ("8.0.1", False), ("8.1.0", True), ("10.0.0", True), ("12.0.0", True)]
)
def test_older_versions_do_not_tell_the_owner(version: str, shown: bool) -> None:
    assert shows_owner(version) is shown
    found = job(owner=BOB)
    found.version = version
    assert ("authorization" in found.json()) is shown


def test_values_for_the_destination() -> None:
    values = job(analysis="classification").values()
    assert (values.id, values.destination, values.results_field, values.analysis) == (
        "foo",
        "b",
        "ml",
        "classification",
    )
    assert values.analysis_settings == {"dependent_variable": "y"}
    assert job(analysis="regression").dependent == "y"
    assert job().dependent is None


async def test_closing_without_anything_running(jobs: Jobs) -> None:
    await jobs.close()
