"""Plans and explanations of the gate, asked at its own socket as an edge asks, in a viewer's name.

The socket is there wherever clients are listened to, and however: with TLS, with clients' certificates, behind a front.
Only this user can connect to it, and the gate believes there what an edge tells it: so nothing of a viewer's request is
passed on but who they are and where they are connected from. See docs/decisions/148-how-a-case-is-tried.md.
"""

from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from proxy.admin.api import ApiError
from proxy.admin.views.planned import Told
from proxy.gate.request import EXPLAIN_HEADER, EXPLAIN_PARAMETER, ONLY, PLAN_HEADER, PLAN_PARAMETER

RECEIPT_HEADER: Final = "X-Startgate-Receipt"
PEER_HEADER: Final = "X-Startgate-Peer"
# A plan about ten thousand sources is read in seconds; a slow cluster may take longer. As the command waits.
TIMEOUT_S: Final = 120.0
# Such a plan has some MiB.
DOCUMENT_BYTES: Final = 64 * 1024 * 1024
# What the cluster's own logs, and ours, tell these calls by.
OPAQUE_ID: Final = "startgate-admin"


class GateSocket:
    """The gate that serves at a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def plan(self, job: str, authorization: str, peer: str) -> Told:
        """What a start would do. `peer` is where the viewer is connected from (`ip:port`). Raises ApiError 503."""
        return await self._ask(job, authorization, peer, PLAN_HEADER, PLAN_PARAMETER)

    async def explanation(self, job: str, authorization: str, peer: str) -> Told:
        """Why it would be allowed or denied. As `plan`."""
        return await self._ask(job, authorization, peer, EXPLAIN_HEADER, EXPLAIN_PARAMETER)

    async def _ask(self, job: str, authorization: str, peer: str, header: str, parameter: str) -> Told:
        # The parameter stands beside the header for the same reason as in the command: no start by mistake.
        target = f"/_ml/data_frame/analytics/{quote(job, safe='')}/_start?{parameter}={ONLY}"
        headers = {
            header: ONLY,
            PEER_HEADER: peer,
            "Authorization": authorization,
            "Accept": "application/json",
            "X-Opaque-Id": OPAQUE_ID,
        }
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(path=str(self._socket)),
                    timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                    skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
                ) as session,
                session.post(URL(f"http://gate{target}", encoded=True), headers=headers) as response,
            ):
                body = await _read(response)
                return Told(
                    status=response.status,
                    content=_decoded(body),
                    receipt=response.headers.get(RECEIPT_HEADER, ""),
                )
        except TimeoutError:
            text = f"the gate did not answer within {TIMEOUT_S:g} s"
        except (aiohttp.ClientError, OSError) as failure:
            text = f"the gate does not answer: {failure}"
        raise ApiError(503, text)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > DOCUMENT_BYTES:
            raise ApiError(503, f"the plan is longer than {DOCUMENT_BYTES // 1024**2} MiB; `startgate plan` shows it")
    return bytes(content)


def _decoded(body: bytes) -> dict[str, object]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise ApiError(503, "the gate's answer is no JSON") from failure
    if not isinstance(content, dict):
        raise ApiError(503, "the gate's answer is no document")
    return content
