"""The records that cross borders: frozen, and quiet about what is large or private."""

import dataclasses
import inspect

import pytest

from proxy import model
from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter, SourceIndex, Stage

RECORDS = [kind for _, kind in inspect.getmembers(model, dataclasses.is_dataclass) if kind.__module__ == model.__name__]


@pytest.mark.parametrize("kind", RECORDS)
def test_records_are_frozen_and_named(kind: type) -> None:
    parameters = kind.__dataclass_params__  # type: ignore[attr-defined]  # every entry of RECORDS is a dataclass
    assert parameters.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))


@pytest.mark.parametrize(
    ("realm", "lookup", "runs_as"),
    [("native1", "native1", False), ("native1", "file1", True), ("_es_api_key", "", False), ("", "", False)],
)
def test_runs_as_is_told_by_the_realms(realm: str, lookup: str, runs_as: bool) -> None:
    assert Identity(username="anna", realm=realm, lookup_realm=lookup).runs_as is runs_as


def test_owner_is_never_a_user_name() -> None:
    assert not [field.name for field in dataclasses.fields(Owner) if "user" in field.name]
    assert Owner(kind=OwnerKind.UNKNOWN).roles == ()


def test_stages_carry_stable_names() -> None:
    assert {str(stage) for stage in Stage} == {
        "first_time",
        "resuming_reindexing",
        "resuming_analyzing",
        "finished",
    }


def test_mappings_and_configurations_stay_out_of_logs() -> None:
    job = Job(
        id="flights",
        create_time=1,
        version="9.1.0",
        sources=("flights",),
        source_filter=SourceFilter(),
        runtime_mappings={},
        destination="flights-out",
        results_field="ml",
        analysis="outlier_detection",
        analysis_settings={},
        owner=Owner(kind=OwnerKind.ROLES, roles=("analyst",)),
        config={"source": {"query": {"term": {"name": "private"}}}},
    )
    index = SourceIndex(name="flights", settings={"index.codec": "private"}, mappings={"_meta": "private"})
    assert "private" not in repr(job)
    assert "private" not in repr(index)
