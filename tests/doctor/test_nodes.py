"""What the nodes' answers mean."""

import pytest

from proxy.doctor import nodes
from proxy.doctor.model import State
from tests.doctor.cluster import facts, info, node, root, stats, told

AWAY = told(status=0, why="refused")


def test_all_answer() -> None:
    assert nodes.answering(facts()).state is State.OK
    # Whoever refuses is there.
    assert nodes.answering(facts(roots={"http://a": told(status=401)})).state is State.OK


def test_one_is_away_and_all_are() -> None:
    one = nodes.answering(facts(roots={"http://a": AWAY, "http://b": told(root())}))
    assert (one.state, one.seen) == (State.WARN, "http://a does not answer: refused")
    assert nodes.answering(facts(roots={"http://a": AWAY})).state is State.FAIL


@pytest.mark.parametrize(
    ("version", "state"),
    [
        *((version, State.OK) for version in ("7.17.24", "8.0.0", "8.19.1", "9.1.0-SNAPSHOT")),
        *((version, State.WARN) for version in ("7.16.3", "6.8.0", "10.0.0", "nine")),
    ],
)
def test_versions(version: str, state: State) -> None:
    found = nodes.versions(facts(roots={"a": told(root(version))}, info=told(info(node(version=version)))))
    assert (found.state, version in found.seen) == (state, True)


def test_versions_of_nodes_that_nobody_named_count() -> None:
    found = nodes.versions(facts(info=told(info(node(), node("n2", version="8.19.1")))))
    assert (found.state, "finish the upgrade" in found.advice) == (State.WARN, True)


def test_what_is_no_elasticsearch() -> None:
    assert nodes.versions(facts(roots={"a": told({"hello": "world"})})).state is State.FAIL
    other = {**root("2.11.0"), "version": {"number": "2.11.0", "distribution": "opensearch"}}
    assert "OpenSearch" in nodes.versions(facts(roots={"a": told(other)})).seen
    assert nodes.versions(facts(roots={"a": told(status=401)})).state is State.SKIP


def test_nodes_are_of_one_cluster() -> None:
    same = {"a": told(root()), "b": told(root())}
    assert nodes.one_cluster(facts(roots=same)).state is State.OK
    found = nodes.one_cluster(facts(roots={**same, "c": told(root(uuid="other"))}))
    assert (found.state, "c is of other" in found.seen) == (State.FAIL, True)
    assert nodes.one_cluster(facts(roots={"a": told(root(uuid="_na_"))})).seen == "a has joined no cluster"
    assert nodes.one_cluster(facts(roots={"a": AWAY})).seen == "not known: no node answers"


@pytest.mark.parametrize(
    ("made", "state", "seen"),
    [
        (1000.0, State.OK, "within 0.0 s"),
        (1001.9, State.OK, "within 1.4 s"),
        (1003.0, State.WARN, "n1 is 2.5 s ahead"),
        (900.0, State.WARN, "n1 is 100.0 s behind"),
    ],
)
def test_clocks_by_statistics(made: float, state: State, seen: str) -> None:
    found = nodes.clock(facts(stats=told(stats(made), sent=1000.0, got=1000.5)))
    assert found.state is state
    assert seen in found.seen


@pytest.mark.parametrize(
    ("date", "state"), [(999.0, State.OK), (1000.0, State.OK), (1003.0, State.WARN), (996.0, State.WARN)]
)
def test_clocks_by_date(date: float, state: State) -> None:
    one = told(root(), sent=1000.0, got=1000.5, date=date)
    assert nodes.clock(facts(roots={"a": one}, stats=told({}))).state is state


def test_clocks_that_nobody_tells() -> None:
    assert nodes.clock(facts(stats=told(status=403))).state is State.SKIP
