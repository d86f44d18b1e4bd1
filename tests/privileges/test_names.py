"""Names to actions and back, with Elasticsearch's texts and order."""

import pytest

from proxy.privileges.names import (
    UnknownPrivilege,
    asked_cluster_language,
    cluster_language,
    cluster_privilege_grants,
    granting_cluster_privileges,
    granting_index_privileges,
    including_cluster_privileges,
    index_language,
    require_cluster_privilege,
    require_index_privilege,
    union_of_cluster,
    union_of_index,
)

START = "cluster:admin/xpack/ml/data_frame/analytics/start"


@pytest.mark.parametrize(
    "name", ["manage_ml", "Manage_ML", "cluster:admin/xpack/ml/*", "cluster:monitor/health", "NONE"]
)
def test_known_cluster_privileges(name: str) -> None:
    require_cluster_privilege(name)


@pytest.mark.parametrize("name", ["read", "READ", "indices:data/read/search", "indices:*", "none"])
def test_known_index_privileges(name: str) -> None:
    require_index_privilege(name)


def test_unknown_cluster_privilege_has_elasticsearchs_text_and_the_nearest_name() -> None:
    with pytest.raises(UnknownPrivilege) as caught:
        require_cluster_privilege("Manage_MLL")
    text = str(caught.value)
    assert text.startswith("unknown cluster privilege [manage_mll]. a privilege must be either one of the predefined ")
    assert "manage,all] or a pattern over one of the available cluster actions" in text
    assert text.endswith("(did you mean 'manage_ml'?)")


def test_unknown_index_privilege_has_elasticsearchs_text_and_the_nearest_name() -> None:
    with pytest.raises(UnknownPrivilege) as caught:
        require_index_privilege("raed")
    text = str(caught.value)
    assert text.startswith(
        "unknown index privilege [raed]. a privilege must be either one of the predefined fixed indices privileges ["
    )
    assert "write,all] or a pattern over one of the available index actions" in text
    assert text.endswith("(did you mean 'read'?)")


@pytest.mark.parametrize("name", ["manage_ml ", "", "indices:data/read/search", "read"])
def test_what_is_no_cluster_privilege(name: str) -> None:
    with pytest.raises(UnknownPrivilege):
        require_cluster_privilege(name)


@pytest.mark.parametrize("name", ["", "cluster:monitor/main", "manage_ml"])
def test_what_is_no_index_privilege(name: str) -> None:
    with pytest.raises(UnknownPrivilege):
        require_index_privilege(name)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (START, ("manage_ml", "manage", "all")),
        ("cluster:monitor/xpack/ml/data_frame/analytics/get", ("monitor_ml", "manage_ml", "monitor", "manage", "all")),
        ("cluster:monitor/health", ("monitor", "manage", "all")),
        (
            "cluster:monitor/xpack/enrich/esql/resolve_policy",
            ("cross_cluster_search", "monitor_enrich", "manage_enrich", "monitor", "manage", "all"),
        ),
        ("cluster:admin/xpack/security/role/put", ("manage_security", "all")),
        ("indices:admin/template/put", ("manage_index_templates", "manage", "all")),
        ("indices:data/read/search", ()),
    ],
)
def test_granting_cluster_privileges_in_elasticsearchs_order(action: str, expected: tuple[str, ...]) -> None:
    assert granting_cluster_privileges(action) == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("indices:data/read/search", ("read", "all")),
        ("indices:data/write/index", ("create_doc", "create", "index", "write", "all")),
        ("indices:admin/create", ("create_index", "manage", "all")),
        ("indices:admin/mappings/get", ("view_index_metadata", "manage", "all")),
    ],
)
def test_granting_index_privileges_in_elasticsearchs_order(action: str, expected: tuple[str, ...]) -> None:
    assert granting_index_privileges(action) == expected


def test_cluster_privilege_grants_one_action() -> None:
    assert cluster_privilege_grants("manage_ml", START)
    assert not cluster_privilege_grants("monitor_ml", START)
    assert cluster_privilege_grants("cluster:admin/xpack/ml/data_frame", START)


def test_including_cluster_privileges() -> None:
    assert including_cluster_privileges(["manage_ml"]) == ("manage_ml", "manage", "all")
    assert including_cluster_privileges(["manage_ml", "manage_security"]) == ("all",)
    assert including_cluster_privileges(["manage_own_api_key"]) == ("manage_api_key", "manage_security", "all")


def test_to_manage_own_keys_is_asked_as_to_manage_keys() -> None:
    assert asked_cluster_language("manage_own_api_key").matches("cluster:admin/xpack/security/api_key/create")
    assert asked_cluster_language("manage_ml").matches(START)


def test_unions_leave_out_what_is_not_known() -> None:
    assert union_of_index(["read", "no_such", "indices:admin/get"]).matches("indices:admin/get")
    assert not union_of_index(["no_such"]).terms
    together = union_of_cluster(["Manage", "monitor_ml", "no_such"])
    assert together.matches(START)
    assert not together.matches("cluster:admin/xpack/security/role/put")


@pytest.mark.parametrize("version", [(8, 15), (7, 17)])
def test_a_name_that_a_version_lacks_is_refused_for_it(version: tuple[int, int]) -> None:
    number = f"{version[0]}.{version[1]}"
    require_cluster_privilege("monitor_stats", version=(9, 1))
    require_cluster_privilege("Monitor", version=version)
    with pytest.raises(UnknownPrivilege) as caught:
        require_cluster_privilege("Monitor_Stats", version=version)
    text = str(caught.value)
    assert text.startswith(
        "unknown cluster privilege [monitor_stats]. a privilege must be either one of the predefined "
    )
    assert ",monitor_stats," not in text
    assert text.endswith(f"; Elasticsearch {number} does not know it yet (did you mean 'monitor_snapshot'?)")
    require_index_privilege("read_failure_store", version=(9, 1))
    require_index_privilege("indices:data/read/search", version=version)
    with pytest.raises(UnknownPrivilege) as caught:
        require_index_privilege("read_failure_store", version=version)
    text = str(caught.value)
    assert "manage_failure_store" not in text
    assert f"; Elasticsearch {number} does not know it yet" in text


def test_a_name_that_no_version_knows_is_not_said_to_come() -> None:
    with pytest.raises(UnknownPrivilege) as caught:
        require_index_privilege("raed", version=(8, 15))
    assert str(caught.value).endswith("available index actions (did you mean 'read'?)")


def test_actions_of_a_version() -> None:
    stats = "cluster:monitor/stats/remote"
    assert cluster_language("cross_cluster_search").matches(stats)
    assert cluster_language("cross_cluster_search", (9, 1)).matches(stats)
    assert not cluster_language("cross_cluster_search", (8, 15)).matches(stats)
    assert index_language("read", (8, 15)).matches("indices:data/read/search")
