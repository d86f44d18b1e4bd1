"""What flows and guards are told, on genuine nodes: the indices behind the names of a job, and which jobs are running.

What is read is held against `_search`, as in test_resolution: every index holds documents, so that the buckets of
`_index` are the indices that were searched. Machine learning no bare node has: the layer in front of the node keeps the
jobs, and the node their indices.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from proxy.cluster.gateway import Gateway
from proxy.embedded.app import serve_embedded
from proxy.embedded.remote import RemoteNode
from proxy.errors import Refusal
from proxy.model import Credential
from proxy.rules import RunningJob, SourceName, Target, Unknown
from proxy.settings import ClusterTls
from tests.real.node import RealNode
from tests.real.test_resolution import searched

pytestmark = pytest.mark.real

NOBODY = Credential(whose="test")
OPEN = ("q-a1", "q-a2", "q-b1", "q-closed1", "q-closed2", ".q-dot", "q-out")
HIDDEN = ("q-hid1", ".q-hid2")
CLOSED = {"q-closed1", "q-closed2"}
ALIASES: list[tuple[str, str, dict[str, Any]]] = [
    ("q-a1", "q-al", {}),
    ("q-a2", "q-al", {}),
    ("q-b1", "q-filtered", {"filter": {"match_all": {}}}),
    ("q-b1", "q-alc", {}),
    ("q-closed2", "q-alc", {}),
    ("q-hid1", "q-shows", {}),
    ("q-b1", "q-veiled", {"is_hidden": True}),
    ("q-a1", "q-many", {}),
    ("q-a2", "q-many", {"is_write_index": True}),
    ("q-out", "q-to-out", {}),
]
EXPRESSIONS = [
    *("q-a1", "q-a*", "q-a1,q-a2", "q-a1,q-a1", "*", "_all", "q-*,-q-a*", "q-a1,q-b*,-q-b1", "q-al", "q-al*"),
    *("q-filtered", "q-sh*", "q-shows", "q-veiled", "q-vei*", "q-many", ".q-dot", ".q-d*", ".*", "q-hid1", "q-hid*"),
    *(".q-hid*", "q-closed*", "q-missing*", "q-missing*,q-a1", "<q-a1>", "<q-{now/d}*>,q-a1", "q-out*,-q-out", "q-ä*"),
    *("*,-.*", "q-ds-1", "q-ds-*", ".ds-q-ds-*", ".ds-*", "q-dh-1", "q-dh-*", "q-*,-q-ds-*", "q-ds-1,q-a1", "q-ds-9*"),
]


def _must(node: RealNode, method: str, path: str, body: object = None) -> Any:
    answer = node.call(method, path, body)
    assert answer.status < 300, (method, path, answer.body)
    return answer.data


@pytest.fixture(scope="module")
def node(real_node: RealNode) -> Iterator[RealNode]:
    """Indices of every kind, each with a document; data streams where a bare node has them."""
    try:
        for name in (*OPEN, *HIDDEN):
            _must(real_node, "PUT", f"/{name}", {"settings": {"number_of_replicas": 0, "hidden": name in HIDDEN}})
            _must(real_node, "PUT", f"/{name}/_doc/1?refresh=true", {"in": name})
        actions = [{"add": {"index": index, "alias": alias, **more}} for index, alias, more in ALIASES]
        _must(real_node, "POST", "/_aliases", {"actions": actions})
        for name in ["q-ds-1", "q-dh-1"] if real_node.version.major >= 8 else []:
            hidden = {"hidden": True} if name == "q-dh-1" else {}
            body = {"index_patterns": [f"{name}*"], "data_stream": hidden, "priority": 500}
            _must(real_node, "PUT", f"/_index_template/{name}", body)
            _must(real_node, "POST", f"/{name}/_doc?refresh=true", {"@timestamp": "2024-01-01"})
            _must(real_node, "POST", f"/{name}/_rollover")
            _must(real_node, "POST", f"/{name}/_doc?refresh=true", {"@timestamp": "2024-01-01"})
        _must(real_node, "POST", "/q-closed1,q-closed2/_close?wait_for_active_shards=0")
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


async def resolved(gateway: Gateway, expression: str) -> set[str]:
    """The names of the indices that flows are told of."""
    found, _ = await gateway.resolution(expression.split(","), "q-nowhere", NOBODY)
    assert not isinstance(found, Unknown)
    return {one.name for one in found}


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_flows_are_told_what_the_job_searches(node: RealNode, gateway: Gateway, expression: str) -> None:
    """At least: besides, what is closed and not searched."""
    expected = searched(node, expression)
    if isinstance(expected, tuple):
        pytest.skip("a bare node of 7.17 has no data streams")
    names = await resolved(gateway, expression)
    assert names >= set(expected)
    more = names - set(expected) - CLOSED
    # By an alias in sight, which 7.17 does not look at where everything is searched.
    assert more <= ({"q-hid1"} if expression in ("*", "_all") else set())


@pytest.mark.parametrize("expression", ["q-missing", "q-a1,q-missing", "q-missing*,q-missing", "q-al,q-A1"])
async def test_a_source_that_is_missing_is_refused(node: RealNode, gateway: Gateway, expression: str) -> None:
    """7.17 passes over it here; whoever reads the sources for the destination is refused in the same words."""
    expected = searched(node, expression)
    sources = expression.split(",")
    if node.version.major >= 8:
        found, _ = await gateway.resolution(sources, "q-nowhere", NOBODY)
        assert found == Unknown(expected[1])
    else:
        assert await resolved(gateway, expression) <= {"q-a1", "q-a2"}
    with pytest.raises(Refusal, match="no such index"):
        await gateway.facts(sources, "q-nowhere", NOBODY)


async def test_all_names_that_lead_to_an_index_are_told(node: RealNode, gateway: Gateway) -> None:
    found, _ = await gateway.resolution(["q-*", ".q-dot"], "q-nowhere", NOBODY)
    assert not isinstance(found, Unknown)
    told = {one.name: one for one in found}
    assert told["q-a1"] == SourceName(name="q-a1", aliases=("q-al", "q-many"))
    assert told["q-b1"].aliases == ("q-alc", "q-filtered", "q-veiled")
    assert told[".q-dot"] == SourceName(name=".q-dot")
    assert told["q-hid1"].aliases == ("q-shows",)  # an alias in sight shows a hidden index
    streams = {one.data_stream for one in found if one.name.startswith(".ds-")}
    assert streams == ({"q-ds-1"} if node.version.major >= 8 else set())


async def test_a_data_stream_stands_for_all_that_backs_it(node: RealNode, gateway: Gateway) -> None:
    if node.version.major < 8:
        pytest.skip("a bare node of 7.17 has no data streams")
    for name in ("q-ds-1", "q-dh-1"):
        by_name, _ = await gateway.resolution([name], "q-nowhere", NOBODY)
        assert not isinstance(by_name, Unknown)
        assert len(by_name) == 2
        assert {one.data_stream for one in by_name} == {name}
        for one in by_name:
            assert list(await gateway.resolution([one.name], "q-nowhere", NOBODY)) == [(one,), Target()]


@pytest.mark.parametrize(
    ("destination", "target"),
    [
        ("q-out", Target(name="q-out", aliases=("q-to-out",))),
        ("q-to-out", Target(name="q-out", aliases=("q-to-out",))),
        ("q-many", Target(name="q-a2", aliases=("q-many",))),
        ("q-al", Target(name="q-a1", aliases=("q-al",))),
        ("q-closed1", Target(name="q-closed1")),
        ("q-closed2", Target(name="q-closed2", aliases=("q-alc",))),
        ("q-hid1", Target(name="q-hid1", aliases=("q-shows",))),
        ("q-nowhere", Target()),
    ],
)
async def test_what_a_destination_stands_for(gateway: Gateway, destination: str, target: Target) -> None:
    _, found = await gateway.resolution(["q-b1"], destination, NOBODY)
    assert not isinstance(found, Unknown)
    assert found.name == target.name
    # Behind an alias, `_alias` tells only of that one.
    assert set(target.aliases) <= set(found.aliases)


@asynccontextmanager
async def layered(real: RealNode, job_pace_s: float) -> AsyncIterator[tuple[Gateway, Credential, Callable[..., Any]]]:
    """The layer in front of a node, a gateway to it, and a way to ask it as a superuser."""
    async with (
        serve_embedded(backend=RemoteNode(real.url), job_pace_s=job_pace_s) as cluster,
        aiohttp.ClientSession(cluster.url, headers={"Authorization": cluster.superuser}) as session,
    ):

        async def ask(method: str, path: str, body: object = None) -> Any:
            async with session.request(method, path, json=body) as reply:
                assert reply.status < 300, (method, path, await reply.text())
                return await reply.json()

        service = Credential(whose="service", headers=(("authorization", cluster.superuser),))
        opened = Gateway([cluster.url], tls=ClusterTls(), service=service, call_timeout_s=30.0)
        try:
            yield opened, service, ask
        finally:
            await opened.close()


async def test_the_jobs_under_way_are_told(node: RealNode) -> None:
    # The job that is started is under way for as long as the test takes.
    async with layered(node, job_pace_s=600.0) as (gateway, service, ask):
        for name, memory in (("q-runs", "17mb"), ("q-waits", "1gb")):
            body = {
                "source": {"index": ["q-n*"]},
                "dest": {"index": f"{name}-out"},
                "analysis": {"outlier_detection": {}},
                "model_memory_limit": memory,
            }
            await ask("PUT", "/q-numbers/_doc/1?refresh=true", {"x": 1.5})
            await ask("PUT", f"/_ml/data_frame/analytics/{name}", body)
        assert await gateway.running(service) == ()
        await ask("POST", "/_ml/data_frame/analytics/q-runs/_start")
        found = await gateway.running(service)
    for name in ("q-numbers", "q-runs-out"):
        node.call("DELETE", f"/{name}")
    assert found == (
        RunningJob(
            id="q-runs",
            analysis="outlier_detection",
            sources=("q-n*",),
            destination="q-runs-out",
            model_memory_limit_bytes=17 << 20,
            # 7.17 does not tell whose a job is.
            owner_roles=("superuser",) if node.version.major >= 8 else (),
        ),
    )


async def test_names_are_told_through_the_layer_as_by_the_node(node: RealNode, gateway: Gateway) -> None:
    async with layered(node, job_pace_s=0.0) as (through, service, _):
        for expressions in (["q-a*"], ["q-al", "q-many"], ["q-*", "-q-out"], ["q-shows"]):
            for destination in ("q-out", "q-many", "q-nowhere"):
                assert await through.resolution(expressions, destination, service) == await gateway.resolution(
                    expressions, destination, NOBODY
                )
