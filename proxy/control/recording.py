"""`POST /v1/acts`: what was done at the admin port gets onto the record."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from proxy.control.acts import Act, record_of
from proxy.control.answers import answer, error
from proxy.errors import JournalError

PATH = "/v1/acts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The `event.id` of the record."""

    id: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Answers the call. `append` puts a record onto the disk, and raises JournalError where it cannot."""

    append: Callable[[dict[str, Any]], Awaitable[object]]

    def routes(self) -> list[web.RouteDef]:
        """The call and its handler."""
        return [web.post(PATH, self._record)]

    async def _record(self, request: web.Request) -> web.Response:
        id = secrets.token_hex(16)
        try:
            act = msgspec.json.decode(await request.read(), type=Act)
            record = record_of(act, id, time.time_ns() // 1_000_000)
        except (msgspec.DecodeError, ValueError) as failure:
            return error(400, f"the act cannot be read: {failure}")
        try:
            await self.append(record)
        except JournalError as failure:
            return error(503, f"it is not on record: {failure}")
        return answer(200, Recorded(id=id))
