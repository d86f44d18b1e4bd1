"""The tables hang together: lower case, actions of the right kind, implications that Elasticsearch documents."""

import pytest

from proxy.privileges.patterns import included, language
from proxy.privileges.tables import ALSO_MAPPING, BOTH_COMPONENTS, CLUSTER, FAILURES_ONLY, INDEX, OWN_KEYS, Actions


@pytest.mark.parametrize("name", sorted(CLUSTER))
def test_cluster_privileges_stay_within_all_but_for_what_other_clusters_need(name: str) -> None:
    assert name == name.lower()
    within = language((*CLUSTER["all"].include, "internal:*"))
    assert included(language(CLUSTER[name].include, minus=CLUSTER[name].exclude), within)


@pytest.mark.parametrize("name", sorted(INDEX))
def test_index_privileges_stay_within_all(name: str) -> None:
    assert name == name.lower()
    assert not INDEX[name].exclude
    assert included(language(INDEX[name].include), language(INDEX["all"].include))


@pytest.mark.parametrize(
    ("table", "stronger", "weaker", "expected"),
    [
        (CLUSTER, "manage_ml", "monitor_ml", True),
        (CLUSTER, "monitor", "monitor_ml", True),
        (CLUSTER, "manage", "manage_ml", True),
        (CLUSTER, "all", "manage", True),
        (CLUSTER, "manage", "manage_security", False),
        (CLUSTER, "manage", "read_security", False),
        (CLUSTER, "manage_security", "delegate_pki", False),
        (CLUSTER, "manage_connector", "read_connector_secrets", False),
        (CLUSTER, "manage_inference", "manage_ml", False),
        (CLUSTER, "monitor_ml", "manage_ml", False),
        (CLUSTER, "monitor_data_frame_transforms", "monitor_transform", True),
        (INDEX, "write", "index", True),
        (INDEX, "index", "create_doc", True),
        (INDEX, "create", "create_doc", True),
        (INDEX, "manage", "create_index", True),
        (INDEX, "manage", "monitor", True),
        (INDEX, "manage", "maintenance", True),
        (INDEX, "manage", "read", False),
        (INDEX, "manage", "view_index_metadata", True),
        (INDEX, "read", "view_index_metadata", False),
        (INDEX, "write", "read", False),
    ],
)
def test_implication_by_inclusion(table: dict[str, Actions], stronger: str, weaker: str, expected: bool) -> None:
    weak, strong = table[weaker], table[stronger]
    inner = language(weak.include, minus=weak.exclude)
    assert included(inner, language(strong.include, minus=strong.exclude)) is expected


def test_special_sets_name_privileges_that_exist() -> None:
    assert INDEX.keys() >= (ALSO_MAPPING | BOTH_COMPONENTS | FAILURES_ONLY)
    assert OWN_KEYS[0] in CLUSTER
