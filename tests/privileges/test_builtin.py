"""The built-in roles, and what they let their holders do."""

import pytest

from proxy.privileges import Asked, AskedIndex, Role, UnknownPrivilege, Version, allows_cluster, check
from proxy.privileges.builtin import BUILT_IN, RESERVED_ROLES, built_in
from proxy.privileges.names import require_cluster_privilege, require_index_privilege
from proxy.privileges.patterns import language
from proxy.privileges.roles import IndexGrant

START = "cluster:admin/xpack/ml/data_frame/analytics/start"


def reads(role: Role, name: str) -> bool:
    """Whether a role may read what a source expression stands for."""
    entry = AskedIndex(names=(name,), privileges=("read", "view_index_metadata"))
    return check([role], Asked(index=(entry,))).complete


def test_reserved_names() -> None:
    assert {*BUILT_IN, "kibana_dashboard_only_user"} == RESERVED_ROLES
    assert len(BUILT_IN) == 32


@pytest.mark.parametrize(
    ("version", "gone", "count"),
    [((7, 17), set[str](), 32), ((9, 0), set(), 32), ((9, 1), {"apm_user", "data_frame_transforms_user"}, 29)],
)
def test_which_roles_a_version_has(version: Version, gone: set[str], count: int) -> None:
    assert len(built_in(version)) == count
    assert not gone & built_in(version).keys()
    assert BUILT_IN.keys() - built_in(version).keys() >= gone


def test_each_role_is_that_of_the_newest_release_that_has_it() -> None:
    assert all(BUILT_IN[name] == role for name, role in built_in((9, 1)).items())
    assert BUILT_IN["apm_user"] == built_in((8, 15))["apm_user"]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_role_can_be_judged(name: str) -> None:
    role = BUILT_IN[name]
    assert role.name == name
    for privilege in role.cluster:
        require_cluster_privilege(privilege)
    for grant in role.indices:
        assert language(grant.names).terms
        for privilege in grant.privileges:
            require_index_privilege(privilege)


@pytest.mark.parametrize(
    ("name", "starts", "readable", "unreadable"),
    [
        ("superuser", True, ["*", "logs-*", ".kibana"], []),
        ("machine_learning_admin", True, [".ml-annotations*"], ["logs", "*"]),
        ("machine_learning_user", False, [".ml-anomalies-x"], ["logs"]),
        ("kibana_system", True, [".kibana", "metrics-endpoint.metadata-x"], ["logs", "*"]),
        ("kibana_admin", False, [], ["logs"]),
        ("viewer", False, ["logs-*", ".alerts-x", "profiling-*"], ["*", ".x", ".kibana", "ilm-history-1"]),
        ("editor", False, ["logs-*", ".internal.alerts-x"], ["*", ".x"]),
        ("monitoring_user", False, [], [".monitoring-es", "logs"]),
        ("transform_admin", False, [".transform-notifications-x"], ["logs"]),
    ],
)
def test_who_may_start_and_read(name: str, starts: bool, readable: list[str], unreadable: list[str]) -> None:
    role = BUILT_IN[name]
    assert allows_cluster([role], START) is starts
    assert [index for index in readable if not reads(role, index)] == []
    assert [index for index in unreadable if reads(role, index)] == []


def test_parts_that_came_and_went_with_9_1() -> None:
    older, newer = built_in((8, 15))["kibana_system"], built_in((9, 1))["kibana_system"]
    assert set(newer.cluster) - set(older.cluster) == {
        "manage_inference",
        "cluster:admin/script/put",
        "cluster:admin/script/get",
    }
    assert set(older.cluster) < set(newer.cluster)
    siem = IndexGrant(names=(".siem-signals*",), privileges=("all",))
    assert siem in older.indices
    assert siem not in newer.indices
    assert (len(older.indices), len(newer.indices)) == (62, 75)


def test_parts_of_each_kind_are_read() -> None:
    assert BUILT_IN["superuser"] == Role(
        name="superuser",
        cluster=("all",),
        indices=(
            IndexGrant(names=("*",), privileges=("all",)),
            IndexGrant(
                names=("*",),
                privileges=("monitor", "read", "view_index_metadata", "read_cross_cluster"),
                allow_restricted=True,
            ),
        ),
        run_as=("*",),
    )
    assert BUILT_IN["kibana_admin"] == Role(name="kibana_admin")
    assert BUILT_IN["transform_user"].indices[0].names == (
        ".transform-notifications-*",
        ".data-frame-notifications-*",
        ".transform-notifications-read",
    )


def test_no_role_can_be_changed() -> None:
    with pytest.raises(TypeError):
        BUILT_IN["superuser"] = Role(name="superuser")  # type: ignore[index]  # that is what is tested
    with pytest.raises(UnknownPrivilege):
        require_cluster_privilege("superuser")
