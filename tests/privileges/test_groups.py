"""Grants of several roles in the groups that Elasticsearch forms."""

import pytest

from proxy.privileges.fields import FieldSecurity
from proxy.privileges.groups import Group, groups_of, joined_of
from proxy.privileges.roles import IndexGrant, Role


def role(*grants: IndexGrant) -> Role:
    """A role of these grants."""
    return Role(name="r", indices=grants)


def grant(names: str, privileges: str, shows: FieldSecurity | None = None, *, restricted: bool = False) -> IndexGrant:
    """A grant; names and privileges are separated by spaces."""
    return IndexGrant(
        names=tuple(names.split()),
        privileges=tuple(privileges.split()),
        field_security=shows,
        allow_restricted=restricted,
    )


def test_grants_on_the_same_names_are_joined_over_roles_in_any_order() -> None:
    groups = groups_of([role(grant("a b", "READ")), role(grant("b a", "index"), grant("c", "all"))])
    assert [(set(group.names), set(group.privileges)) for group in groups] == [
        ({"a", "b"}, {"read", "index"}),
        ({"c"}, {"all"}),
    ]


def test_the_flag_for_restricted_names_keeps_groups_apart() -> None:
    groups = groups_of([role(grant("*", "read"), grant("*", "read", restricted=True))])
    assert [group.covers(".security-7") for group in groups] == [False, True]
    assert [group.covers("logs") for group in groups] == [True, True]


def test_joined_field_security_shows_what_any_shows() -> None:
    one, other = FieldSecurity(("a",)), FieldSecurity(("b",))
    joined = groups_of([role(grant("x", "read", one)), role(grant("x", "read", other))])
    assert joined[0].views == frozenset({one, other})
    total = groups_of([role(grant("x", "read", one)), role(grant("x", "monitor"))])
    assert total[0].views is None


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((grant("a", "none"),), 0),
        ((grant("a", "NONE read"),), 0),
        ((grant("a", "read none"),), 1),
        ((grant("a", "none"), grant("b", "read")), 2),
        ((grant("a", ""),), 1),
    ],
)
def test_a_lone_grant_of_none_counts_as_no_grant(grants: tuple[IndexGrant, ...], expected: int) -> None:
    assert len(groups_of([role(*grants)])) == expected


@pytest.mark.parametrize(
    ("privileges", "action", "expected"),
    [
        ("read", "indices:data/read/search", True),
        ("read", "indices:admin/mappings/get", False),
        ("index", "indices:admin/mapping/put", True),
        ("write", "indices:admin/mapping/auto_put", True),
        ("read", "indices:admin/mapping/put", False),
        ("manage", "indices:admin/mapping/put", True),
        ("read_failure_store", "indices:data/read/search", False),
        ("manage_failure_store", "indices:admin/create", False),
        ("no_such", "indices:data/read/search", False),
    ],
)
def test_allows(privileges: str, action: str, expected: bool) -> None:
    (group,) = groups_of([role(grant("a", privileges))])
    assert group.allows(action) is expected


def test_privileges_are_split_by_what_they_reach() -> None:
    group = Group(frozenset({"a"}), frozenset({"read", "manage", "read_failure_store"}), False, None)
    assert group.data_privileges() == {"read", "manage"}
    assert group.failure_privileges() == {"manage", "read_failure_store"}


def test_groups_are_gathered_by_privileges_on_a_component() -> None:
    roles = (
        role(grant("a*", "read"), grant("b", "READ")),
        role(grant("/<1-3>/", "read"), grant("x\\*y z?", "all"), grant("f", "read_failure_store")),
        role(grant("nothing", "none")),
    )
    data = {joined.privileges: joined for joined in joined_of(roles, failures=False)}
    assert data.keys() == {frozenset({"read"}), frozenset({"all"})}
    read = data[frozenset({"read"})]
    assert [names.beginnings for names in read.each] == [("a",), ("b",)]
    assert [read.together.matches(name) for name in ("a1", "b", "c", "1")] == [True, True, False, False]
    assert "not supported" in read.unreadable
    assert data[frozenset({"all"})].unreadable == ""
    assert {*data[frozenset({"all"})].each[0].beginnings} == {"x", "z"}
    failures = {joined.privileges for joined in joined_of(roles, failures=True)}
    assert failures == {frozenset({"all"}), frozenset({"read_failure_store"})}


def test_what_reaches_restricted_names_is_kept_apart() -> None:
    (joined,) = joined_of((role(grant("*", "read"), grant(".tasks*", "read", restricted=True)),), failures=False)
    assert joined.together.matches("logs")
    assert joined.together.matches(".tasks-1")
    assert not joined.together.matches(".security")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("logs", "logs"), ("logs-*", "logs-"), ("a?b*", "a"), ("a\\*b", "a"), ("/a.*/", ""), ("a/b", "a/b"), ("*", "")],
)
def test_beginnings(pattern: str, expected: str) -> None:
    (joined,) = joined_of((role(grant(pattern, "read")),), failures=False)
    assert joined.each[0].beginnings == (expected,)
