"""What `_has_privileges` would answer."""

from importlib import import_module
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.privileges import patterns
from proxy.privileges.automata import Undecidable
from proxy.privileges.check import Asked, AskedIndex, Held, check, check_limited
from proxy.privileges.names import UnknownPrivilege
from proxy.privileges.patterns import language
from proxy.privileges.roles import IndexGrant, Role


def role(*grants: tuple[str, str], cluster: str = "", restricted: bool = False) -> Role:
    """A role; names and privileges of each grant are separated by spaces."""
    indices = tuple(
        IndexGrant(names=tuple(names.split()), privileges=tuple(privileges.split()), allow_restricted=restricted)
        for names, privileges in grants
    )
    return Role(name="r", cluster=tuple(cluster.split()), indices=indices)


def held(roles: list[Role], name: str, privilege: str, *, allow_restricted: bool = False) -> bool:
    """The answer to one question about an index."""
    entry = AskedIndex(names=(name,), privileges=(privilege,), allow_restricted=allow_restricted)
    return check(roles, Asked(index=(entry,))).index[name][privilege]


@pytest.mark.parametrize(
    ("grants", "name", "privilege", "expected"),
    [
        ([("logs-*", "read")], "logs-*", "read", True),
        ([("*", "read")], "logs-*", "read", True),
        ([("logs-a*", "read"), ("logs-b*", "read")], "logs-*", "read", False),
        ([("logs-a*", "read"), ("logs-b*", "read")], "logs-a1", "read", True),
        ([("logs-*", "read")], "*", "read", False),
        # One privilege from two groups that both contain the name.
        ([("logs-*", "indices:data/read/*"), ("*", "indices:admin/resolve/*")], "logs-1", "read", True),
        ([("a*", "read index"), ("b*", "index read")], "a1", "read", True),
        ([("logs-*", "all")], "logs-1", "READ", True),
        ([("logs-*", "ALL")], "logs-1", "indices:data/read/search", True),
        ([("logs-*", "read")], "logs-1", "indices:data/read/search", True),
        ([("logs-*", "indices:data/read/*")], "logs-1", "read", False),
        ([("logs-*", "manage")], "logs-1", "view_index_metadata", True),
        ([("logs-*", "manage index read")], "logs-1", "create_index", True),
        ([], "logs", "read", False),
        # To hold what needs nothing still takes a grant on the name.
        ([("logs", "read")], "logs", "none", True),
        ([("logs", "read")], "logs-1", "none", False),
        ([("logs", "none")], "logs", "none", False),
        ([("logs", "none"), ("*", "none")], "logs", "none", True),
        ([], "logs", "none", False),
        ([("/~(([.]|ilm-history-).*)/", "read")], "logs-*", "read", True),
        ([("/~(([.]|ilm-history-).*)/", "read")], "i*", "read", False),
        ([("/~(([.]|ilm-history-).*)/", "read")], ".x", "read", False),
        # Failure stores: what reaches them says nothing about data, and the other way round.
        ([("logs", "read_failure_store")], "logs", "read", False),
        ([("logs", "read_failure_store")], "logs", "read_failure_store", True),
        ([("logs", "read")], "logs", "read_failure_store", False),
        ([("logs", "all")], "logs", "manage_failure_store", True),
        ([("logs", "manage")], "logs", "manage_failure_store", True),
    ],
)
def test_textual_subset_of_one_group(grants: list[tuple[str, str]], name: str, privilege: str, expected: bool) -> None:
    assert held([role(*grants)], name, privilege) is expected


def test_what_groups_of_several_roles_allow_adds_up() -> None:
    assert held([role(("a", "indices:data/read/*")), role(("*", "indices:admin/*"))], "a", "read")


@pytest.mark.parametrize(
    ("grants", "name", "united"),
    [
        ([("x?", "read"), ("x", "read"), ("x??*", "read")], "x*", True),
        ([("x?", "read index"), ("x", "index read"), ("x??*", "READ index")], "x*", True),
        ([("/[a-m].*/", "read"), ("/[n-z].*/", "read")], "/[a-z].*/", True),
        # A pattern without a sign of a wildcard.
        ([("a", "read"), ("b", "read")], "/a|b/", True),
        ([("x?", "read"), ("x", "read"), ("x??*", "write read")], "x*", False),
        ([("logs-a*", "read"), ("logs-b*", "read")], "logs-*", False),
    ],
)
def test_groups_of_equal_privileges_are_one_from_9_1_on(grants: list[tuple[str, str]], name: str, united: bool) -> None:
    asked = Asked(index=(AskedIndex(names=(name,), privileges=("read",)),))
    roles = [role(*grants)]
    assert check(roles, asked, version=(9, 1)).index[name]["read"] is united
    assert not check(roles, asked, version=(9, 0)).index[name]["read"]
    assert not check(roles, asked).index[name]["read"]
    assert check_limited(roles, roles, asked, version=(10, 0)).index[name]["read"] is united
    assert not check_limited(roles, [role(("*", "read"))], asked, version=(8, 15)).index[name]["read"]


def test_one_of_several_groups_of_equal_privileges_is_enough() -> None:
    grants = [("a*", "read"), ("x*", "read"), ("b*", "read")]
    assert held([role(*grants)], "x-*", "read")
    assert held([role(*grants)], "/a+/", "read")
    assert held([role(*grants)], "x-?*", "read")


def test_grants_on_the_same_names_are_one_in_every_version() -> None:
    assert held([role(("x*", "indices:data/read/*")), role(("x*", "indices:admin/resolve/*"))], "x*", "read")


@pytest.mark.parametrize(
    ("granted", "name", "expected"),
    [
        # Nothing is resolved: aliases, data streams and their backing indices are names like any other.
        ("my-alias", "my-alias", True),
        ("my-index", "my-alias", False),
        ("my-stream", ".ds-my-stream-2024.01.01-000001", False),
        (".ds-my-stream-*", "my-stream", False),
        ("my-stream", "my-stream*", False),
        ("my-stream*", "my-stream", True),
        # A date-math name, an exclusion, a remote index and an unknown index are texts, too.
        ("logs-*", "<logs-{now/d}>", False),
        ("*", "<logs-{now/d}>", True),
        ("logs-*", "-logs-a", False),
        ("*", "far:logs-a", True),
        ("logs-*", "far:logs-a", False),
        ("logs-*", "logs-never-made", True),
        # A name is not an expression: commas and upper case are characters.
        ("logs-*", "logs-a,logs-b", True),
        ("logs-a", "logs-a,logs-b", False),
        ("logs-*", "LOGS-a", False),
    ],
)
def test_names_are_texts(granted: str, name: str, expected: bool) -> None:
    assert held([role((granted, "read"))], name, "read") is expected


@pytest.mark.parametrize(
    ("name", "grant_flag", "ask_flag", "expected"),
    [
        ("*", False, False, True),
        ("*", False, True, False),
        ("*", True, True, True),
        (".security-7", False, False, False),
        (".security-7", True, False, True),
        (".security-7", False, True, False),
        (".security-[x", False, False, True),
        # Wholly restricted, but not one exact name: nobody is told anything.
        (".ml-meta*", True, False, False),
        (".ml-meta*", True, True, True),
        (".ml-*", False, False, True),
        ("/[.]ml-.*/", False, False, True),
        ("/[.]ml-.*/", False, True, False),
        ("/[.]ml-meta.*/", True, False, False),
        ("/[.]ml-meta.*/", True, True, True),
        ("/[.]security/", True, False, False),
        (".kibana_?", True, False, False),
        (".kibana_?", True, True, True),
    ],
)
def test_restricted_names(name: str, grant_flag: bool, ask_flag: bool, expected: bool) -> None:
    roles = [role(("*", "read"), restricted=grant_flag)]
    assert held(roles, name, "read", allow_restricted=ask_flag) is expected


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        ("manage_ml", "manage_ml", True),
        ("MANAGE", "Manage_ml", True),
        ("monitor_ml", "manage_ml", False),
        ("manage manage_security", "all", False),
        ("cluster:admin/xpack/ml/* cluster:monitor/xpack/ml/*", "manage_ml", True),
        ("", "none", False),
        ("none", "none", True),
        ("monitor_ml", "none", True),
        ("no_such", "manage_ml", False),
        ("manage_own_api_key", "manage_own_api_key", True),
        ("manage_own_api_key", "manage_api_key", False),
        ("manage_api_key", "manage_own_api_key", True),
        ("manage_ml", "manage_own_api_key", False),
    ],
)
def test_cluster_privileges(granted: str, asked: str, expected: bool) -> None:
    assert check([role(cluster=granted)], Asked(cluster=(asked,))).cluster == {asked: expected}


def test_names_asked_twice_hold_only_if_both_answers_do() -> None:
    roles = [role((".security-7", "read"))]
    entries = (
        AskedIndex(names=(".security-7",), privileges=("read",)),
        AskedIndex(names=(".security-7",), privileges=("read", "monitor"), allow_restricted=True),
    )
    assert check(roles, Asked(index=entries)).index == {".security-7": {"read": False, "monitor": False}}


def test_held_tells_all_that_is_missing() -> None:
    answer = Held(cluster={"a": False, "b": True}, index={"x": {"read": True, "index": False}, "y": {"read": False}})
    assert answer.missing() == ((None, "a"), ("x", "index"), ("y", "read"))
    assert not answer.complete
    assert Held(cluster={"b": True}).complete


def test_unknown_privileges_are_refused_where_asked_and_grant_nothing_where_held() -> None:
    with pytest.raises(UnknownPrivilege):
        check([], Asked(cluster=("no_such",)))
    with pytest.raises(UnknownPrivilege):
        check([], Asked(index=(AskedIndex(names=("a",), privileges=("no_such",)),)))
    assert not held([role(("a", "no_such"))], "a", "read")


def test_limits_hold_each_by_itself() -> None:
    question = Asked(cluster=("manage_ml", "monitor"), index=(AskedIndex(names=("a", "b"), privileges=("read",)),))
    key = role(("*", "read"), cluster="all")
    owner = role(("a", "read"), cluster="monitor")
    answer = check_limited([key], [owner], question)
    assert answer == Held(
        cluster={"manage_ml": False, "monitor": True}, index={"a": {"read": True}, "b": {"read": False}}
    )
    assert check_limited([owner], [key], question) == answer
    # Two halves do not make a whole: read is not granted by an action in the one and the rest in the other.
    halves = check_limited([role(("a", "indices:data/read/*"))], [role(("a", "indices:admin/*"))], question)
    assert not halves.index["a"]["read"]


def test_an_undecidable_grant_counts_only_if_it_matters() -> None:
    strange = role(("/<1-5>/", "read"))
    with pytest.raises(Undecidable, match="not supported"):
        held([strange], "a", "read")
    assert held([strange, role(("a", "all"))], "a", "read")
    assert held([strange, role(("a", "read"))], "a", "read")
    assert not held([strange], "a", "index")
    with pytest.raises(Undecidable):
        held([], "/<1-5>/", "read")
    # What one of several that are not understood might grant is not forgotten over the next.
    for privilege in ("read", "create_index"):
        with pytest.raises(Undecidable):
            held([strange, role(("/<2-6>/", "create_index"))], "a", privilege)


def test_a_comparison_that_takes_too_long_counts_only_if_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MAX_STEPS", 60)
    with pytest.raises(Undecidable, match="more than 60 steps"):
        held([role(("*a*b*c*d*e*f*", "read"))], "*g*h*i*j*", "read")
    assert not held([role(("*a*b*c*d*e*f*", "read"))], "*g*h*i*j*", "index")


NAMES = st.text("ab*?", min_size=1, max_size=3)
GRANTS = st.lists(
    st.tuples(st.lists(NAMES, min_size=1, max_size=2), st.sampled_from(["read", "index", "all"])), max_size=3
)


@given(GRANTS, NAMES)
@example([(["??", "???"], "read")], "??*")
@settings(max_examples=60, deadline=None)
def test_held_means_covered_on_every_name(grants: list[tuple[list[str], str]], name: str) -> None:
    """Whatever is held on a pattern is granted on each name that it matches; a lone matching group is enough."""
    roles = [Role(name="r", indices=tuple(IndexGrant(names=tuple(names), privileges=(one,)) for names, one in grants))]
    # One letter more than any of these patterns is long: what has no star ends before.
    texts = ["".join(letters) for size in range(5) for letters in product("abz", repeat=size)]
    asked = [text for text in texts if language([name]).matches(text)]
    if held(roles, name, "read"):
        assert all(held(roles, text, "read") for text in asked)
    for names, privilege in grants:
        if privilege in ("read", "all") and all(language(names).matches(text) for text in asked):
            assert held(roles, name, "read")


def test_what_all_names_together_may_cost_is_bounded() -> None:
    """Whoever makes a job chooses its source expressions: none of them may hold up everybody else for minutes."""
    roles = [role(("logs-* metrics-* *-prod-*", "read"))]
    nasty = tuple("*".join("lgos-.mdktrica" * 8) + f"{number}*" for number in range(1000))
    with pytest.raises(Undecidable, match="comparing all the names takes more than"):
        check(roles, Asked(index=(AskedIndex(names=nasty, privileges=("read",)),)))


def test_once_too_much_was_compared_nothing_more_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # The package has a function of the module's name.
    monkeypatch.setattr(import_module("proxy.privileges.check"), "MAX_STEPS_IN_ALL", 60)
    roles = [role(("*a*b*c*d*e*f*", "all"))]
    with pytest.raises(Undecidable, match="more than 60 steps"):
        held(roles, "*g*h*i*j*", "read")
    with pytest.raises(Undecidable, match="more than 60 steps"):
        held(roles, "*g*h*i*j*", "read_failure_store")


def test_thousands_of_plain_names_are_judged() -> None:
    roles = [role(("logs-*", "read"))]
    names = tuple(f"logs-of-application-{number:06}" for number in range(3000))
    held = check(roles, Asked(index=(AskedIndex(names=names, privileges=("read",)),)))
    assert held.complete
    assert len(held.index) == 3000


def test_restricted_names_are_asked_about_only_where_said() -> None:
    asked = AskedIndex(names=("*",), privileges=("read",))
    assert not asked.allow_restricted
    assert check([role(("*", "read"))], Asked(index=(asked,))).index["*"]["read"]
