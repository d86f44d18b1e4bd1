"""The starts of all gates that ship to one data stream: replicas have journals of their own, and share the stream."""

from collections.abc import Mapping
from typing import Any

from proxy.bypasses.recorded import Gathering, record_ms
from proxy.cluster.transport import Transport, quoted
from proxy.errors import ClusterUnreachable
from proxy.journal.marks import Mark
from proxy.journal.query import at
from proxy.model import Credential

PAGE = 5_000
# More replicas than a cluster has nodes: each has one journal, and a new one where an old one was given up.
JOURNALS = 1_000
# What `Gathering` looks at: of records that may hold much, no more is asked for.
FIELDS = (
    "@timestamp",
    "event",
    *(f"startgate.{name}" for name in ("phase", "receipt", "chain", "plan_only", "explain_only")),
    *(f"startgate.{name}" for name in ("job.id", "job.create_time", "end.state", "admin.journal.since")),
)
_WANTED = {
    "bool": {
        "should": [
            {"terms": {"startgate.phase": ["intent", "outcome", "end"]}},
            {"term": {"event.action": Mark.LOST.value}},
        ],
        "minimum_should_match": 1,
    }
}


async def read(transport: Transport, credential: Credential, stream: str, gathering: Gathering) -> int:
    """Take in all starts that a data stream holds; how many records that are.

    Raises:
        PassedOn: the cluster would not tell; ClusterUnreachable: no usable answer.
    """
    path = f"/{quoted(stream)}/_search?allow_partial_search_results=false"
    ask = _Asking(transport, credential, path)
    # First: what is shipped meanwhile reaches no further back.
    await ask.beginnings(gathering)
    count = 0
    after: list[Any] = []
    while hits := await ask.page(after):
        for hit in hits:
            gathering.add(hit["_source"])
        count += len(hits)
        after = hits[-1]["sort"]
    return count


class _Asking:
    def __init__(self, transport: Transport, credential: Credential, path: str) -> None:
        self._transport = transport
        self._credential = credential
        self._path = path

    async def beginnings(self, gathering: Gathering) -> None:
        """From where on the stream holds each journal."""
        smallest = {
            "first": {"min": {"field": "startgate.chain.seq"}},
            "time": {"min": {"field": "@timestamp"}},
        }
        journals = {"terms": {"field": "startgate.chain.journal", "size": JOURNALS}, "aggs": smallest}
        content = await self._ask({"size": 0, "track_total_hits": False, "aggs": {"journals": journals}})
        try:
            for bucket in content["aggregations"]["journals"]["buckets"]:
                gathering.begins(str(bucket["key"]), int(bucket["first"]["value"]), int(bucket["time"]["value"]))
        except (KeyError, TypeError, ValueError) as failure:
            raise ClusterUnreachable(f"POST {self._path}: the answer lacks {failure}") from failure

    async def page(self, after: list[Any]) -> list[Mapping[str, Any]]:
        """The next records behind the last one's place."""
        query: dict[str, Any] = {
            "size": PAGE,
            "query": {"bool": {"filter": [_WANTED]}},
            "_source": list(FIELDS),
            # Both together are unique, so that no record is left out between two pages.
            "sort": [{"startgate.chain.journal": "asc"}, {"startgate.chain.seq": "asc"}],
            "track_total_hits": False,
        }
        content = await self._ask(query | ({"search_after": after} if after else {}))
        try:
            hits: list[Mapping[str, Any]] = content["hits"]["hits"]
            usable = all(hit["sort"] and record_ms(hit["_source"]) is not None for hit in hits)
        except (KeyError, TypeError, AttributeError) as failure:
            raise ClusterUnreachable(f"POST {self._path}: the answer lacks {failure}") from failure
        if not usable:
            named = next((at(hit, "_id") for hit in hits if record_ms(hit["_source"]) is None), "")
            raise ClusterUnreachable(f"POST {self._path}: {named} is no record of Startgate")
        return hits

    async def _ask(self, body: object) -> Any:  # noqa: ANN401 -- decoded JSON
        return await self._transport.ask("POST", self._path, self._credential, body=body, safe=True)
