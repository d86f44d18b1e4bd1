"""What source expressions stand for, call by call, on genuine nodes: the gate reads what the job itself searches.

The oracle is `_search`, which resolves as the start's validation and the job's copying do (open indices, closed names
forbidden): every index holds documents, so that the buckets of `_index` are the indices that were searched.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from proxy.cluster import expressions, indices
from proxy.cluster.gateway import Gateway
from proxy.errors import Refusal
from proxy.gate.plan import check_expressions, make_plan
from proxy.gate.ports import Facts
from proxy.model import Credential, SourceFilter
from proxy.rules import Unknown
from proxy.settings import ClusterTls
from tests.destination.samples import job
from tests.gate.fakes import known
from tests.real.node import RealNode

pytestmark = pytest.mark.real

NOBODY = Credential(whose="test")
OPEN = ("r-a1", "r-a2", "r-b1", "r-closed1", "r-closed2", ".r-dot", "r-out")
HIDDEN = ("r-hid1", ".r-hid2")
ALIASES: list[tuple[str, str, dict[str, Any]]] = [
    ("r-a1", "r-al", {}),
    ("r-a2", "r-al", {}),
    ("r-b1", "r-filtered", {"filter": {"match_all": {}}}),
    ("r-b1", "r-alc", {}),
    ("r-closed2", "r-alc", {}),
    ("r-hid1", "r-shows", {}),
    ("r-b1", "r-veiled", {"is_hidden": True}),
    ("r-a1", "r-many", {}),
    ("r-a2", "r-many", {"is_write_index": True}),
    ("r-out", "r-to-out", {}),
]
EXPRESSIONS = [
    *("r-a1", "r-a*", "r-a1,r-a2", "r-a1,r-a1", "*", "_all", "r-*,-r-a*", "r-*,-r-a1,-r-al", "-r-a1,r-*", "-r-a1"),
    *("r-a1,-r-a1", "r-al", "r-al*", "r-filtered", "r-alc", "r-alc*", "r-shows", "r-sh*", "r-veiled", "r-vei*"),
    *("r-many", ".r-dot", ".r-d*", ".*", "r-hid1", "r-hid*", ".r-hid*", "r-closed1", "r-closed*", "r-closed1,r-a1"),
    *("r-missing", "r-missing*", "r-a1,r-missing", "r-missing*,r-a1", "<r-a1>", "<r-{now/d}>", "<r-{now/d}*>,r-a1"),
    *("<r-{now/d{yyyy.MM.dd|+12:00}}>", "r-a1,_all", "r-A1", "*1,-.r-*", "r-out*,-r-out", "r-ä*", "r-%2a"),
]
STREAMS = ["r-ds-1", "r-ds-*", ".ds-r-ds-*", ".ds-*", "r-dh-1", "r-dh-*", "r-*,-r-ds-*", "r-ds-1,r-a1", "r-ds-9"]


def _must(node: RealNode, method: str, path: str, body: object = None) -> Any:
    answer = node.call(method, path, body)
    assert answer.status < 300, (method, path, answer.body)
    return answer.data


@pytest.fixture(scope="module")
def node(real_node: RealNode) -> Iterator[RealNode]:
    """Indices of every kind, each with a document; data streams where a bare node has them."""
    streams = ["r-ds-1", "r-dh-1"] if real_node.version.major >= 8 else []
    try:
        for name in (*OPEN, *HIDDEN):
            _must(real_node, "PUT", f"/{name}", {"settings": {"number_of_replicas": 0, "hidden": name in HIDDEN}})
            _must(real_node, "PUT", f"/{name}/_doc/1?refresh=true", {"in": name})
        actions = [{"add": {"index": index, "alias": alias, **more}} for index, alias, more in ALIASES]
        _must(real_node, "POST", "/_aliases", {"actions": actions})
        for name in streams:
            hidden = {"hidden": True} if name == "r-dh-1" else {}
            body = {"index_patterns": [f"{name}*"], "data_stream": hidden, "priority": 500}
            _must(real_node, "PUT", f"/_index_template/{name}", body)
            for _ in range(2):
                _must(real_node, "POST", f"/{name}/_doc?refresh=true", {"@timestamp": "2024-01-01"})
                _must(real_node, "POST", f"/{name}/_rollover")
            _must(real_node, "POST", f"/{name}/_doc?refresh=true", {"@timestamp": "2024-01-01"})
        _must(real_node, "POST", "/r-closed1,r-closed2/_close?wait_for_active_shards=0")
        yield real_node
    finally:
        # A bare node of 8 has no call to delete data streams: their indices stay, under names that nobody else uses.
        for name in (*OPEN, *HIDDEN):
            real_node.call("DELETE", f"/{name}")


@pytest.fixture
async def gateway(node: RealNode) -> AsyncIterator[Gateway]:
    opened = Gateway([node.url], tls=ClusterTls(), service=None, call_timeout_s=30.0)
    yield opened
    await opened.close()


def searched(node: RealNode, expression: str) -> list[str] | tuple[str, str]:
    """The indices that a search reads; or the type and reason of its refusal."""
    body = {"size": 0, "aggs": {"by": {"terms": {"field": "_index", "size": 1000}}}}
    answer = node.call("GET", f"/{quote(expression, safe='*,-_.~')}/_search", body)
    if answer.status != 200:
        return answer.data["error"]["type"], answer.data["error"]["reason"]
    found = answer.data.get("aggregations", {"by": {"buckets": []}})
    return sorted(bucket["key"] for bucket in found["by"]["buckets"])


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *STREAMS])
async def test_the_gate_reads_what_the_job_searches(node: RealNode, gateway: Gateway, expression: str) -> None:
    expected = searched(node, expression)
    try:
        facts = await gateway.facts(expression.split(","), "r-nowhere", NOBODY)
    except Refusal as refusal:
        told = (refusal.type, refusal.reason)
        if told[0] == "validation_exception":  # in which the start's validation wraps an index that is missing
            told = ("index_not_found_exception", told[1].removeprefix("Validation Failed: 1: ").removesuffix(";"))
        assert told == expected
        return
    assert [source.name for source in facts.sources] == expected
    assert facts.destination is None


LONG = [
    *EXPRESSIONS,
    *(
        "r-al,r-a1,r-b1,*1,-r-al",
        "r-al,r-a1,r-b1,*1,-r-a*",
        "r-a1,r-a2,r-b1,-r-a1,r-*,-r-a1,-r-b1",
        "r-*,-r-a1,r-a1,-r-b1",
    ),
    *("r-al,r-a1,x*,-r-al,-r-a1", "r-al,r-many,r-a1,r-a2,x*,-r-al,-r-a1,-r-many", "r-a*,r-o*,-r-a1,-r-a2,-r-al,-r-b1"),
    *(
        "<r-a1>,r-a2,x*,-r-a1",
        "r-a1,r-a2,x*,-<r-a1>",
        "r-a1,x*,-r-missing",
        "r-*,-r-a*,r-a1,-*2",
        "r-al,*,-*,r-filtered",
    ),
    *("*,-.*,-r-a1", "r-a2,*,-r-a1", "-r-a1,r-a2,r-*,-r-b1", "r-shows,r-veiled,*1,-r-hid1,-r-b1"),
]


@pytest.mark.parametrize("expression", LONG)
async def test_a_list_in_pieces_stands_for_what_it_does_in_one(
    node: RealNode, gateway: Gateway, expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a request line took twenty or forty bytes."""
    expected = searched(node, expression)
    for limit in (20, 40):
        monkeypatch.setattr(indices, "pieces", partial(expressions.pieces, limit=limit))
        reading = gateway.facts(expression.split(","), "r-nowhere", NOBODY)
        if isinstance(expected, tuple):
            with pytest.raises(Refusal) as told:
                await reading
            assert told.value.type in (expected[0], "validation_exception")
            continue
        assert [source.name for source in (await reading).sources] == expected


@pytest.mark.parametrize("expression", [one for one in LONG if "closed" not in one and "alc" not in one])
async def test_flows_and_guards_are_told_of_what_is_searched(node: RealNode, gateway: Gateway, expression: str) -> None:
    expected = searched(node, expression)
    if isinstance(expected, tuple):
        return
    found, _ = await gateway.resolution(expression.split(","), "r-nowhere", NOBODY)
    assert not isinstance(found, Unknown)
    # Behind an alias that is met there are closed indices, too, and 7.17 hides some from `*`: more is told, never less.
    names = [one.name for one in found if "closed" not in one.name]
    assert names == expected if ",-" in expression else set(names) >= set(expected)


async def test_what_stands_for_something_does(node: RealNode) -> None:
    """The oracle itself: without this, a node that finds nothing would agree with a gate that finds nothing."""
    assert searched(node, "r-a*") == ["r-a1", "r-a2", "r-b1"]  # by the alias r-alc, too, but for what is closed
    assert searched(node, "r-sh*") == ["r-hid1"]  # an alias in sight shows a hidden index
    assert searched(node, "r-vei*") == searched(node, "r-hid*") == searched(node, "r-closed*") == []
    assert searched(node, ".r-hid*") == [".r-hid2"]  # the dot in front is what makes a hidden name match
    assert searched(node, "r-alc") == ("index_closed_exception", "closed")
    if node.version.major >= 8:
        assert len(searched(node, "r-ds-*")) == 3
        assert searched(node, "r-dh-*") == []
        assert len(searched(node, "r-dh-1")) == 3


async def test_settings_are_read_of_the_same_indices(gateway: Gateway) -> None:
    for expression in (["r-al"], ["r-*"], ["r-filtered", "r-hid1"]):
        facts = await gateway.facts(expression, "r-nowhere", NOBODY)
        assert all(source.settings["index.number_of_shards"] == "1" for source in facts.sources)


INCLUDED = "Destination index [{}] is included in source expression [{}]"
REMOTE = "remote source indices are not supported"


@pytest.mark.parametrize(
    ("sources", "destination", "problem"),
    [
        (["r-a*"], "r-out", None),
        (["r-a1"], "r-new", None),
        (["r-*", "-r-out"], "r-out", INCLUDED.format("r-out", "r-*")),
        (["r-*"], "r-new", INCLUDED.format("r-new", "r-*")),
        (["r-out"], "r-out", INCLUDED.format("r-out", "r-out")),
        (["r-to-out", "r-a1"], "r-out", INCLUDED.format("r-out", "r-to-out,r-a1")),
        (["r-out", "r-a1"], "r-to-out", INCLUDED.format("r-out", "r-a1,r-out")),
        (["r-al"], "r-many", INCLUDED.format("r-a2", "r-a1,r-a2")),
        (["r-a1"], "r-many", None),
        (["elsewhere:r-a1"], "r-new", REMOTE),
        (["r-a1", "elsewhere:*"], "r-new", REMOTE),
        (["*:*"], "r-new", REMOTE),
    ],
)
async def test_a_destination_among_the_sources(
    gateway: Gateway, sources: list[str], destination: str, problem: str | None
) -> None:
    """In the words of SourceDestValidator, which a bare node does not have."""
    made = replace(job(source_filter=SourceFilter()), sources=tuple(sources), destination=destination)
    try:
        # As in a start: where the cluster refuses the expression, what the job's own words tell comes first.
        facts = await gateway.facts(sources, destination, NOBODY)
        names, there = [source.name for source in facts.sources], facts.destination
    except Refusal:
        names, there = [], None
    if problem is None:
        check_expressions(made, names, there)
        return
    with pytest.raises(Refusal) as told:
        check_expressions(made, names, there)
    assert told.value.reason == f"Validation Failed: 1: {problem};"


@pytest.mark.parametrize(
    ("destination", "concrete"),
    [
        ("r-out", "r-out"),
        ("r-to-out", "r-out"),
        ("r-many", "r-a2"),
        ("r-al", "r-a1"),
        ("r-closed1", "r-closed1"),
        ("r-hid1", "r-hid1"),
        ("r-nowhere", None),
    ],
)
async def test_what_a_destination_stands_for(gateway: Gateway, destination: str, concrete: str | None) -> None:
    found = await gateway.index(destination, NOBODY)
    assert (found and found.name) == concrete


async def test_what_cannot_be_written_to_is_foreseen_in_the_words_of_the_node(node: RealNode, gateway: Gateway) -> None:
    """A job copies with plain writes, as here."""
    for destination in ["r-al", "r-alc", *(["r-ds-1"] if node.version.major >= 8 else [])]:
        found = await gateway.index(destination, NOBODY)
        assert found is not None
        made = replace(job(), sources=("r-out",), destination=destination)
        said = node.call("PUT", f"/{destination}/_doc/1", {"@timestamp": "2024-01-01"}).data["error"]
        plan = make_plan(known(made), Facts(sources=(), destination=found), None, 0)
        assert plan.problem is not None
        assert (plan.problem.type, plan.problem.reason) == (said["type"], said["reason"])
    for destination in ["r-many", "r-to-out", "r-out"]:
        found = await gateway.index(destination, NOBODY)
        assert found is not None
        assert (found.no_write_index, found.in_data_stream) == (False, False)


async def test_a_destination_that_a_template_makes_a_data_stream(node: RealNode, gateway: Gateway) -> None:
    """The cluster makes no plain index of such a name, neither for the gate nor for the job."""
    if node.version.major < 8:
        pytest.skip("a bare node of 7.17 has no data streams")
    found = await gateway.index("r-ds-1", NOBODY)
    assert found is not None
    assert found.name.startswith(".ds-r-ds-1-")
    with pytest.raises(Refusal, match="creates data streams only"):
        await gateway.create("r-ds-10", {"mappings": {"_meta": {}}}, NOBODY)
