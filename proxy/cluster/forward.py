"""Passes the start itself on: request target, headers and body as they came, the answer as the cluster gave it.

This is the one call that does not go through the official client's transport: that would decode the answer, and
re-quote the target. See docs/decisions/023-the-start-is-forwarded-raw.md.
"""

from collections.abc import Sequence

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from proxy.cluster.node import CONNECT_S
from proxy.cluster.transport import CONNECTIONS_PER_NODE
from proxy.errors import ClusterUnreachable
from proxy.gate.request import header_text
from proxy.model import Answer
from proxy.renewal import renewable_cluster
from proxy.settings import ClusterTls
from proxy.tracing.current import asked, sent_to

# RFC 9110 §7.6.1, and what the connection to the cluster sets for itself.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# aiohttp adds these by itself where they are missing.
UNASKED = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class Forwarder:
    """A connection pool for starts. One node after the other is asked, each only if no byte reached the one before."""

    def __init__(self, nodes: Sequence[str], tls: ClusterTls) -> None:
        self.nodes = [URL(node, encoded=True) for node in nodes]
        secure = any(node.scheme == "https" for node in self.nodes)
        connector = aiohttp.TCPConnector(
            limit_per_host=CONNECTIONS_PER_NODE, ssl=renewable_cluster(tls) if secure else True
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=UNASKED,
        )

    async def forward(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """POST the start; any answer is returned as it is.

        Raises:
            ClusterUnreachable: no node could be reached, or the answer did not come whole in `timeout_s` seconds; the
                start may have happened then.
        """
        with asked("POST", target) as traced:
            answer = await self._first(target, traced.headers(headers), body, timeout_s)
            traced.answered(answer.status, {name.lower(): value for name, value in answer.headers})
        return answer

    async def _first(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """The answer of the first node that can be reached."""
        failure: Exception | None = None
        for node in self.nodes:
            try:
                return await self._post(node, target, headers, body, timeout_s)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as unreachable:  # nothing was sent
                failure = unreachable
            except (TimeoutError, aiohttp.ClientError, OSError) as broken:
                text = f"the start was sent to {node} and no whole answer came: {str(broken) or type(broken).__name__}"
                raise ClusterUnreachable(text) from broken
        raise ClusterUnreachable(f"no node could be reached: {failure}") from failure

    async def _post(
        self, node: URL, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float
    ) -> Answer:
        base = str(node).rstrip("/")
        sent_to(base, target)
        url = URL(base + target, encoded=True)
        sent = _sent(headers)
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        async with self._session.post(
            url, headers=sent, data=body or None, timeout=timeout, allow_redirects=False
        ) as response:
            content = await response.read()
        kept = tuple(
            (name, header_text(raw_value))
            for raw_name, raw_value in response.raw_headers
            if (name := header_text(raw_name)).lower() not in HOP_BY_HOP
        )
        return Answer(status=response.status, headers=kept, body=content)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _sent(headers: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    """All headers but hop-by-hop ones, in order. Of a name that comes in several spellings the first is used for all:
    aiohttp takes the others for replacements."""
    spelled: dict[str, str] = {}
    return CIMultiDict(
        (spelled.setdefault(name.lower(), name), value) for name, value in headers if name.lower() not in HOP_BY_HOP
    )
