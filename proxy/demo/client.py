"""One request through the proxy, and the line for curl that repeats it by hand."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from proxy.demo.data import Person
from proxy.embedded.app import basic

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Got:
    """An answer: its JSON in `content`, and the receipt that a start's answer carries."""

    status: int
    content: Any = field(repr=False)
    receipt: str | None = None

    @property
    def reason(self) -> str:
        """The text of an error; empty for anything else."""
        error = self.content.get("error", "") if isinstance(self.content, Mapping) else ""
        return str(error.get("reason", "")) if isinstance(error, Mapping) else str(error)


class Client:
    """Sends as one person at a time to one address. An async context manager."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, who: Person, method: str, path: str, body: object = None) -> Got:
        """One request. `body` is sent as JSON, or as lines of JSON where it is bytes."""
        if self._session is None:
            raise RuntimeError("the client is not open")
        headers = {"authorization": basic(who.name, who.password)}
        data: bytes | None = None
        if body is not None:
            ndjson = isinstance(body, bytes)
            headers["content-type"] = "application/x-ndjson" if ndjson else "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(method, self.address + path, headers=headers, data=data) as answer:
            content = await answer.json(content_type=None)
            return Got(answer.status, content, answer.headers.get("x-startgate-receipt"))

    def curl(self, who: Person, method: str, path: str, body: object = None) -> str:
        """The same request as a line for a shell."""
        parts = ["curl", "-sS", "-u", f"{who.name}:{who.password}"]
        if method != "GET":
            parts.append(f"-X{method}")
        if body is not None:
            parts += ["-H", "content-type: application/json", "-d", json.dumps(body)]
        return shlex.join([*parts, self.address + path])
