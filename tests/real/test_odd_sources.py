"""Sources that few people have, on genuine nodes: odd names, shapes and sizes of mappings.

What a node takes as a source, it takes as a destination and keeps as planned; where it cannot, the start is refused and
nothing is left behind.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from proxy.cluster.gateway import Gateway
from proxy.destination import Era, destination_body
from proxy.errors import Refusal
from proxy.model import SourceFilter
from proxy.settings import ClusterTls
from tests.real.node import RealNode
from tests.real.source_sets import SourceSet
from tests.real.test_destination import NOBODY, NOW_MS, job_over

pytestmark = [pytest.mark.real, pytest.mark.slow]

LONG = {"type": "long"}
PLAIN = SourceSet(sources=(), source_filter=SourceFilter(), runtime_mappings={})
NAMES = (
    *("a.b", "c.d.e.f", "t.", "x.ml", "sla/sh", "back\\slash", 'quo"te', "%41", "#", "$", "{}", "*", "a*"),
    *("with space", " lead", "trail ", "tab\t", "new\nline", "\x00", "\x7f", "_under", "-dash", "0", "null", "true"),
    *("ä", "日本語", "😀", "e\u0301", "\u202eevil", "\ufffe", "x" * 300),
    # Words of mappings and of the languages around them.
    *("properties", "type", "fields", "runtime", "dynamic", "constructor", "__proto__", "ml__incremental_id"),
)
# Which no release takes, so that no source has them.
NO_NAMES = ("", ".a", "a..b", "_id")


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects, so many of them, with a field in the innermost."""
    inner: dict[str, Any] = {"properties": {"x": LONG}}
    for _ in range(depth):
        inner = {"properties": {"o": inner}}
    return inner


# Index bodies; from which release on a node takes them.
SHAPES: dict[str, tuple[dict[str, Any], int]] = {
    "no mapping": ({}, 7),
    "no fields": ({"mappings": {"properties": {}}}, 7),
    "an empty object": ({"mappings": {"properties": {"o": {"type": "object"}}}}, 7),
    "an object that is not parsed": ({"mappings": {"properties": {"o": {"type": "object", "enabled": False}}}}, 7),
    "as deep as may be": ({"mappings": nested(19)}, 7),
    "deeper, as the source allows": ({"settings": {"index.mapping.depth.limit": 90}, "mappings": nested(80)}, 8),
    "routing is required": ({"mappings": {"_routing": {"required": True}, "properties": {"a": LONG}}}, 7),
    "sorted": ({"settings": {"index.sort.field": "a"}, "mappings": {"properties": {"a": LONG}}}, 7),
    "copied to another field": ({"mappings": {"properties": {"a": {**LONG, "copy_to": "b"}, "b": LONG}}}, 7),
    "hidden": ({"settings": {"index.hidden": True}, "mappings": {"properties": {"a": LONG}}}, 7),
    "replicas by the number of nodes": ({"settings": {"auto_expand_replicas": "0-all"}}, 7),
    "made to be split": ({"settings": {"number_of_shards": 4, "number_of_routing_shards": 8}}, 7),
    "as many fields as the source allows": (
        {
            "settings": {"index.mapping.total_fields.limit": 20_001},
            "mappings": {"properties": {f"f{number}": LONG for number in range(20_000)}},
        },
        8,
    ),
    "an object without objects": (
        {"mappings": {"properties": {"o": {"subobjects": False, "properties": {"a.b": LONG, "a": LONG}}}}},
        8,
    ),
    "a source that is made up": ({"mappings": {"_source": {"mode": "synthetic"}, "properties": {"a": LONG}}}, 8),
    "a time series": (
        {
            "settings": {"index.mode": "time_series", "index.routing_path": ["d"]}
            | {
                f"index.time_series.{end}_time": f"20{year}-01-01T00:00:00Z"
                for end, year in (("start", 24), ("end", 30))
            },
            "mappings": {
                "properties": {
                    "@timestamp": {"type": "date"},
                    "d": {"type": "keyword", "time_series_dimension": True},
                    "m": {"type": "long", "time_series_metric": "gauge"},
                }
            },
        },
        8,
    ),
}


class Place:
    """A node, the gate's calls to it, and a source and a destination that are removed in the end."""

    def __init__(self, node: RealNode, gateway: Gateway) -> None:
        self.node = node
        self.gateway = gateway

    async def planned(self) -> Mapping[str, Any]:
        """Plan the destination and have it made; the planned body.

        Raises:
            Refusal: by the plan or the node.
        """
        job = job_over(["odd"], PLAIN, "odd-out")
        facts = await self.gateway.facts(job.sources, job.destination, NOBODY)
        version = self.node.version.number
        plan = destination_body(job, facts.sources, Era.of(version), NOW_MS, results=False, cluster_version=version)
        body = {"settings": dict(plan.settings), "mappings": dict(plan.mappings)}
        assert await self.gateway.create(job.destination, body, NOBODY)
        return body

    def made(self) -> Mapping[str, Any]:
        """The fields at the top of the destination's mapping."""
        mappings = self.node.call("GET", "/odd-out/_mapping").data["odd-out"]["mappings"]
        return dict(mappings["properties"])


@pytest.fixture
async def place(real_node: RealNode) -> AsyncIterator[Place]:
    gateway = Gateway([real_node.url], tls=ClusterTls(), service=None, call_timeout_s=60.0)
    yield Place(real_node, gateway)
    await gateway.close()
    assert real_node.call("DELETE", "/odd,odd-out?ignore_unavailable=true").status == 200


async def test_odd_names_of_fields(place: Place) -> None:
    """All in one source: whatever is taken there is planned, made and kept under the same name."""
    properties = dict.fromkeys(NAMES, LONG)
    put = place.node.call("PUT", "/odd", {"mappings": {"dynamic": False, "properties": properties}})
    assert put.status == 200, put.data
    source = place.node.call("GET", "/odd/_mapping").data["odd"]["mappings"]["properties"]
    body = await place.planned()
    assert body["mappings"]["properties"] == {**source, "ml__incremental_id": LONG}
    assert place.made() == body["mappings"]["properties"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_no_source_has(real_node: RealNode, name: str) -> None:
    assert real_node.call("PUT", "/odd", {"mappings": {"properties": {name: LONG}}}).status == 400


@pytest.mark.parametrize("shape", SHAPES)
async def test_odd_shapes(place: Place, shape: str) -> None:
    body, since = SHAPES[shape]
    if place.node.version.major < since:
        return  # there is no such source, or what it needs is not copied: the test below
    put = place.node.call("PUT", "/odd", body)
    assert put.status == 200, put.data
    source = place.node.call("GET", "/odd/_mapping").data["odd"]["mappings"].get("properties", {})
    await place.planned()
    assert place.made() == {**source, "ml__incremental_id": LONG}


@pytest.mark.parametrize(
    ("body", "since", "until", "told"),
    [
        # `subobjects` at the root is dropped by Elasticsearch, whose own creation would fail in the running job.
        ({"mappings": {"subobjects": False, "properties": {"a.b": LONG, "a": LONG}}}, 8, 9, "mapper [a] cannot be"),
        # Limits are copied from 8.6 on.
        ({"settings": {"index.mapping.depth.limit": 90}, "mappings": nested(80)}, 7, 7, "Limit of mapping depth [20]"),
        # As many as may be, and the running number.
        ({"mappings": {"properties": {f"f{number}": LONG for number in range(1000)}}}, 7, 9, "Limit of total fields"),
        # What is read nests 200 levels of JSON at most.
        ({"settings": {"index.mapping.depth.limit": 400}, "mappings": nested(150)}, 7, 9, "deeper than 200 levels"),
        ({"mappings": {"properties": {"ml.score": LONG}}}, 7, 9, "A field that matches the dest.results_field [ml]"),
    ],
)
async def test_what_cannot_be_copied_is_refused_and_leaves_nothing(
    place: Place, body: dict[str, Any], since: int, until: int, told: str
) -> None:
    if not since <= place.node.version.major <= until:
        return
    put = place.node.call("PUT", "/odd", body)
    assert put.status == 200, put.data
    with pytest.raises(Refusal) as refused:
        await place.planned()
    assert refused.value.status == 400
    assert told in refused.value.reason
    assert place.node.call("HEAD", "/odd-out").status == 404
