"""All calls behind one face: against the embedded cluster, as the gate makes them; versions kept for a while."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from proxy.cluster import gateway as module
from proxy.cluster.gateway import Gateway
from proxy.embedded.app import Cluster, serve_embedded
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.ports import Cluster as Port
from proxy.model import Credential, OwnerKind, Stage
from proxy.privileges import Asked, AskedIndex
from proxy.settings import ClusterTls
from tests.cluster.nodes import node, nowhere, refusal, reply

ANALYST = {
    "cluster": ["manage_ml", "monitor"],
    "indices": [
        {"names": ["flights"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["flights-out"], "privileges": ["read", "index", "create_index", "manage"]},
    ],
}
JOB = {
    "source": {"index": ["flights"]},
    "dest": {"index": "flights-out"},
    "analysis": {"outlier_detection": {}},
}
MAPPINGS = {"properties": {"distance": {"type": "double"}, "carrier": {"type": "keyword"}}}
META = {"created_by": "data-frame-analytics", "analytics": "outliers", "creation_date_in_millis": 5}
BODY = {"settings": {"index.number_of_shards": 1}, "mappings": {"dynamic": False, "_meta": META}}


def as_(whose: str, authorization: str) -> Credential:
    return Credential(whose=whose, headers=(("authorization", authorization),))


@asynccontextmanager
async def opened(*nodes: str, service: Credential | None = None, timeout_s: float = 5) -> AsyncIterator[Gateway]:
    one = Gateway(nodes, tls=ClusterTls(), service=service, call_timeout_s=timeout_s)
    try:
        yield one
    finally:
        await one.close()


class Flights:
    """An embedded cluster with a source, a job on it and its maker, who may start it; and a gateway to it."""

    def __init__(self, cluster: Cluster, gateway: Gateway) -> None:
        self.cluster, self.gateway = cluster, gateway
        self.ann = as_("caller", cluster.add_user("ann", "pw-of-ann", ["analyst"]))
        self.root = as_("service", cluster.superuser)

    async def put(self, path: str, body: Mapping[str, Any], credential: Credential, method: str = "PUT") -> None:
        async with (
            aiohttp.ClientSession(headers=dict(credential.headers)) as session,
            session.request(method, self.cluster.url + path, json=body) as response,
        ):
            assert response.status in (200, 201), await response.text()


@pytest.fixture
async def flights() -> AsyncIterator[Flights]:
    async with serve_embedded() as cluster:
        cluster.add_role("analyst", ANALYST)
        service = as_("service", cluster.superuser)
        async with opened(nowhere(), cluster.url, service=service) as gateway:
            one = Flights(cluster, gateway)
            await one.put("/flights", {"mappings": MAPPINGS, "settings": {"number_of_shards": 2}}, one.root)
            await one.put("/flights/_doc/1?refresh=true", {"distance": 1.5}, one.root)
            await one.put("/_ml/data_frame/analytics/outliers", JOB, one.ann)
            yield one


def test_a_gateway_is_what_the_gate_asks_for() -> None:
    needed = {name for name in vars(Port) if not name.startswith("_")}
    assert needed <= set(vars(Gateway))


async def test_who_somebody_is_and_holds(flights: Flights) -> None:
    who = await flights.gateway.identify(flights.ann)
    assert (who.username, who.roles) == ("ann", ("analyst",))
    asked = Asked(cluster=("manage_ml",), index=(AskedIndex(names=("flights",), privileges=("read", "write")),))
    held = await flights.gateway.held(asked, flights.ann)
    assert held.missing() == (("flights", "write"),)


async def test_a_stranger_is_refused_in_the_clusters_words(flights: Flights) -> None:
    with pytest.raises(PassedOn) as told:
        await flights.gateway.identify(as_("caller", "Basic bm9ib2R5OnB3"))
    assert told.value.status == 401
    assert told.value.headers[0][0] == "WWW-Authenticate"


async def test_a_job_and_what_its_owner_holds(flights: Flights) -> None:
    job = await flights.gateway.job("outliers", flights.ann)
    assert (job.sources, job.destination, job.results_field) == (("flights",), "flights-out", "ml")
    assert (job.owner.kind, job.owner.roles) == (OwnerKind.ROLES, ("analyst",))
    state = await flights.gateway.job_state("outliers", flights.ann)
    assert (state.state, state.stage) == ("stopped", Stage.FIRST_TIME)
    grants = await flights.gateway.grants(job.owner)
    assert [grant.names for grant in grants.roles[0].indices] == [("flights",), ("flights-out",)]
    with pytest.raises(PassedOn) as told:
        await flights.gateway.job("others", flights.ann)
    assert (told.value.status, told.value.reason) == (404, "No known data frame analytics with id [others]")


async def idle() -> bool:
    """Nobody uses it."""
    return True


async def test_sources_are_read_and_the_destination_is_made_and_removed(flights: Flights) -> None:
    facts = await flights.gateway.facts(["flights"], "flights-out", flights.ann)
    assert facts.destination is None
    assert [(source.name, source.mappings) for source in facts.sources] == [("flights", MAPPINGS)]
    assert facts.sources[0].settings["index.number_of_shards"] == "2"
    assert await flights.gateway.create("flights-out", BODY, flights.ann)
    found = await flights.gateway.index("flights-out", flights.ann)
    assert found is not None
    assert found.mappings["_meta"] == META
    other = {**BODY, "mappings": {"_meta": META | {"analytics": "other"}}}
    assert not await flights.gateway.create("flights-out", other, flights.ann)
    assert await flights.gateway.remove_if_empty("flights-out", META, flights.ann, idle) == "removed"
    assert await flights.gateway.index("flights-out", flights.ann) is None


async def test_a_destination_with_a_document_is_kept_and_writable(flights: Flights) -> None:
    await flights.gateway.create("flights-out", BODY, flights.ann)
    await flights.put("/flights-out/_doc/1", {"distance": 1}, flights.root)
    done = await flights.gateway.remove_if_empty("flights-out", META, flights.ann, idle)
    assert done == "kept: it has been written to"
    assert await flights.gateway.documents("flights-out", flights.ann) == 1
    await flights.put("/flights-out/_doc/2", {"distance": 1}, flights.root)


async def test_a_missing_source_is_a_failed_validation(flights: Flights) -> None:
    with pytest.raises(Refusal, match=r"Validation Failed: 1: no such index \[nowhere\];"):
        await flights.gateway.facts(["nowhere"], "flights-out", flights.root)


async def test_a_start_is_forwarded_and_its_job_stopped(flights: Flights) -> None:
    target = "/_ml/data_frame/analytics/outliers/_start"
    answer = await flights.gateway.forward(target, flights.ann.headers, b"", 10)
    assert answer.status == 200
    assert json.loads(answer.body)["acknowledged"] is True
    await flights.gateway.stop("outliers", flights.ann)


BANNER = reply(200, {"version": {"number": "8.15.3"}})


async def test_the_version_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        node({"GET /": [BANNER, reply(200, {"version": {"number": "9.1.0"}})]}) as one,
        opened(one.url) as gateway,
    ):
        credential = as_("caller", "Basic YW5u")
        assert [await gateway.version(credential) for _ in range(3)] == ["8.15.3"] * 3
        assert len(one.seen) == 1
        monkeypatch.setattr(module, "VERSION_KEPT_S", -1.0)
        assert await gateway.version(credential) == "9.1.0"


@pytest.mark.parametrize(
    "answer", [refusal(403), refusal(401), reply(200, {}), reply(200, [1]), reply(200, {"version": 8})]
)
async def test_a_version_that_may_not_be_known_is_none(answer: bytes) -> None:
    async with node({"GET /": [answer, BANNER]}) as one, opened(one.url) as gateway:
        assert await gateway.version(as_("caller", "x")) is None
        assert await gateway.version(as_("caller", "x")) == "8.15.3"


async def test_no_answer_is_no_version() -> None:
    async with opened(nowhere()) as gateway:
        with pytest.raises(ClusterUnreachable):
            await gateway.version(as_("caller", "x"))
