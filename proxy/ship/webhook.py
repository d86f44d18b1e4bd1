"""A webhook: batches as JSON arrays by POST, signed after the specification Standard Webhooks 1.0.

`webhook-signature` is `v1,` and the base64 of HMAC-SHA-256 (RFC 2104) over `id.timestamp.body`, so that whoever has the
secret knows that nobody else sent it, and when. Answers of the class 2xx take a batch; any other is tried again.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp

from proxy.renewal import renewable_cluster
from proxy.settings import WebhookSink as Settings
from proxy.ship.model import Record, Rejection, SinkFailure, Taken

# Of an answer that is no good, so much is told.
_TOLD_CHARS = 200
_PREFIX = "whsec_"


class WebhookSink:
    """A URL that takes batches."""

    name = "webhook"

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError where the authorities' file cannot be used."""
        self._url = settings.url
        # What stands behind the host is how many services know who may post: it is told neither to a log nor a page.
        at = urlsplit(settings.url)
        self._told = f"{at.scheme}://{at.netloc.rpartition('@')[2]}"
        self._key = signing_key(settings.secret)
        self._context = renewable_cluster(settings.tls) if settings.url.startswith("https:") else None
        self._session: aiohttp.ClientSession | None = None

    async def send(self, records: Sequence[Record]) -> Taken:
        """Post the records as one array. A batch that is too large for the other side is halved.

        Raises:
            SinkFailure: no answer, or one that takes nothing.
        """
        batch = records
        while True:
            status, text = await self._post(batch)
            if 200 <= status < 300:
                return Taken(len(batch))
            if status != 413:
                raise SinkFailure(f"{self._told} answered with status {status}: {text}")
            if len(batch) == 1:
                return Taken(1, (Rejection(batch[0], f"{self._told} finds it too large (status 413): {text}"),))
            batch = batch[: len(batch) // 2]

    async def _post(self, records: Sequence[Record]) -> tuple[int, str]:
        body = b"[" + b",".join(record.line for record in records) + b"]"
        headers = {"content-type": "application/json", **signed(self._key, batch_id(records), int(time.time()), body)}
        try:
            async with self._opened().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                # Answers of webhooks are short; a long one is not read to its end.
                text = (await answer.content.read(4 * _TOLD_CHARS)).decode(errors="replace")
                return answer.status, " ".join(text.split())[:_TOLD_CHARS]
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            raise SinkFailure(f"{self._told}: {str(failure) or type(failure).__name__}") from failure

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                # The shipper has a limit for a batch.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5.0),
                headers={"user-agent": "startgate"},
            )
        return self._session

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def signing_key(secret: str) -> bytes:
    """The key that a secret stands for: `whsec_` and base64 as the specification writes it, or any other text itself.

    Raises:
        ValueError: it begins like the former, and is no base64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as failure:
        raise ValueError(f"what follows {_PREFIX} is no base64: {failure}") from failure


def batch_id(records: Sequence[Record]) -> str:
    """What a batch is called: the same for the same records, so that one that comes twice can be told."""
    digest = hashlib.sha256("\n".join(record.id for record in records).encode())
    return f"msg_{digest.hexdigest()[:32]}"


def signed(key: bytes, id: str, now_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed message, at a time in seconds since 1970."""
    digest = hmac.new(key, f"{id}.{now_s}.".encode() + body, hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"webhook-id": id, "webhook-timestamp": str(now_s), "webhook-signature": f"v1,{signature}"}
