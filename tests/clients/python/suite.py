"""The checks of the Python client, for its lines 7, 8 and 9, synchronous or not: `suite.py sync|async`.

Reads where to talk to from the variable SUITE, prints one JSON object. It sees the client's own packages alone.
"""

import asyncio
import importlib
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

PLACES: dict[str, str] = json.loads(os.environ["SUITE"])
# The lines differ in what they export, so that nothing of them is known beforehand.
ES: Any = importlib.import_module("elasticsearch")
HELPERS: Any = importlib.import_module("elasticsearch.helpers")
LINE = int(ES.__version__[0])
FAULT: Any = ES.TransportError if LINE == 7 else ES.ApiError
ASYNC = sys.argv[1] == "async"
JOB, OUT, BOOKS, ODD = "sg-job", "sg-out", "sg-books", "a/b c+d%é?#"
Check = Callable[[], Awaitable[Any]]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Name a check by its function."""
    CHECKS[function.__name__] = function
    return function


def connect(place: str, who: str = "", secret: str = "", **more: Any) -> Any:
    """A client as its documentation makes it; as a user, with an API key, or as nobody."""
    kind = ES.AsyncElasticsearch if ASYNC else ES.Elasticsearch
    if who == "key":
        more["api_key"] = secret
        if LINE == 7:
            more = {"headers": {"authorization": f"ApiKey {secret}"}}
    elif who:
        more["http_auth" if LINE == 7 else "basic_auth"] = (who, secret or PLACES[who])
    return kind(PLACES[place], **more)


async def hear(value: Any) -> Any:
    """What a call gives, awaited where it must be; a plain value."""
    found = await value if inspect.isawaitable(value) else value
    return getattr(found, "body", found)


async def closed(client: Any) -> None:
    """Close a client, of either kind."""
    await hear(client.close())


async def told(value: Any) -> Any:
    """What a call gives, or how the client tells of its failure."""
    try:
        return await hear(value() if callable(value) else value)
    except FAULT as fault:
        info = (fault.info if LINE == 7 else fault.body) or {}
        error = info.get("error", info) if isinstance(info, dict) else str(info)
        kind, reason = (error.get("type"), error.get("reason")) if isinstance(error, dict) else (None, error)
        status = fault.status_code if LINE == 7 else fault.meta.status
        return {"raised": type(fault).__name__, "status": status, "type": kind, "reason": reason}


async def as_who(call: Callable[[Any], Any], place: str, who: str, secret: str = "", **more: Any) -> Any:
    """A call as somebody, told as above."""
    client = connect(place, who, secret, **more)
    try:
        return await told(lambda: call(client))
    finally:
        await closed(client)


def hits(page: Any) -> list[str]:
    """The documents of a page."""
    return [hit["_id"] for hit in page["hits"]["hits"]]


class Node:
    """The client of the bare node, made when it is first asked for."""

    made: Any = None

    @classmethod
    def client(cls) -> Any:
        """The one client."""
        cls.made = cls.made or connect("node", http_compress=True)
        return cls.made


@check
async def info() -> Any:
    found = await told(Node.client().info)
    return found.get("version", {}).get("number") or found


@check
async def ping() -> Any:
    return await hear(Node.client().ping())


@check
async def index_create() -> Any:
    await hear(Node.client().indices.delete(index=BOOKS, **_ignored(404)))
    body = {
        # What is written is found when it was asked for (`refresh`), and never by the passing of time.
        "settings": {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1"},
        "mappings": {"properties": {"title": {"type": "text"}, "pages": {"type": "integer"}}},
    }
    return await told(lambda: Node.client().indices.create(index=BOOKS, body=body))


def _ignored(*statuses: int) -> dict[str, Any]:
    return {"ignore": list(statuses)} if LINE == 7 else {"ignore_unavailable": True}


@check
async def bulk() -> Any:
    lines = [{"index": {"_id": "1"}}, {"pages": 1}, {"create": {"_id": "1"}}, {"pages": 2}, {"delete": {"_id": "9"}}]
    found = await told(lambda: Node.client().bulk(index=BOOKS, body=lines, refresh=True))
    return [next(iter(item.values()))["status"] for item in found["items"]]


@check
async def bulk_helper() -> Any:
    actions = [{"_id": str(at), "title": f"book {at} é", "pages": at} for at in range(500)]
    call = HELPERS.async_bulk if ASYNC else HELPERS.bulk
    done, failed = await hear(call(Node.client(), actions, index=BOOKS, chunk_size=100, refresh=True))
    return [done, len(failed)]


@check
async def bulk_helper_failing() -> Any:
    actions = [{"_id": "x", "pages": "no number"}, {"_id": "y", "pages": 7}]
    call = HELPERS.async_bulk if ASYNC else HELPERS.bulk
    try:
        return await hear(call(Node.client(), actions, index=BOOKS, refresh=True))
    except HELPERS.BulkIndexError as fault:
        return [type(fault).__name__, [next(iter(one.values()))["status"] for one in fault.errors]]


@check
async def search() -> Any:
    body = {"query": {"range": {"pages": {"gte": 490}}}, "sort": ["pages"], "aggs": {"s": {"sum": {"field": "pages"}}}}
    found = await told(lambda: Node.client().search(index=BOOKS, body=body))
    return [hits(found), found["hits"]["total"], found["aggregations"]["s"]["value"]]


@check
async def scroll() -> Any:
    page = await hear(Node.client().search(index=BOOKS, scroll="1m", body={"size": 200, "sort": ["pages"]}))
    seen = [len(hits(page))]
    while hits(page):
        page = await hear(Node.client().scroll(body={"scroll_id": page["_scroll_id"], "scroll": "1m"}))
        seen.append(len(hits(page)))
    await hear(Node.client().clear_scroll(body={"scroll_id": page["_scroll_id"]}))
    return seen


@check
async def scroll_helper() -> Any:
    if ASYNC:
        return len([hit async for hit in HELPERS.async_scan(Node.client(), index=BOOKS, size=90)])
    return len(list(HELPERS.scan(Node.client(), index=BOOKS, size=90)))


@check
async def pit() -> Any:
    opened = await told(lambda: Node.client().open_point_in_time(index=BOOKS, keep_alive="1m"))
    held, seen = {"id": opened["id"], "keep_alive": "1m"}, []
    body: dict[str, Any] = {"size": 200, "sort": [{"pages": "asc"}], "pit": held}
    while found := (await hear(Node.client().search(body=body)))["hits"]["hits"]:
        seen.append(len(found))
        body["search_after"] = found[-1]["sort"]
    ended = await hear(Node.client().close_point_in_time(body={"id": opened["id"]}))
    return [seen, ended["succeeded"]]


@check
async def document() -> Any:
    es = Node.client()
    made = await hear(es.index(index=BOOKS, id=ODD, body={"pages": 1}, refresh=True))
    read = await hear(es.get(index=BOOKS, id=ODD))
    gone = await hear(es.delete(index=BOOKS, id=ODD, refresh=True))
    left = bool(await hear(es.exists(index=BOOKS, id=ODD)))
    return [made["result"], read["_id"], read["_source"], gone["result"], left]


@check
async def missing_document() -> Any:
    return await told(lambda: Node.client().get(index=BOOKS, id="none"))


@check
async def conflict() -> Any:
    found = await told(lambda: Node.client().create(index=BOOKS, id="1", body={"pages": 1}))
    return {**found, "reason": found["reason"].partition(",")[0]}


@check
async def missing_index() -> Any:
    return await told(lambda: Node.client().search(index="sg-nothing"))


@check
async def invalid_query() -> Any:
    return await told(lambda: Node.client().search(index=BOOKS, body={"query": {"nonsense": {}}}))


@check
async def msearch() -> Any:
    lines: list[dict[str, Any]] = [{}, {"size": 0, "query": {"match": {"title": "book"}}}, {"index": "sg-nothing"}, {}]
    found = await hear(Node.client().msearch(index=BOOKS, body=lines))
    return [one["status"] for one in found["responses"]]


@check
async def cat() -> Any:
    return await hear(Node.client().cat.indices(index=BOOKS, h="index,pri,docs.count", format="json"))


@check
async def large() -> Any:
    body = {"note": "y" * 2_000_000}
    await hear(Node.client().index(index=BOOKS, id="large", body=body, refresh=True))
    return len((await hear(Node.client().get(index=BOOKS, id="large")))["_source"]["note"])


@check
async def parallel() -> Any:
    calls = [Node.client().count(index=BOOKS, q=f"pages:<{at}") for at in range(1, 30)]
    return (
        [(await hear(call))["count"] for call in calls]
        if not ASYNC
        else [found["count"] for found in await asyncio.gather(*calls)]
    )


@check
async def bare_security() -> Any:
    return await told(Node.client().security.authenticate)


@check
async def bare_jobs() -> Any:
    return await told(lambda: Node.client().ml.get_data_frame_analytics(id=JOB))


@check
async def who() -> Any:
    found = await as_who(lambda es: es.security.authenticate(), "cluster", "ann")
    return [found["username"], found["roles"]]


@check
async def who_by_key() -> Any:
    return (await as_who(lambda es: es.security.authenticate(), "cluster", "key", PLACES["api_key"]))["username"]


@check
async def cluster_info() -> Any:
    found = await as_who(lambda es: es.info(), "cluster", "ann")
    return [found["version"]["number"], await as_who(lambda es: es.ping(), "cluster", "ann")]


@check
async def wrong_password() -> Any:
    return await as_who(lambda es: es.search(index="sg-src-1"), "cluster", "ann", "wrong")


@check
async def forbidden() -> Any:
    return await as_who(lambda es: es.search(index="sg-src-1"), "cluster", "bob")


JOB_BODY = {
    "source": {"index": ["sg-src-1", "sg-src-2"]},
    "dest": {"index": OUT},
    "analysis": {"outlier_detection": {}},
}


@check
async def job_put() -> Any:
    await as_who(lambda es: es.ml.delete_data_frame_analytics(id=JOB), "cluster", "elastic")
    await as_who(lambda es: es.indices.delete(index=OUT), "cluster", "elastic")
    found = await as_who(lambda es: es.ml.put_data_frame_analytics(id=JOB, body=JOB_BODY), "cluster", "ann")
    return [found["id"], found["source"]["index"], found["dest"]]


@check
async def job_start_forbidden() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB), "cluster", "rita")


@check
async def job_start_wrong_password() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB), "cluster", "ann", "wrong")


@check
async def job_start_missing() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id="sg-none"), "cluster", "ann")


@check
async def ours_bad_id() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id="Sg None"), "cluster", "ann")


@check
async def ours_denied() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB), "cluster", "bob")


@check
async def ours_no_gate() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB), "gateless", "ann")


@check
async def job_start() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB, timeout="20s"), "cluster", "ann")


@check
async def job_stats() -> Any:
    for _ in range(400):
        found = await as_who(lambda es: es.ml.get_data_frame_analytics_stats(id=JOB), "cluster", "ann")
        if found["data_frame_analytics"][0]["state"] in ("stopped", "failed"):
            break
        await asyncio.sleep(0.05)
    counted = await as_who(lambda es: es.count(index=OUT), "cluster", "ann")
    return [found["data_frame_analytics"][0]["state"], counted["count"]]


@check
async def job_start_again() -> Any:
    return await as_who(lambda es: es.ml.start_data_frame_analytics(id=JOB), "cluster", "ann")


@check
async def job_start_conflict() -> Any:
    body = {**JOB_BODY, "source": {"index": ["sg-src-1", "sg-other"]}, "dest": {"index": "sg-out-mixed"}}
    await as_who(lambda es: es.ml.put_data_frame_analytics(id="sg-mixed", body=body), "cluster", "ann")
    found = await as_who(lambda es: es.ml.start_data_frame_analytics(id="sg-mixed"), "cluster", "ann")
    await as_who(lambda es: es.ml.delete_data_frame_analytics(id="sg-mixed"), "cluster", "ann")
    return found


@check
async def job_stop() -> Any:
    return await as_who(lambda es: es.ml.stop_data_frame_analytics(id=JOB), "cluster", "ann")


@check
async def job_delete() -> Any:
    return await as_who(lambda es: es.ml.delete_data_frame_analytics(id=JOB), "cluster", "ann")


async def headers_of_start(job: str, secret: str = "") -> Any:
    """The headers of the answer to a start that fails; none in line 7, which keeps those of an error from its users."""
    client = connect("cluster", "ann", secret)
    try:
        await hear(client.ml.start_data_frame_analytics(id=job))
    except FAULT as fault:
        return {} if LINE == 7 else fault.meta.headers
    finally:
        await closed(client)


@check
async def job_start_challenge() -> Any:
    return (await headers_of_start(JOB, "wrong")).get("www-authenticate")


@check
async def ours_receipt() -> Any:
    return len((await headers_of_start("sg-none")).get("x-startgate-receipt", ""))


@check
async def ours_bare_start() -> Any:
    return await told(lambda: Node.client().ml.start_data_frame_analytics(id=JOB))


async def main() -> None:
    """Run them all, in order; what has no counterpart directly is left out there."""
    wanted = {name: one for name, one in CHECKS.items() if PLACES["gateless"] or not name.startswith("ours_")}
    found = {name: await one() for name, one in wanted.items()}
    await closed(Node.client())
    version = ".".join(str(part) for part in ES.__version__)
    print(json.dumps({"client": f"elasticsearch-py {version} {sys.argv[1]}", "checks": found}))


asyncio.run(main())
