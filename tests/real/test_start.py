"""A start from one end to the other: the embedded cluster's security and machine learning, in process or in front of
genuine nodes; the true gate, the shipped rules, the true edge."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.embedded.remote import RemoteNode
from proxy.journal.entry import Phase
from tests.real.node import RealNode
from tests.real.versions import CannotRun, selected
from tests.stack import Stack, whole

# A job that waits so long at its first step touches nothing while the test looks.
FOREVER_S = 3600.0
RULES = {"source": ["read", "view_index_metadata"], "destination": ["read", "create_index", "manage", "index"]}


@pytest.fixture(
    scope="module",
    params=[None, *(pytest.param(version, marks=pytest.mark.real) for version in selected())],
    ids=lambda version: "embedded" if version is None else version.number,
)
def node(request: pytest.FixtureRequest) -> Iterator[RealNode | None]:
    """None for the index core in process, else a genuine node."""
    if request.param is None:
        yield None
        return
    try:
        found = RealNode.start(request.param.number)
    except CannotRun as reason:
        if os.environ.get("STARTGATE_REQUIRE_REAL") == "1":
            pytest.fail(f"Elasticsearch {request.param.number} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {request.param.number} cannot run here: {reason}")
    with found:
        yield found


@dataclass(slots=True)
class Place:
    """A stack with names that no other test uses, and with people in it."""

    stack: Stack
    name: str
    version: str
    ann: str
    bob: str

    @property
    def out(self) -> str:
        """The destination."""
        return f"{self.name}-out"

    async def put(self, job: str | None = None, **change: Any) -> dict[str, Any]:
        """Make a job over all sources of this place, as the superuser unless told otherwise."""
        body = {
            "source": {"index": [f"{self.name}-src-*"]},
            "dest": {"index": self.out},
            "analysis": {"outlier_detection": {}},
        }
        auth = change.pop("auth", None)
        path = f"/_ml/data_frame/analytics/{job or self.name}"
        return dict(await self.stack.ok("PUT", path, {**body, **change}, auth=auth))

    async def exists(self) -> bool:
        """Whether there is a destination."""
        answer = await self.stack.call("GET", f"/{self.out}", direct=True)
        return answer.status == 200


def _make(stack: Stack, name: str, version: str) -> Place:
    cluster = stack.cluster
    may = [
        {"names": [f"{name}-src-*"], "privileges": RULES["source"]},
        {"names": [f"{name}-out*"], "privileges": RULES["destination"]},
    ]
    cluster.add_role(f"{name}-analyst", {"cluster": ["manage_ml", "monitor"], "indices": may})
    cluster.add_role(f"{name}-intern", {"cluster": ["manage_ml"], "indices": may[:1]})
    ann = cluster.add_user(f"{name}-ann", "secret-of-ann", [f"{name}-analyst"])
    bob = cluster.add_user(f"{name}-bob", "secret-of-bob", [f"{name}-intern"])
    return Place(stack, name, version, ann, bob)


@pytest.fixture
async def place(node: RealNode | None, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Two sources with different shards and replicas, sixty documents, and people with and without rights."""
    backend = RemoteNode(node.url) if node is not None else None
    pace = getattr(request, "param", 0.0)
    name = f"start-{uuid.uuid4().hex[:8]}"
    async with whole(tmp_path, backend, job_pace_s=pace) as stack:
        found = _make(stack, name, node.version.number if node is not None else "8.15.3")
        for number, (shards, replicas) in enumerate([(2, 0), (1, 1)]):
            settings = {"number_of_shards": shards, "number_of_replicas": replicas}
            mappings = {"properties": {"delay": {"type": "integer"}, "origin": {"type": "keyword"}}}
            await stack.ok("PUT", f"/{name}-src-{number}", {"settings": settings, "mappings": mappings})
        lines: list[dict[str, Any]] = []
        for number in range(60):
            lines.append({"index": {"_index": f"{name}-src-{number % 2}", "_id": str(number)}})
            lines.append({"delay": 900 if number == 59 else number, "origin": "ABC"[number % 3]})
        bulk = "".join(json.dumps(line) + "\n" for line in lines)
        await stack.ok("POST", "/_bulk?refresh=true", bulk)
        yield found
        await stack.call("DELETE", f"/{name}-src-0,{name}-src-1", direct=True)
        await stack.call("DELETE", f"/{found.out}", direct=True)


def _copied_settings(settings: dict[str, Any]) -> dict[str, Any]:
    own = ("creation_date", "uuid", "version", "provided_name", "routing")
    return {key: value for key, value in settings.items() if key.split(".")[1] not in own}


@pytest.mark.parametrize("place", [FOREVER_S], indirect=True)
async def test_the_destination_is_what_elasticsearch_makes_without_the_result_fields(place: Place) -> None:
    """Read back from the node while the job has not touched it."""
    await place.put()
    answer = await place.stack.start(place.name, place.ann)
    assert answer.status == 200, answer.body
    found = (await place.stack.ok("GET", f"/{place.out}?flat_settings=true"))[place.out]
    assert _copied_settings(found["settings"]) == {"index.number_of_shards": "2", "index.number_of_replicas": "1"}
    meta = found["mappings"].pop("_meta")
    assert found["mappings"] == {
        "dynamic": "false",
        "properties": {
            "delay": {"type": "integer"},
            "origin": {"type": "keyword"},
            "ml__incremental_id": {"type": "long"},
        },
    }
    created = meta.pop("creation_date_in_millis")
    assert meta == {"created_by": "data-frame-analytics", "version": meta["version"], "analytics": place.name}
    assert list(meta["version"]) == ["created"]
    record = place.stack.recorded(answer.receipt).records[Phase.INTENT]
    assert abs(_millis(record["@timestamp"]) - created) < 10_000


def _millis(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


@pytest.mark.parametrize("place", [FOREVER_S], indirect=True)
async def test_a_rich_source_is_copied_as_elasticsearch_does(place: Place) -> None:
    """Objects, nested, multi-fields, aliases, runtime fields, limits, analysis: written down by hand here."""
    new = not place.version.startswith("7.")
    rich: dict[str, Any] = {
        "delay": {"type": "integer"},
        "origin": {"type": "keyword"},
        "text": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 64}}},
        "place": {"dynamic": "true", "properties": {"at": {"type": "geo_point"}, "name": {"type": "text"}}},
        "legs": {"type": "nested", "properties": {"miles": {"type": "float"}}},
        "late": {"type": "alias", "path": "delay"},
        "when": {"type": "date", "format": "yyyy/MM/dd HH:mm"},
        "secret": {"type": "keyword"},
    }
    settings: dict[str, Any] = {"number_of_shards": 3, "index.mapping.total_fields.limit": 200}
    if new:
        rich["text"]["analyzer"] = "mine"
        settings["analysis"] = {
            "filter": {"short": {"type": "stop", "stopwords": ["a", "the"]}},
            "analyzer": {"mine": {"type": "custom", "tokenizer": "standard", "filter": ["short"]}},
        }
    mappings = {
        "dynamic": "strict",
        "_meta": {"of": "source"},
        "runtime": {"twice": {"type": "long"}},
        "properties": rich,
    }
    await place.stack.ok("PUT", f"/{place.name}-src-rich", {"settings": settings, "mappings": mappings})
    source = {"index": [f"{place.name}-src-*"], "_source": {"excludes": ["secret"]}}
    await place.put(source=source, analyzed_fields={"includes": ["delay"]})
    answer = await place.stack.start(place.name, place.ann)
    assert answer.status == 200, answer.body
    found = (await place.stack.ok("GET", f"/{place.out}?flat_settings=true"))[place.out]
    del rich["secret"]
    assert found["mappings"].pop("_meta")["created_by"] == "data-frame-analytics"
    assert found["mappings"] == {
        "dynamic": "false",
        "runtime": {"twice": {"type": "long"}},
        "properties": {**rich, "ml__incremental_id": {"type": "long"}},
    }
    copied: dict[str, Any] = {"index.number_of_shards": "3", "index.number_of_replicas": "1"}
    if new:
        copied |= {
            "index.mapping.total_fields.limit": "200",
            "index.analysis.filter.short.type": "stop",
            "index.analysis.filter.short.stopwords": ["a", "the"],
            "index.analysis.analyzer.mine.type": "custom",
            "index.analysis.analyzer.mine.tokenizer": "standard",
            "index.analysis.analyzer.mine.filter": ["short"],
        }
    assert _copied_settings(found["settings"]) == copied


async def test_the_job_runs_to_its_end_and_the_end_is_on_record(place: Place) -> None:
    await place.put()
    answer = await place.stack.start(place.name, place.ann)
    assert answer.status == 200, answer.body
    ended = await place.stack.ended(place.name)
    assert ended["state"] == "stopped", ended
    body = {"size": 1, "sort": [{"ml.outlier_score": "desc"}]}
    [top] = (await place.stack.ok("POST", f"/{place.out}/_search", body))["hits"]["hits"]
    assert top["_source"]["delay"] == 900
    assert (await place.stack.end_of(answer.receipt))["event"]["outcome"] == "success"
    records = place.stack.recorded(answer.receipt).records
    outcome = records[Phase.OUTCOME]
    assert outcome["event"]["outcome"] == "success"
    assert outcome["startgate"]["destination"]["created"] is True
    assert outcome["startgate"]["destination"]["source_indices"] == [f"{place.name}-src-0", f"{place.name}-src-1"]
    assert outcome["user"]["name"] == f"{place.name}-ann"


async def test_the_cluster_answer_is_passed_on_byte_for_byte(place: Place) -> None:
    await place.put(allow_lazy_start=True)
    answer = await place.stack.start(place.name, place.ann)
    assert answer.status == 200
    await place.stack.ended(place.name)
    again = await place.stack.start(place.name, place.ann)
    direct = await place.stack.call(
        "POST", f"/_ml/data_frame/analytics/{place.name}/_start", auth=place.ann, direct=True
    )
    assert (again.status, again.body) == (direct.status, direct.body)
    assert again.status == 400
    kept = {name: value for name, value in again.headers.items() if not name.lower().startswith("x-startgate-")}
    assert kept == dict(direct.headers)


async def test_who_lacks_privileges_is_denied_and_nothing_is_made(place: Place) -> None:
    await place.put()
    answer = await place.stack.start(place.name, place.bob)
    assert answer.status == 403
    assert "create_index" in answer.reason
    assert not await place.exists()
    [state] = (await place.stack.ok("GET", f"/_ml/data_frame/analytics/{place.name}/_stats"))["data_frame_analytics"]
    assert state["state"] == "stopped"
    records = place.stack.recorded(answer.receipt).records
    assert list(records) == [Phase.OUTCOME]
    assert records[Phase.OUTCOME]["startgate"]["verdict"]["allowed"] is False


async def test_a_conflict_is_refused_in_the_words_of_the_cluster(place: Place) -> None:
    conflicting = {"mappings": {"properties": {"delay": {"type": "keyword"}}}}
    await place.stack.ok("PUT", f"/{place.name}-src-odd", conflicting)
    await place.put()
    answer = await place.stack.start(place.name, place.ann)
    direct = await place.stack.call("POST", f"/_ml/data_frame/analytics/{place.name}/_start", direct=True)
    await place.stack.ok("DELETE", f"/{place.name}-src-odd")
    assert answer.status == direct.status == 400
    assert "cannot merge [properties] mappings because of differences for field [delay]" in answer.reason
    assert not await place.exists()


async def test_an_existing_destination_is_used_as_it_is(place: Place) -> None:
    await place.stack.ok("PUT", f"/{place.out}", {"settings": {"number_of_shards": 5}})
    await place.put()
    answer = await place.stack.start(place.name, place.ann)
    assert answer.status == 200, answer.body
    found = (await place.stack.ok("GET", f"/{place.out}?flat_settings=true"))[place.out]
    assert found["settings"]["index.number_of_shards"] == "5"
    assert place.stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["destination"]["created"] is False


async def test_a_refused_start_leaves_no_index_behind(place: Place) -> None:
    """No document has all fields: only the cluster itself can tell, after the destination was made."""
    await place.stack.ok("PUT", f"/{place.name}-src-void", {"mappings": {"properties": {"n": {"type": "long"}}}})
    await place.put(source={"index": [f"{place.name}-src-void"]})
    answer = await place.stack.start(place.name, place.ann)
    await place.stack.ok("DELETE", f"/{place.name}-src-void")
    assert answer.status == 400
    assert "Unable to start" in answer.reason
    assert not await place.exists()
    outcome = place.stack.recorded(answer.receipt).records[Phase.OUTCOME]
    assert outcome["startgate"]["destination"]["removal"] == "removed"
    assert outcome["startgate"]["destination"]["created"] is True


async def test_two_starts_at_once_make_one_job_and_one_destination(place: Place) -> None:
    await place.put()
    answers = await asyncio.gather(*(place.stack.start(place.name, place.ann) for _ in range(4)))
    assert [answer.status for answer in answers].count(200) == 1, [answer.body for answer in answers]
    assert {answer.status for answer in answers} <= {200, 400, 409}
    assert await place.exists()
    created = [
        place.stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["destination"]["created"]
        for answer in answers
    ]
    assert created.count(True) == 1


async def test_kibana_starts_jobs_of_owners_who_may(place: Place) -> None:
    """What a click in Kibana sends: its own service account and no secondary header. The owner counts."""
    await place.put(auth=place.ann)
    answer = await place.stack.start(place.name, place.stack.cluster.kibana)
    if place.version.startswith("7."):  # its configurations do not tell the owner
        assert (answer.status, await place.exists()) == (403, False)
        assert "does not tell who owns the job" in answer.reason
        return
    assert answer.status == 200, answer.body
    outcome = place.stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]
    assert outcome["subjects"] == {"data": "owner", "asked": ["owner"], "intermediary": True}
    assert outcome["owner"].items() >= {"kind": "roles", "roles": [f"{place.name}-analyst"]}.items()
    assert outcome["destination"]["created_as"] == "service"


async def test_kibana_is_denied_jobs_of_owners_who_lost_their_rights(place: Place) -> None:
    await place.put(auth=place.ann)
    place.stack.cluster.add_role(f"{place.name}-analyst", {"cluster": ["manage_ml"], "indices": []})
    answer = await place.stack.start(place.name, place.stack.cluster.kibana)
    assert answer.status == 403
    assert not await place.exists()


async def test_with_a_secondary_header_its_holder_counts(place: Place) -> None:
    await place.put()
    kibana = place.stack.cluster.kibana
    denied = await place.stack.start(place.name, kibana, **{"es-secondary-authorization": place.bob})
    assert denied.status == 403
    unknown = await place.stack.start(place.name, kibana, **{"es-secondary-authorization": "Basic bm86Ym9keQ=="})
    assert (unknown.status, unknown.reason) == (401, "Failed to authenticate secondary user")
    granted = await place.stack.start(place.name, kibana, **{"es-secondary-authorization": place.ann})
    assert granted.status == 200, granted.body
    outcome = place.stack.recorded(granted.receipt).records[Phase.OUTCOME]["startgate"]
    assert outcome["secondary"]["name"] == f"{place.name}-ann"
    assert outcome["destination"]["created_as"] == "secondary"


async def test_a_client_that_hangs_up_interrupts_nothing(place: Place) -> None:
    await place.put()
    place.stack.cluster.delay_s = 0.1
    before = len(place.stack.cluster.calls)
    reader, writer = await asyncio.open_connection("127.0.0.1", place.stack.port)
    head = (
        f"POST /_ml/data_frame/analytics/{place.name}/_start HTTP/1.1\r\nHost: x\r\nAuthorization: {place.ann}\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(60):
        while len(place.stack.cluster.calls) == before:  # noqa: ASYNC110 -- the cluster's own list
            await asyncio.sleep(0.005)
    writer.transport.abort()
    place.stack.cluster.delay_s = 0.0
    async with asyncio.timeout(60):
        while not place.stack.all_recorded():  # noqa: ASYNC110 -- the journal is a file
            await asyncio.sleep(0.02)
    [recorded] = place.stack.all_recorded()
    await place.stack.end_of(recorded.receipt)
    assert place.stack.recorded(recorded.receipt).records[Phase.OUTCOME]["event"]["outcome"] == "success"
    assert await place.exists()
    del reader


async def test_no_secret_is_on_record(place: Place) -> None:
    await place.put(auth=place.ann)
    for auth in (place.ann, place.bob, place.stack.cluster.kibana, "Basic bm86Ym9keQ=="):
        await place.stack.start(place.name, auth, **{"X-Opaque-Id": "kept", "Cookie": "sid=hidden-cookie"})
    written = (place.stack.journal / "starts-000001.jsonl").read_text()
    assert "kept" in written
    for secret in ("secret-of", "hidden-cookie", place.ann.split()[1], place.stack.cluster.kibana.split()[1]):
        assert secret not in written
