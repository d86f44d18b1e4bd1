"""What a real request would be allowed."""

import pytest

from proxy.privileges.allow import allows_cluster, allows_index, allows_run_as, field_view
from proxy.privileges.fields import FieldSecurity
from proxy.privileges.roles import IndexGrant, Role

FIRST, SECOND = FieldSecurity(("a",)), FieldSecurity(("b",))
READ, MAPPING = "indices:data/read/search", "indices:admin/mappings/get"


def role(*indices: IndexGrant, cluster: tuple[str, ...] = (), run_as: tuple[str, ...] = ()) -> Role:
    """A role."""
    return Role(name="r", cluster=cluster, indices=indices, run_as=run_as)


def grant(name: str, *privileges: str, shows: FieldSecurity | None = None) -> IndexGrant:
    """A grant on one name or pattern."""
    return IndexGrant(names=(name,), privileges=privileges, field_security=shows)


def test_cluster_actions() -> None:
    roles = [role(cluster=("monitor",)), role(cluster=("manage_ml",))]
    assert allows_cluster(roles, "cluster:admin/xpack/ml/data_frame/analytics/start")
    assert allows_cluster(roles, "cluster:monitor/health")
    assert not allows_cluster(roles, "cluster:admin/settings/update")
    assert not allows_cluster([], "cluster:monitor/health")


@pytest.mark.parametrize(
    ("name", "action", "expected"),
    [
        ("logs-1", READ, True),
        ("logs-1", MAPPING, False),
        ("other", READ, False),
        ("dest", "indices:admin/mapping/put", True),
        (".security-7", "indices:monitor/stats", False),
        ("x", "indices:monitor/stats", True),
    ],
)
def test_index_actions(name: str, action: str, expected: bool) -> None:
    roles = [role(grant("logs-*", "read"), grant("dest", "index")), role(grant("*", "monitor"))]
    assert allows_index(roles, name, action) is expected


def test_run_as() -> None:
    roles = [role(run_as=("bob", "svc-*"))]
    assert allows_run_as(roles, "svc-1")
    assert not allows_run_as(roles, "alice")
    assert not allows_run_as([role()], "bob")


def test_fields_of_no_grant_are_none_at_all() -> None:
    assert field_view([], "logs") == ()
    assert field_view([role(grant("logs", "read", shows=FIRST))], "logs") == ()


def test_fields_are_the_union_of_the_views_that_allow_the_action() -> None:
    roles = [
        role(grant("logs", "view_index_metadata", shows=SECOND)),
        role(grant("log*", "view_index_metadata", shows=FIRST), grant("l*", "read", shows=FieldSecurity(("c",)))),
        role(grant("other", "all")),
    ]
    assert field_view(roles, "logs") == (FIRST, SECOND)
    assert field_view(roles, "logs", action=READ) == (FieldSecurity(("c",)),)


def test_one_grant_without_field_security_shows_all() -> None:
    roles = [role(grant("logs", "view_index_metadata", shows=FIRST), grant("l*", "all"))]
    assert field_view(roles, "logs") is None


def test_an_index_is_also_reached_by_the_names_around_it() -> None:
    roles = [role(grant("alias", "all", shows=FIRST))]
    assert field_view(roles, "logs-1") == ()
    assert field_view(roles, "logs-1", via=("alias",)) == (FIRST,)
