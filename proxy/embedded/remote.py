"""A genuine node as the backend."""

import aiohttp
from yarl import URL

from proxy.embedded.backend import Answer, Call
from proxy.embedded.failure import Failure

# Hop-by-hop (RFC 9110 §7.6.1) and what the client library writes itself.
_NOT_PASSED = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
)
# Credentials are for the layer: the node behind it has no security and would not know them.
_KEPT_BACK = frozenset({"authorization", "es-secondary-authorization", "es-security-runas-user"})
_AUTOMATIC = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})


class RemoteNode:
    """Hands calls to the node at `url`; targets and bodies go and come as they are, compressed or not."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def call(self, call: Call) -> Answer:
        """The node's own answer. Raises `Failure` 503 where it cannot be reached."""
        session = self._open()
        spelt: dict[str, str] = {}
        # The client library takes the same name in another spelling for a replacement, not for a second header.
        headers = [
            (spelt.setdefault(name.lower(), name), value)
            for name, value in call.headers
            if name.lower() not in _NOT_PASSED | _KEPT_BACK
        ]
        try:
            async with session.request(
                call.method,
                URL(self._url + call.target, encoded=True),
                headers=headers,
                data=call.body or None,
                skip_auto_headers=_AUTOMATIC,
                # A redirect is the node's answer as any other.
                allow_redirects=False,
            ) as answered:
                body = await answered.read()
                raw = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in answered.raw_headers)
                kept = tuple((n, v) for n, v in raw if _answer_header(call.method, n))
                return Answer(status=answered.status, headers=kept, body=body)
        except aiohttp.ClientError as fault:
            raise Failure(503, "no_node_available_exception", f"{self._url} cannot be reached: {fault}") from fault

    async def close(self) -> None:
        """Close the connections to the node."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))
        return self._session


def _answer_header(method: str, name: str) -> bool:
    # The length in an answer to HEAD tells of a body that is not there: it cannot be counted again.
    return name.lower() not in _NOT_PASSED or (method == "HEAD" and name.lower() == "content-length")
