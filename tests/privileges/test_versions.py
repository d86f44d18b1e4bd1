"""Which privileges a version has."""

import pytest

from proxy.privileges.tables import CLUSTER, INDEX
from proxy.privileges.versions import (
    CLUSTER_ABSENT,
    CLUSTER_BEFORE,
    INDEX_ABSENT,
    Version,
    cluster_privileges,
    index_privileges,
)


def test_without_a_version_every_name_has_its_newest_actions() -> None:
    assert cluster_privileges() is CLUSTER
    assert index_privileges() is INDEX


@pytest.mark.parametrize("version", [(9, 1), (9, 2), (10, 0)])
def test_the_newest_versions_know_every_name(version: Version) -> None:
    assert cluster_privileges(version) == CLUSTER
    assert index_privileges(version) == INDEX


@pytest.mark.parametrize(
    ("version", "known", "unknown"),
    [
        ((7, 17), {"manage_ml", "cancel_task", "monitor_text_structure"}, {"manage_user_profile", "read_security"}),
        ((8, 1), {"manage_user_profile"}, {"read_security", "cross_cluster_search"}),
        # Between the releases that were looked at, nothing is refused that may be there.
        ((8, 2), {"manage_user_profile", "read_security"}, {"manage_search_synonyms"}),
        ((8, 13), {"manage_search_synonyms", "monitor_enrich"}, {"manage_connector", "manage_inference"}),
        ((8, 15), {"manage_connector", "manage_inference"}, {"monitor_stats", "monitor_esql"}),
        ((8, 16), {"monitor_stats", "monitor_esql"}, set()),
    ],
)
def test_cluster_names_come_with_versions(version: Version, known: set[str], unknown: set[str]) -> None:
    names = cluster_privileges(version).keys()
    assert known <= names
    assert not unknown & names
    assert names == {name for name in CLUSTER if version > CLUSTER_ABSENT.get(name, (0, 0))}


@pytest.mark.parametrize(
    ("version", "unknown"),
    [
        ((7, 17), set(INDEX_ABSENT)),
        ((8, 1), set(INDEX_ABSENT)),
        ((8, 2), {"read_failure_store", "manage_failure_store"}),
        ((8, 15), {"read_failure_store", "manage_failure_store"}),
        ((8, 16), set()),
    ],
)
def test_index_names_come_with_versions(version: Version, unknown: set[str]) -> None:
    assert index_privileges(version).keys() == INDEX.keys() - unknown
    assert all(index_privileges(version)[name] == INDEX[name] for name in INDEX.keys() - unknown)


def test_actions_changed_with_9_1() -> None:
    older, newer = cluster_privileges((9, 0)), cluster_privileges((9, 1))
    assert {name for name in newer if older[name] != newer[name]} == CLUSTER_BEFORE.keys()
    stats = set(newer["cross_cluster_search"].include) - set(older["cross_cluster_search"].include)
    assert stats == {"cluster:monitor/stats", "cluster:monitor/stats[n]", "cluster:monitor/stats/remote"}
    assert newer["manage_data_stream_global_retention"].include == ()
    assert older["manage_data_stream_global_retention"].include == (
        "cluster:admin/data_stream/global_retention/*",
        "cluster:monitor/data_stream/global_retention/*",
    )
    assert older["monitor_data_stream_global_retention"].include == ("cluster:monitor/data_stream/global_retention/*",)


def test_only_names_that_exist_are_spoken_of() -> None:
    assert CLUSTER_ABSENT.keys() <= CLUSTER.keys()
    assert CLUSTER_BEFORE.keys() <= CLUSTER.keys()
    assert INDEX_ABSENT.keys() <= INDEX.keys()
