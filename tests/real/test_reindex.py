"""Elasticsearch's own `_reindex` copies every document of all sources into the planned destination.

The module with `_reindex` is published for 7.17 alone; on the other releases `test_destination` copies by search and
bulk, which is what `_reindex` does.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from proxy.cluster.gateway import Gateway
from proxy.destination import Era, destination_body
from proxy.errors import Refusal
from proxy.settings import ClusterTls
from tests.real.conftest import require_real
from tests.real.node import RealNode
from tests.real.source_sets import SourceSet, source_set
from tests.real.test_destination import AT_ONCE, NOBODY, NOW_MS, SEED, SETS, Place, _fill, job_over
from tests.real.versions import CannotRun, selected

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

RELEASE = "7.17.24"


@pytest.fixture(scope="module")
def copying_node() -> Iterator[RealNode]:
    """A node that has `_reindex`."""
    if RELEASE not in {version.number for version in selected()}:
        pytest.skip(f"{RELEASE} is not selected")
    try:
        node = RealNode.start(RELEASE, plugin=False, reindex=True)
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"Elasticsearch {RELEASE} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {RELEASE} cannot run here: {reason}")
    with node:
        yield node


@pytest.fixture
async def place(copying_node: RealNode) -> AsyncIterator[Place]:
    gateway = Gateway([copying_node.url], tls=ClusterTls(), service=None, call_timeout_s=60.0)
    async with aiohttp.ClientSession() as session:
        yield Place(copying_node, gateway, session)
    await gateway.close()


async def test_every_document_of_all_sources_is_copied(place: Place) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    sets = [source_set(chance, place.node.version.major) for _ in range(SETS)]
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(number: int, made: SourceSet) -> bool:
        async with turns:
            return await _copied(place, f"set-{number}", made)

    copied = await asyncio.gather(*(in_turn(number, made) for number, made in enumerate(sets)))
    assert copied.count(True) >= SETS * 0.7


async def _copied(place: Place, name: str, made: SourceSet) -> bool:
    """Whether the sources fit together; if so, all that is in them was copied without a failure."""
    names, out = [f"{name}-{number}" for number in range(len(made.sources))], f"{name}-out"
    for source, body in zip(names, made.sources, strict=True):
        await place.ok("PUT", f"/{source}", body.body)
        await _fill(place, source, [dict(document) for document in body.documents])
    job = job_over(names, made, out)
    facts = await place.gateway.facts(job.sources, out, NOBODY)
    era, version = Era.of(RELEASE), RELEASE
    try:
        plan = destination_body(job, facts.sources, era, NOW_MS, results=False, cluster_version=version)
    except Refusal:
        await place.ok("DELETE", "/" + ",".join(names))
        return False
    planned = {"settings": dict(plan.settings), "mappings": dict(plan.mappings)}
    assert await place.gateway.create(out, planned, NOBODY)
    only = {"includes": list(made.source_filter.includes), "excludes": list(made.source_filter.excludes)}
    request = {"source": {"index": names, "_source": only}, "dest": {"index": out}}
    answer = await place.ok("POST", "/_reindex?refresh=true", request)
    documents = sum(len(source.documents) for source in made.sources)
    assert answer["failures"] == []
    assert (answer["total"], answer["created"]) == (documents, documents)
    assert (await place.ok("GET", f"/{out}/_count"))["count"] == documents
    await place.ok("DELETE", "/" + ",".join([*names, out]))
    return True
