"""Calls through the official client, synchronous and asynchronous, with what came back recorded byte for byte.

A call is a generator that yields what the client returns and is sent the answer, so that one text serves both clients.
"""

import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from elastic_transport import AiohttpHttpNode, HttpHeaders, NodeConfig, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elastic_transport.client_utils import DEFAULT, DefaultType
from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch, ElasticsearchWarning

# Either form of the client: they differ in that one's results must be awaited.
Client = Any
Steps = Generator[Any, Any, None]
VENDOR, PLAIN = "application/vnd.elasticsearch+", "application/"


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One call or a few that follow from each other. `writes` and `volatile` as in `raw.Call`."""

    name: str
    steps: Callable[[Client], Steps]
    writes: bool = False
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer as the transport got it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def _recorded(answer: NodeApiResponse) -> Recorded:
    return Recorded(answer.meta.status, tuple(answer.meta.headers.items()), bytes(answer.body))


def _spoken(headers: HttpHeaders | None) -> HttpHeaders:
    """As a client that speaks to every major version sends them: 7.x refuses `compatible-with=8`."""
    named = HttpHeaders(headers or {})
    for name in ("accept", "content-type"):
        if name in named:
            named[name] = named[name].partition(";")[0].replace(VENDOR, PLAIN)
    return named


class SyncNode(Urllib3HttpNode):
    """Records each answer in `heard`; speaks plain JSON where `plain` is set."""

    plain = False

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.heard: list[Recorded] = []

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> NodeApiResponse:
        """As the base class does."""
        headers = _spoken(headers) if self.plain else headers
        answer = super().perform_request(method, target, body, headers, request_timeout)
        self.heard.append(_recorded(answer))
        return answer


class PlainSyncNode(SyncNode):
    """For 7.x."""

    plain = True


class AsyncNode(AiohttpHttpNode):
    """Records each answer in `heard`; speaks plain JSON where `plain` is set."""

    plain = False

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.heard: list[Recorded] = []

    async def perform_request(  # type: ignore[override]  # the base class declares it so itself
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> NodeApiResponse:
        """As the base class does."""
        headers = _spoken(headers) if self.plain else headers
        answer = await super().perform_request(method, target, body, headers, request_timeout)
        self.heard.append(_recorded(answer))
        return answer


class PlainAsyncNode(AsyncNode):
    """For 7.x."""

    plain = True


def run_sync(url: str, call: ClientCall, *, plain: bool) -> list[Recorded]:
    """What the synchronous client heard."""
    with (
        warnings.catch_warnings(action="ignore", category=ElasticsearchWarning),
        Elasticsearch(url, node_class=PlainSyncNode if plain else SyncNode, max_retries=0) as client,
    ):
        steps = call.steps(client)
        try:
            answer = next(steps)
            while True:
                answer = steps.send(answer)
        except (StopIteration, ApiError):
            pass
        return list(client.transport.node_pool.get().heard)  # type: ignore[attr-defined]  # our own node class


async def run_async(url: str, call: ClientCall, *, plain: bool) -> list[Recorded]:
    """What the asynchronous client heard."""
    with warnings.catch_warnings(action="ignore", category=ElasticsearchWarning):
        async with AsyncElasticsearch(url, node_class=PlainAsyncNode if plain else AsyncNode, max_retries=0) as client:
            steps = call.steps(client)
            try:
                answer = await next(steps)
                while True:
                    answer = await steps.send(answer)
            except (StopIteration, ApiError):
                pass
            return list(client.transport.node_pool.get().heard)  # type: ignore[attr-defined]  # our own node class
