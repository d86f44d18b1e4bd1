"""The planned destination on genuine nodes: they take it, keep it as planned, and it takes every document.

What is read and made goes through the gate's own calls; what must come out is worked out here, from what the nodes say.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from proxy.cluster.gateway import Gateway
from proxy.destination import Era, destination_body, is_field_excluded, result_mappings
from proxy.errors import Refusal
from proxy.model import Credential, Job, Owner, OwnerKind
from proxy.settings import ClusterTls
from tests.real.node import RealNode
from tests.real.source_sets import SourceSet, known_types, source_set

# A machine that has more to do takes its time.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 7
SETS = 200
AT_ONCE = 12
NOBODY = Credential(whose="test")
NOW_MS = 1_700_000_000_000


@dataclass(slots=True)
class Place:
    """A node, the gate's calls to it, and plain calls."""

    node: RealNode
    gateway: Gateway
    session: aiohttp.ClientSession

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """A call that must succeed; the decoded body."""
        lines = isinstance(body, str)
        headers = {"content-type": "application/x-ndjson" if lines else "application/json"} if body is not None else {}
        data = body if lines or body is None else json.dumps(body)
        async with self.session.request(method, self.node.url + path, data=data, headers=headers) as answer:
            content = await answer.json()
            if answer.status >= 300:
                pytest.fail(f"{method} {path} {data}: {json.dumps(content)}", pytrace=False)
            return content


@pytest.fixture
async def place(real_node: RealNode) -> AsyncIterator[Place]:
    gateway = Gateway([real_node.url], tls=ClusterTls(), service=None, call_timeout_s=60.0)
    async with aiohttp.ClientSession() as session:
        yield Place(real_node, gateway, session)
    await gateway.close()


def job_over(names: Sequence[str], made: SourceSet, out: str) -> Job:
    return Job(
        id=out,
        create_time=1,
        version="12.0.0",
        sources=tuple(names),
        source_filter=made.source_filter,
        runtime_mappings=made.runtime_mappings,
        destination=out,
        results_field="ml",
        analysis="regression",
        analysis_settings={"dependent_variable": "x"},
        owner=Owner(kind=OwnerKind.UNKNOWN),
        config={},
    )


async def test_planned_destinations_are_taken_kept_and_filled(place: Place) -> None:
    """Each set made, planned, created, read back and copied into; or refused in the words that are due."""
    major = place.node.version.major
    chance = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    sets = [source_set(chance, major) for _ in range(SETS)]
    seen = Counter(kind for one in sets for kind in one.types)
    assert set(seen) >= {*known_types(major), "alias"}
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(number: int, made: SourceSet) -> str:
        async with turns:
            return await _tried(place, f"set-{number}", made)

    outcomes = Counter(await asyncio.gather(*(in_turn(number, made) for number, made in enumerate(sets))))
    assert outcomes["copied"] >= SETS * 0.7, outcomes
    assert outcomes["refused"] >= SETS * 0.1, outcomes


async def _tried(place: Place, name: str, made: SourceSet) -> str:
    names = [f"{name}-{number}" for number in range(len(made.sources))]
    out = f"{name}-out"
    for source, body in zip(names, made.sources, strict=True):
        await place.ok("PUT", f"/{source}", body.body)
        await _fill(place, source, [dict(document) for document in body.documents])
    job = job_over([f"{name}-*"], made, out)
    facts = await place.gateway.facts(job.sources, out, NOBODY)
    assert [source.name for source in facts.sources] == names
    assert facts.destination is None
    version = place.node.version.number
    era = Era.of(version)
    expected = await _conflict(place, names, job)
    if expected is not None:
        with pytest.raises(Refusal) as refused:
            destination_body(job, facts.sources, era, NOW_MS, results=False, cluster_version=version)
        told = refused.value
        assert (told.status, told.type, told.reason) == (400, "status_exception", expected)
    else:
        assert not made.breaks
        plan = destination_body(job, facts.sources, era, NOW_MS, results=False, cluster_version=version)
        planned = {"settings": dict(plan.settings), "mappings": dict(plan.mappings)}
        assert await place.gateway.create(out, planned, NOBODY)
        await _kept(place, out, planned)
        await _copied(place, names, out, job)
        await _grown(place, out, job, facts.sources, era)
        names.append(out)
    await place.ok("DELETE", "/" + ",".join(names))
    return "refused" if expected else "copied"


async def _fill(place: Place, index: str, documents: Sequence[Mapping[str, Any]]) -> None:
    if not documents:
        return
    lines = [part for number, one in enumerate(documents) for part in ({"index": {"_id": f"{index}/{number}"}}, one)]
    answer = await place.ok("POST", f"/{index}/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
    assert not answer["errors"], json.dumps(answer)


async def _conflict(place: Place, names: Sequence[str], job: Job) -> str | None:
    """The text that is due, from what the node itself tells of the sources; None where they fit together."""
    answer = await place.ok("GET", f"/{','.join(names)}/_mapping")
    mappings = {name: answer[name]["mappings"] for name in names}
    for section in ("properties", "runtime"):
        fields = {field for mapping in mappings.values() for field in mapping.get(section, {})}
        for field in sorted(fields):
            if is_field_excluded(job.source_filter, field):
                continue
            having = [name for name in names if field in mappings[name].get(section, {})]
            old = mappings[having[0]][section][field]
            for name in having[1:]:
                if (new := mappings[name][section][field]) != old:
                    return (
                        f"cannot merge [{section}] mappings because of differences for field [{field}]; mapped as "
                        f"[{_java(new)}] in index [{name}]; mapped as [{_java(old)}] in index [{having[0]}]"
                    )
    return await _analysis_conflict(place, names)


async def _analysis_conflict(place: Place, names: Sequence[str]) -> str | None:
    """The same for the one token filter that may differ."""
    if Era.of(place.node.version.number) is not Era.ALLOW_LIST:
        return None
    key = "index.analysis.filter.short"
    answer = await place.ok("GET", f"/{','.join(names)}/_settings/{key}.*?flat_settings=true")
    blocks = {
        name: json.dumps({long.removeprefix(f"{key}."): value for long, value in sorted(body["settings"].items())})
        for name, body in sorted(answer.items())
    }
    texts = {name: text.replace(", ", ",").replace(": ", ":") for name, text in blocks.items()}
    for name in list(texts)[1:]:
        if texts[name] != (old := texts[names[0]]):
            return (
                f"cannot merge settings because of differences for {key}; specified as [{old}] in index [{names[0]}]; "
                f"specified as [{texts[name]}] in index [{name}]"
            )
    return None


def _java(value: Any) -> str:
    """How Java prints maps, lists, texts, numbers and booleans."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_java, value)) + "]"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


async def _kept(place: Place, out: str, planned: Mapping[str, Any]) -> None:
    """Read back as planned: nothing more, nothing less."""
    there = (await place.ok("GET", f"/{out}?flat_settings=true"))[out]
    assert there["mappings"] == {**planned["mappings"], "dynamic": "false"}
    own = ("creation_date", "uuid", "version", "provided_name", "routing")
    kept = {key: value for key, value in there["settings"].items() if key.split(".")[1] not in own}
    expected = {key: value if isinstance(value, list) else str(value) for key, value in planned["settings"].items()}
    assert kept == expected


async def _copied(place: Place, names: Sequence[str], out: str, job: Job) -> None:
    """What the job's reindexing does: every document, its `_source` filtered, with a running number added."""
    excludes, includes = ",".join(job.source_filter.excludes), ",".join(job.source_filter.includes)
    query = f"size=1000&sort=_seq_no&_source_excludes={quote(excludes)}&_source_includes={quote(includes)}"
    found = (await place.ok("GET", f"/{','.join(names)}/_search?{query}"))["hits"]["hits"]
    assert len(found) == 3 * len(names)
    lines = []
    for number, hit in enumerate(found):
        lines += [{"index": {"_id": hit["_id"]}}, {**hit["_source"], "ml__incremental_id": number}]
    answer = await place.ok("POST", f"/{out}/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
    assert not answer["errors"], [item for item in answer["items"] if "error" in item["index"]]
    assert (await place.ok("GET", f"/{out}/_count"))["count"] == len(found)


async def _grown(place: Place, out: str, job: Job, sources: Any, era: Era) -> None:
    """With the result fields that the cluster then adds, it is what the cluster would have made by itself."""
    added = {"properties": result_mappings(job), "runtime": dict(job.runtime_mappings)}
    before = (await place.ok("GET", f"/{out}/_mapping"))[out]["mappings"]
    await place.ok("PUT", f"/{out}/_mapping", added)
    after = (await place.ok("GET", f"/{out}/_mapping"))[out]["mappings"]
    whole = destination_body(job, sources, era, NOW_MS, results=True, cluster_version=place.node.version.number)
    results: dict[str, Any] = {
        key.partition(".")[2]: value for key, value in whole.mappings["properties"].items() if key.startswith("ml.")
    }
    for definition in results.values():
        if "dynamic" in definition:
            definition["dynamic"] = "false"
    assert after["properties"]["ml"] == {"properties": results}
    assert after == {**before, "properties": {**before["properties"], "ml": {"properties": results}}}
