import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import (
    LENIENT_OPEN,
    SEARCH,
    STRICT_OPEN,
    Options,
    options,
    resolve,
    single,
    writable,
)
from proxy.embedded.core.store import Store
from tests.cluster.resolver import resolved
from tests.embedded.core.test_store import an_index


@pytest.fixture
def store() -> Store:
    store = Store(seed=1)
    for name in ("logs-1", "logs-2", "other", ".dot"):
        store.add(an_index(name))
    store.add(an_index("logs-hidden", hidden="true"))
    store.add(an_index(".dot-hidden", hidden="true"))
    closed = an_index("logs-closed")
    closed.closed = True
    store.add(closed)
    store.put_alias(store.indices["logs-1"], "both", {})
    store.put_alias(store.indices["other"], "both", {})
    store.put_alias(store.indices["other"], "secret", {"is_hidden": True})
    return store


def names(store: Store, expression: str, how: Options = STRICT_OPEN) -> list[str]:
    return [index.name for index in resolve(store, expression, how)]


ALL = Options(closed=True, hidden=True)


@pytest.mark.parametrize(
    ("expression", "how", "wanted"),
    [
        ("", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("_all", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("*", ALL, [".dot", ".dot-hidden", "logs-1", "logs-2", "logs-closed", "logs-hidden", "other"]),
        ("logs-*", STRICT_OPEN, ["logs-1", "logs-2"]),
        ("logs-*", Options(closed=True), ["logs-1", "logs-2", "logs-closed"]),
        ("logs-*", Options(hidden=True), ["logs-1", "logs-2", "logs-hidden"]),
        ("logs-*", Options(open=False, closed=True), ["logs-closed"]),
        (".d*", STRICT_OPEN, [".dot", ".dot-hidden"]),
        ("other,logs-1", STRICT_OPEN, ["other", "logs-1"]),
        ("logs-1,logs-1,logs-*", STRICT_OPEN, ["logs-1", "logs-2"]),
        ("logs-*,-logs-1", STRICT_OPEN, ["logs-2"]),
        ("*,-logs-*,-.*", STRICT_OPEN, ["other"]),
        # As nodes of 7.17, 8.15 and 9.1 answer: a literal exclusion takes away that name, whatever it leads to.
        ("*,-both", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("bot*,-both", STRICT_OPEN, ["logs-1", "other"]),
        ("bot*,-other", STRICT_OPEN, ["logs-1"]),
        ("both,x*,-both", STRICT_OPEN, []),
        ("both,x*,-logs-1", STRICT_OPEN, ["logs-1", "other"]),
        ("both,x*,-logs-*", STRICT_OPEN, ["logs-1", "other"]),
        ("both,logs-*,-logs-*", STRICT_OPEN, ["logs-1", "other"]),
        ("both,x*,-*", STRICT_OPEN, ["logs-1", "other"]),
        ("both,logs-1,x*,-both", STRICT_OPEN, ["logs-1"]),
        ("both,other,x*,-both,-other", STRICT_OPEN, []),
        # A pattern takes away the indices behind an alias that matches, too, but what is hidden it does not stand for.
        ("*,-bot*", STRICT_OPEN, [".dot", "logs-2"]),
        ("logs-hidden,logs-*,-logs-*", STRICT_OPEN, ["logs-hidden"]),
        ("*,-secre*", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("*,-secret", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("*,-nope,-nope*", STRICT_OPEN, [".dot", "logs-1", "logs-2", "other"]),
        ("*,-*,logs-2", STRICT_OPEN, ["logs-2"]),
        ("both,nope,x*,-logs-1", LENIENT_OPEN, ["logs-1", "other"]),
        ("both", STRICT_OPEN, ["logs-1", "other"]),
        ("bot*", STRICT_OPEN, ["logs-1", "other"]),
        ("secre*", STRICT_OPEN, []),
        ("secre*", ALL, ["other"]),
        ("secret", STRICT_OPEN, ["other"]),
        ("logs-hidden", STRICT_OPEN, ["logs-hidden"]),
        ("logs-closed", STRICT_OPEN, ["logs-closed"]),
        ("nope*", STRICT_OPEN, []),
        ("nope,other", LENIENT_OPEN, ["other"]),
        ("logs-closed,other", Options(ignore_unavailable=True, forbid_closed=True), ["other"]),
        ("logs-*", SEARCH, ["logs-1", "logs-2"]),
    ],
)
def test_expressions(store: Store, expression: str, how: Options, wanted: list[str]) -> None:
    assert names(store, expression, how) == wanted


INDICES = ("a1", "a2", "b1", "b2")
ALIASES = {"team": ("a1", "b1"), "a-al": ("b2",), "solo": ("a2",)}
WORDS = (*INDICES, *ALIASES, "a*", "b*", "*", "x*", "t*", "*1", "missing")


@given(parts=st.lists(st.sampled_from([*WORDS, *(f"-{word}" for word in WORDS)]), min_size=1, max_size=7))
def test_a_list_stands_for_what_genuine_nodes_say(parts: list[str]) -> None:
    """The resolver that this is held against is itself held against nodes (docs/decisions/065)."""
    store = Store(seed=1)
    for name in INDICES:
        store.add(an_index(name))
    for alias, behind in ALIASES.items():
        for name in behind:
            store.put_alias(store.indices[name], alias, {})
    assert set(names(store, ",".join(parts), LENIENT_OPEN)) == resolved(parts, INDICES, ALIASES, {})


@pytest.mark.parametrize(
    ("expression", "how", "status", "reason"),
    [
        ("nope", STRICT_OPEN, 404, "no such index [nope]"),
        ("other,nope", STRICT_OPEN, 404, "no such index [nope]"),
        ("nope*", Options(allow_no_indices=False), 404, "no such index [nope*]"),
        ("nope", Options(ignore_unavailable=True, allow_no_indices=False), 404, "no such index [nope]"),
        ("logs-*", Options(open=False), 404, "no such index [logs-*]"),
        ("-other", STRICT_OPEN, 404, "no such index [-other] and if you intended to exclude this index, ensure that"),
        ("_x", STRICT_OPEN, 400, "Invalid index name [_x], must not start with '_'."),
        ("far:x", STRICT_OPEN, 404, "no such remote cluster: [far]"),
        ("logs-closed", SEARCH, 400, "closed"),
        ("both", Options(aliases=False), 400, "The provided expression [both] matches an alias"),
    ],
)
def test_expressions_that_fail(store: Store, expression: str, how: Options, status: int, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        resolve(store, expression, how)
    assert caught.value.status == status
    assert caught.value.reason.startswith(reason)


def test_an_alias_is_skipped_where_only_indices_count_and_missing_ones_may_be(store: Store) -> None:
    assert names(store, "both,other", Options(aliases=False, ignore_unavailable=True)) == ["other"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, STRICT_OPEN),
        (
            {"ignore_unavailable": "true", "allow_no_indices": "false"},
            Options(ignore_unavailable=True, allow_no_indices=False),
        ),
        ({"expand_wildcards": "all"}, Options(open=True, closed=True, hidden=True)),
        ({"expand_wildcards": "closed,hidden"}, Options(open=False, closed=True, hidden=True)),
        ({"expand_wildcards": "none"}, Options(open=False)),
        ({"expand_wildcards": ""}, Options()),
    ],
)
def test_options_of_requests(query: dict[str, str], wanted: Options) -> None:
    assert options(Request(method="GET", path="/", query=query)) == wanted


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ElasticError) as caught:
        options(Request(method="GET", path="/", query={"expand_wildcards": "open,foo"}))
    assert caught.value.reason == "No valid expand wildcard value [foo]"


def test_single(store: Store) -> None:
    assert single(store, "secret").name == "other"
    assert single(store, "logs-1").name == "logs-1"
    with pytest.raises(ElasticError, match="no such index"):
        single(store, "nope")
    with pytest.raises(ElasticError, match="has more than one index associated with it \\[logs-1, other\\]"):
        single(store, "both")


def test_writable(store: Store) -> None:
    assert writable(store, "nope") is None
    other = store.indices["other"]
    assert writable(store, "other") is other
    assert writable(store, "secret") is other
    with pytest.raises(ElasticError, match="no write index is defined for alias \\[both\\]"):
        writable(store, "both")
    store.put_alias(other, "both", {"is_write_index": True})
    assert writable(store, "both") is other
    store.put_alias(other, "secret", {"is_write_index": False})
    with pytest.raises(ElasticError, match="no write index is defined"):
        writable(store, "secret")
