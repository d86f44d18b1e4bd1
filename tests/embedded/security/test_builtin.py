"""The built-in roles hold what their documentation says."""

import pytest

from proxy.embedded.security.builtin import ROLES, SERVICE_ACCOUNTS
from proxy.privileges import BUILT_IN, allows_cluster, allows_index, role_from_json

START = "cluster:admin/xpack/ml/data_frame/analytics/start"
STATS = "cluster:monitor/xpack/ml/data_frame/analytics/stats/get"


@pytest.mark.parametrize(
    ("role", "start", "stats", "reads_data"),
    [
        ("superuser", True, True, True),
        ("machine_learning_admin", True, True, False),
        ("machine_learning_user", False, True, False),
        ("kibana_system", True, True, False),
        ("viewer", False, False, True),
    ],
)
def test_what_a_role_may(role: str, *, start: bool, stats: bool, reads_data: bool) -> None:
    held = [role_from_json(role, ROLES[role])]
    assert allows_cluster(held, START) is start
    assert allows_cluster(held, STATS) is stats
    assert allows_index(held, "flights", "indices:data/read/search") is reads_data


def test_the_service_account_may_start() -> None:
    held = [role_from_json("elastic/kibana", SERVICE_ACCOUNTS["elastic/kibana"])]
    assert allows_cluster(held, START)


def test_roles_are_those_that_rules_are_judged_by() -> None:
    assert {name: role_from_json(name, body) for name, body in ROLES.items()} == BUILT_IN


def test_what_they_grant_in_kibana_is_told() -> None:
    assert ROLES["viewer"]["applications"] == [
        {"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]}
    ]
    assert ROLES["transform_user"]["applications"] == []
