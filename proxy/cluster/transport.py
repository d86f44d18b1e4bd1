"""One call to the cluster: sent by the official client's transport, its answer taken as it is.

Plain `application/json` is asked for, so that 7.17, 8.x and 9.x all accept it (`compatible-with` ties a client to one
major version).
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import ClientConnectorError, ConnectionTimeoutError
from elastic_transport import ApiResponseMeta, AsyncTransport, ConnectionError, NodeConfig, Serializer, TransportError
from elastic_transport.client_utils import DEFAULT, url_to_node_config

from proxy.cluster.entries import Sink
from proxy.cluster.node import BETWEEN_VALUES, READING, Node, Reading
from proxy.errors import ClusterUnreachable, PassedOn, error_body
from proxy.model import Credential
from proxy.renewal import renewable_cluster
from proxy.settings import ClusterTls, GateLimits
from proxy.tracing.current import asked

# Each start holds up to six connections for a moment; waiting for one would be a hidden round trip.
CONNECTIONS_PER_NODE = 128
# Elasticsearch's http.max_initial_line_length is 4 KiB; the rest is for the method and the fixed part of the path.
NAMES_LIMIT_BYTES = 3_500


class _Bytes(Serializer):
    """Leaves bodies alone: what is an answer and what a fault is judged here, not in the transport."""

    mimetype = "application/json"

    def loads(self, data: bytes) -> bytes:
        return data

    def dumps(self, data: bytes | str | Any) -> bytes:  # noqa: ANN401 -- the base class says so
        return data if isinstance(data, bytes) else msgspec.json.encode(data)


class _AnyBytes(_Bytes):
    mimetype = "application/yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: `content` is the decoded JSON, an empty mapping where there was none.

    `sent` is how often the request went out: where that is more than once, an earlier one may have taken effect.
    """

    status: int
    content: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    sent: int = 1

    @property
    def good(self) -> bool:
        """Whether the call succeeded. Elasticsearch has no other status for that: 204, 206 or 302 come from something
        in between, and have no body to rely on."""
        return self.status in (200, 201)

    @property
    def refused(self) -> bool:
        """Whether the cluster says no, and not only that it is too busy."""
        return 400 <= self.status < 500 and self.status != 429


class Transport:
    """The connection pool to the cluster's nodes, opened with the first call; closed by `close`."""

    def __init__(
        self, nodes: Sequence[str], tls: ClusterTls, timeout_s: float, limits: GateLimits | None = None
    ) -> None:
        self.limits = limits or GateLimits()
        # A node that is named twice is one: the library takes no duplicates.
        context = renewable_cluster(tls) if any(node.startswith("https:") for node in nodes) else None
        self.nodes = tuple(dict.fromkeys(_node_config(node, context, timeout_s) for node in nodes))
        self._transport = AsyncTransport(
            list(self.nodes),
            node_class=Node,
            serializers={"application/json": _Bytes(), "application/yaml": _AnyBytes()},
            max_retries=0,
            retry_on_timeout=False,
            sniff_on_start=False,
            meta_header=False,
        )

    async def call(
        self,
        method: str,
        path: str,
        credential: Credential,
        *,
        body: object = None,
        timeout_s: float | None = None,
        safe: bool = False,
        sink: Sink | None = None,
    ) -> Reply:
        """Send one call; `path` is already quoted. Whatever status comes back is returned.

        Where no connection comes about the next node is asked; where one breaks, only if the call is a GET, or `safe`
        to repeat. A `sink` takes the body of an answer with status 200 while it comes; the reply then has none.

        Raises:
            ClusterUnreachable: no answer, one that is cut, too long or not JSON, of a status that is neither
                200, 201 nor 4xx; and 429.
            Refusal: what the sink raises.
        """
        reading = Reading(limit_bytes=self.limits.cluster_answer_bytes, sink=sink)
        with asked(method, path) as traced:
            headers = {"accept": "application/json", **dict(traced.headers(credential.headers))}
            if body is not None:
                headers["content-type"] = "application/json"
            meta, data = await self._sent(method, path, headers, body, timeout_s, reading, safe=safe)
            traced.answered(meta.status, meta.headers)
        content = _decode(data, method, path)
        reply = Reply(status=meta.status, content=content, headers=meta.headers, sent=reading.sent.times)
        if not (reply.good or reply.refused):
            raise ClusterUnreachable(f"{method} {path.partition('?')[0]}: status {reply.status} ({_reason(reply)})")
        return reply

    async def _sent(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: object,
        timeout_s: float | None,
        reading: Reading,
        *,
        safe: bool,
    ) -> tuple[ApiResponseMeta, Any]:
        """The answer of the first node that gives one."""
        timeout = DEFAULT if timeout_s is None else timeout_s
        nodes_left = len(self.nodes)
        READING.set(reading)
        while True:
            nodes_left -= 1
            try:
                answer = await self._transport.perform_request(
                    method, path, body=body, headers=headers, request_timeout=timeout
                )
            except ClusterUnreachable as failure:
                raise ClusterUnreachable(f"{method} {path.partition('?')[0]}: {failure}") from failure
            except TransportError as failure:
                safe = safe or method == "GET"
                if not nodes_left or not _worth_another_node(failure, safe=safe, sent=reading.sent.times > 0):
                    raise ClusterUnreachable(f"{method} {path.partition('?')[0]}: {failure.message}") from failure
            else:
                return answer.meta, answer.body

    async def ask(
        self,
        method: str,
        path: str,
        credential: Credential,
        *,
        body: object = None,
        timeout_s: float | None = None,
        safe: bool = False,
    ) -> Any:  # noqa: ANN401 -- decoded JSON, whose shape the caller knows
        """As `call`, for what must succeed; the decoded content.

        Raises:
            PassedOn: the cluster refused, in its own words.
            ClusterUnreachable: as `call`.
        """
        reply = await self.call(method, path, credential, body=body, timeout_s=timeout_s, safe=safe)
        if not reply.good:
            raise refusal_of(reply)
        return reply.content

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()


def refusal_of(reply: Reply) -> PassedOn:
    """The cluster's refusal, to be passed on; its `WWW-Authenticate` goes along."""
    content = reply.content if isinstance(reply.content, Mapping) else {}
    if "error" not in content:  # not Elasticsearch's own: a proxy in between, or a route that answers nothing else
        content = error_body(reply.status, "exception", f"the cluster answered with status {reply.status}")
    challenges = reply.headers.get("www-authenticate", "")
    headers = [("WWW-Authenticate", challenge) for challenge in challenges.split(BETWEEN_VALUES) if challenge]
    return PassedOn(reply.status, {**content, "status": reply.status}, headers=headers)


def in_pieces(names: Sequence[str]) -> list[list[str]]:
    """Names in pieces whose lists, joined by commas and quoted, fit a request line; at least one piece."""
    pieces: list[list[str]] = [[]]
    size = 0
    for name in names:
        length = len(quoted(name)) + 1
        if size + length > NAMES_LIMIT_BYTES and pieces[-1]:
            pieces.append([])
            size = 0
        pieces[-1].append(name)
        size += length
    return pieces


def quoted(name: str) -> str:
    """One path segment. Commas and stars keep their meaning to Elasticsearch."""
    return quote(name, safe="*,-_.~")


def _worth_another_node(failure: TransportError, *, safe: bool, sent: bool) -> bool:
    """The transport puts a node that failed aside, so that the next call goes to another.

    A connection that does not come about may be the second one of a request whose first had broken: that was `sent`.
    """
    unsent = not sent and isinstance(failure.__cause__, ClientConnectorError | ConnectionTimeoutError)
    return isinstance(failure, ConnectionError) and (safe or unsent)


def _decode(data: Any, method: str, path: str) -> Any:  # noqa: ANN401 -- decoded JSON
    if not data:
        return {}
    if not isinstance(data, bytes):
        raise ClusterUnreachable(f"{method} {path.partition('?')[0]}: the answer is not JSON")
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise ClusterUnreachable(f"{method} {path.partition('?')[0]}: the answer is not JSON ({failure})") from failure


def _reason(reply: Reply) -> str:
    return refusal_of(reply).reason


def _node_config(node: str, context: ssl.SSLContext | None, timeout_s: float) -> NodeConfig:
    config = url_to_node_config(node, use_default_ports_for_scheme=True)
    return config.replace(
        connections_per_node=CONNECTIONS_PER_NODE,
        request_timeout=timeout_s,
        http_compress=False,
        ssl_context=context if config.scheme == "https" else None,
    )
