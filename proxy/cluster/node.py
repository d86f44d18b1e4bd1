"""One node of the cluster, as the official client's transport wants nodes: its own HTTP part leaves things out.

Different from `elastic_transport.AiohttpHttpNode`: a header that comes several times keeps all values, the
target is sent as it is given, redirects are not followed, and an address where nobody answers is given up soon.
"""

import asyncio
import ssl
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import NamedTuple

import aiohttp
from elastic_transport import (
    ApiResponseMeta,
    BaseAsyncNode,
    ConnectionError,
    ConnectionTimeout,
    HttpHeaders,
    NodeConfig,
)
from elastic_transport.client_utils import DEFAULT, DefaultType
from multidict import CIMultiDictProxy
from yarl import URL

from proxy.cluster.entries import Sink
from proxy.errors import ClusterUnreachable
from proxy.settings import GateLimits
from proxy.tracing.current import sent_to

# As the edge's own limit (EdgeLimits.upstream_connect_s): a node that is away must not hold up a start.
CONNECT_S = 5.0
# An answer of hundreds of MiB comes as fast as it is read, and would keep the process busy for a second: the journal's
# thread would get the interpreter every 5 ms only, and so would hold up every other start. Reading rests in between.
BUSY_S, REST_S = 0.001, 0.001
# What came during a rest may be half a MiB, and take 20 ms where all of it is new. A piece takes one.
PIECE_BYTES = 64 * 1024
# Between the values of a header that came several times; no value can hold one (RFC 9110 §5.5).
BETWEEN_VALUES = "\n"


@dataclass(slots=True)
class Sent:
    """How often a request went out. aiohttp sends one of an idempotent method again, once, where the connection breaks
    (RFC 9110 §9.2.2), and its answer does not tell."""

    times: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer is read: whole, up to `limit_bytes`; one with status 200 into the `sink`, where there is one.

    `sent` counts, over all nodes that are asked.
    """

    limit_bytes: int
    sink: Sink | None = None
    sent: Sent = field(default_factory=Sent)


_WHOLE = Reading(GateLimits().cluster_answer_bytes)
# The transport between a call and its node knows of bytes only, and hands nothing else on. Each call sets this anew.
READING: ContextVar[Reading] = ContextVar("READING", default=_WHOLE)


class NodeAnswer(NamedTuple):
    """What the transport wants of a node: status and headers, and the body."""

    meta: ApiResponseMeta
    body: bytes


class Node(BaseAsyncNode):
    """A pool of connections to one node, opened with its first request."""

    _CLIENT_META_HTTP_CLIENT = ("ai", aiohttp.__version__)

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._session: aiohttp.ClientSession | None = None

    async def perform_request(  # type: ignore[override]  # the library's own async node is typed so
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> NodeAnswer:
        """Send one request and read its answer whole.

        Raises:
            ConnectionTimeout: no whole answer in time.
            ConnectionError: no connection, or one that broke; `__cause__` is aiohttp's own error.
            ClusterUnreachable: the answer is too long.
            Refusal, ClusterUnreachable: what the sink of `READING` raises.
        """
        total_s = self.config.request_timeout if isinstance(request_timeout, DefaultType) else request_timeout
        reading = READING.get()
        begun = asyncio.get_running_loop().time()
        sent_to(self.base_url, target)
        try:
            async with self._opened().request(
                method,
                URL(self.base_url + target, encoded=True),
                data=body or None,
                headers={**self.headers, **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_S),
                allow_redirects=False,
                trace_request_ctx=reading.sent,
            ) as response:
                content = await _read(response, reading)
        except aiohttp.ConnectionTimeoutError as failure:
            raise ConnectionError(f"{self.base_url}: {failure}") from failure
        except TimeoutError as failure:
            raise ConnectionTimeout(f"{self.base_url}: timed out after {total_s:g} s") from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise ConnectionError(f"{self.base_url}: {str(failure) or type(failure).__name__}") from failure
        meta = ApiResponseMeta(
            node=self.config,
            duration=asyncio.get_running_loop().time() - begun,
            http_version="1.1",
            status=response.status,
            headers=_joined(response.headers),
        )
        return NodeAnswer(meta, content)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = self.config.ssl_context
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit_per_host=self.config.connections_per_node,
                    ssl=context if isinstance(context, ssl.SSLContext) else True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
                trace_configs=[_counting()],
            )
        return self._session

    async def close(self) -> None:  # type: ignore[override]  # as above
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _counting() -> aiohttp.TraceConfig:
    """Counts each head of a request that goes out; also one that is not written in the end, never one too few."""

    async def count(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        context.trace_request_ctx.times += 1

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(count)
    return config


async def _read(response: aiohttp.ClientResponse, reading: Reading) -> bytes:
    """The body; empty where the sink has taken it."""
    if reading.sink is not None and response.status == 200:
        reading.sink.begin()
        await _feed(response, reading.sink)
        reading.sink.finish()
        return b""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > reading.limit_bytes:
            text = f"the answer is longer than {reading.limit_bytes} bytes (limits.gate.cluster_answer_bytes)"
            raise ClusterUnreachable(text)
    return bytes(content)


async def _feed(response: aiohttp.ClientResponse, sink: Sink) -> None:
    """The body into the sink, with a rest for others after each while of work."""
    busy_since = 0.0
    async for chunk in response.content.iter_any():
        for at in range(0, len(chunk), PIECE_BYTES):
            busy_since = busy_since or time.monotonic()
            sink.feed(chunk[at : at + PIECE_BYTES])
            if time.monotonic() - busy_since >= BUSY_S:
                await asyncio.sleep(REST_S)
                busy_since = 0.0


def _joined(headers: CIMultiDictProxy[str]) -> HttpHeaders:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}{BETWEEN_VALUES}{value}" if key in joined else value
    return HttpHeaders(joined)
