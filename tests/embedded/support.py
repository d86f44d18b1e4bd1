"""An embedded cluster without a socket, to be asked call by call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.embedded.app import basic
from proxy.embedded.backend import Backend, Call
from proxy.embedded.core import Core
from proxy.embedded.core.json_text import Json
from proxy.embedded.endpoint import World
from proxy.embedded.front import Front
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.node import Node
from proxy.embedded.security.store import ELASTIC_PASSWORD, Security

ELASTIC = basic("elastic", ELASTIC_PASSWORD)
OUTLIERS = {
    "source": {"index": ["flights"]},
    "dest": {"index": "flights-out"},
    "analysis": {"outlier_detection": {}},
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, its body parsed."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...]

    @property
    def reason(self) -> str:
        """The text of an error."""
        return str(self.body["error"]["reason"])

    @property
    def type(self) -> str:
        """The kind of an error."""
        return str(self.body["error"]["type"])

    def header(self, name: str) -> list[str]:
        """All headers of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Asker:
    """Asks one cluster, as elastic where nobody else is named."""

    def __init__(self, *, secured: bool = True, jobs: Jobs | None = None, backend: Backend | None = None) -> None:
        holder = backend or Core()
        self.security = Security() if secured else None
        self.world = World(holder, Node(holder), self.security, jobs or Jobs())
        self.front = Front(self.world)

    @property
    def store(self) -> Security:
        """The cluster's security."""
        assert self.security is not None
        return self.security

    async def __call__(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        by: str | None = ELASTIC,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """One call."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = dict(headers or {})
        if by is not None:
            sent["Authorization"] = by
        if content:
            sent.setdefault("Content-Type", "application/json")
        call = Call(method=method, target=target, headers=tuple(sent.items()), body=content)
        answered = await self.front.call(call)
        try:
            parsed = json.loads(answered.body) if answered.body else None
        except ValueError:
            parsed = answered.body.decode()
        return Said(answered.status, parsed, answered.headers)

    async def ok(self, method: str, target: str, body: object = None, *, by: str | None = ELASTIC) -> Json:
        """One call that must succeed, and its body."""
        said = await self(method, target, body, by=by)
        assert said.status < 300, said
        return said.body

    async def fill(self, index: str, documents: list[dict[str, Any]]) -> None:
        """Index documents with ids from 0, and refresh."""
        lines = [
            json.dumps(part)
            for number, document in enumerate(documents)
            for part in ({"index": {"_index": index, "_id": str(number)}}, document)
        ]
        body = ("\n".join(lines) + "\n").encode()
        said = await self("POST", "/_bulk", body, headers={"Content-Type": "application/x-ndjson"})
        assert not said.body["errors"], said.body
        await self.ok("POST", f"/{index}/_refresh")

    async def flights(self, index: str = "flights", count: int = 60) -> None:
        """A small source index: two clusters of numbers and one far outlier, id `count - 1`."""
        properties = {"delay": {"type": "integer"}, "distance": {"type": "integer"}, "origin": {"type": "keyword"}}
        await self.ok("PUT", f"/{index}", {"mappings": {"properties": properties}})
        documents = [
            {"delay": number % 7, "distance": 300 + 10 * (number % 11), "origin": "JFK" if number % 2 else "LAX"}
            for number in range(count - 1)
        ]
        await self.fill(index, [*documents, {"delay": 900, "distance": 9000, "origin": "JFK"}])

    async def ended(self, id_: str) -> dict[str, Any]:
        """Wait until a job runs no more; its `_stats`."""
        task = self.world.jobs.by_id[id_].task
        if task is not None:
            await task
        found: dict[str, Any] = await self.ok("GET", f"/_ml/data_frame/analytics/{id_}/_stats")
        return dict(found["data_frame_analytics"][0])
