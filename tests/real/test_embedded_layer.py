"""The security and machine-learning layer in front of genuine nodes: what it does on the index core in process, it does
there too."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.embedded.app import basic
from proxy.embedded.core.json_text import Json
from proxy.embedded.remote import RemoteNode
from tests.embedded.support import OUTLIERS, Asker
from tests.real.node import RealNode

pytestmark = pytest.mark.real

ANALYSES: dict[str, dict[str, Any]] = {
    "outlier_detection": {},
    "classification": {"dependent_variable": "origin"},
    "regression": {"dependent_variable": "delay"},
}


class Place:
    """A cluster on a genuine node, with names that no other test uses."""

    def __init__(self, ask: Asker) -> None:
        self.ask = ask
        self.name = f"layer-{uuid.uuid4().hex[:8]}"

    @property
    def job(self) -> str:
        """The path of the job."""
        return f"/_ml/data_frame/analytics/{self.name}"

    async def put(self, **change: Json) -> dict[str, Any]:
        """Make a job from the source to a destination of its own."""
        body = {**OUTLIERS, "source": {"index": [self.name]}, "dest": {"index": f"{self.name}-out"}, **change}
        return dict(await self.ask.ok("PUT", self.job, body))


@pytest.fixture
async def place(real_node: RealNode) -> AsyncIterator[Place]:
    backend = RemoteNode(real_node.url)
    found = Place(Asker(backend=backend))
    await found.ask.flights(found.name)
    yield found
    await found.ask.world.jobs.close()
    await found.ask("DELETE", f"/{found.name}-out")
    await found.ask("DELETE", f"/{found.name}")
    await backend.close()


@pytest.mark.parametrize("analysis", ANALYSES)
async def test_a_job_runs(place: Place, analysis: str) -> None:
    await place.put(analysis={analysis: ANALYSES[analysis]})
    await place.ask.ok("POST", f"{place.job}/_start")
    ended = await place.ask.ended(place.name)
    assert ended["state"] == "stopped", ended
    found = (await place.ask.ok("GET", f"/{place.name}-out"))[f"{place.name}-out"]["mappings"]
    assert found["dynamic"] == "false"
    assert found["_meta"]["created_by"] == "data-frame-analytics"
    assert "ml" in found["properties"]
    counted = await place.ask.ok(
        "POST", f"/{place.name}-out/_count", {"query": {"exists": {"field": "ml__incremental_id"}}}
    )
    assert counted["count"] == 60


async def test_the_outlier_is_found(place: Place) -> None:
    await place.put()
    await place.ask.ok("POST", f"{place.job}/_start")
    await place.ask.ended(place.name)
    body = {"size": 1, "sort": [{"ml.outlier_score": "desc"}]}
    [top] = (await place.ask.ok("POST", f"/{place.name}-out/_search", body))["hits"]["hits"]
    assert top["_id"] == "59"


async def test_the_destination_is_the_same_as_on_the_core_in_process(place: Place, real_node: RealNode) -> None:
    if real_node.version.number.startswith("7."):
        pytest.skip("the core in process is an 8.x")
    await place.put()
    await place.ask.ok("POST", f"{place.job}/_start")
    await place.ask.ended(place.name)
    core = Asker()
    await core.flights(place.name)
    body = {**OUTLIERS, "source": {"index": [place.name]}, "dest": {"index": f"{place.name}-out"}}
    await core.ok("PUT", place.job, body)
    await core.ok("POST", f"{place.job}/_start")
    await core.ended(place.name)

    async def made(ask: Asker) -> dict[str, Any]:
        found = (await ask.ok("GET", f"/{place.name}-out"))[f"{place.name}-out"]
        found["mappings"]["_meta"].pop("creation_date_in_millis")
        settings = found["settings"]["index"]
        kept = {key: settings[key] for key in settings if key not in ("uuid", "creation_date", "version")}
        return {**found, "settings": kept}

    assert await made(place.ask) == await made(core)


async def test_wildcards_are_narrowed_and_names_refused(place: Place) -> None:
    other = f"{place.name}-other"
    await place.ask.ok("PUT", f"/{other}", {})
    place.ask.store.add_role("r", {"indices": [{"names": [place.name], "privileges": ["read", "view_index_metadata"]}]})
    place.ask.store.add_user("bob", "secret", ["r"])
    bob = basic("bob", "secret")
    assert list(await place.ask.ok("GET", f"/{place.name}*/_mapping", by=bob)) == [place.name]
    assert (await place.ask.ok("GET", "/_search", by=bob))["hits"]["total"]["value"] == 60
    assert (await place.ask.ok("GET", "/nothing-*/_search", by=bob))["hits"]["total"]["value"] == 0
    said = await place.ask("GET", f"/{other}/_search", by=bob)
    assert (said.status, f"on indices [{other}]" in said.reason) == (403, True)
    await place.ask.ok("DELETE", f"/{other}")


async def test_what_fails_a_start(place: Place) -> None:
    said = await place.ask("PUT", place.job, {**OUTLIERS, "source": {"index": "missing-one"}})
    assert said.reason == "Validation Failed: 1: no such index [missing-one];"
    await place.put()
    await place.ask.ok("PUT", f"/{place.name}-out", {})
    await place.ask.fill(f"{place.name}-out", [{"a": 1}])
    said = await place.ask("POST", f"{place.job}/_start")
    assert said.reason == f"dest index [{place.name}-out] must be empty"
    await place.ask.ok("POST", f"/{place.name}/_close")
    assert (await place.ask("POST", f"{place.job}/_start")).type == "index_closed_exception"


async def test_the_root_tells_the_version(place: Place, real_node: RealNode) -> None:
    assert (await place.ask.ok("GET", "/"))["version"]["number"] == real_node.version.number
    expected = real_node.version.number if real_node.version.number.startswith("7.") else "12.0.0"
    assert (await place.put())["version"] == expected
