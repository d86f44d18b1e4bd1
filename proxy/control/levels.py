"""`GET` and `POST /v1/log`: how much is logged, and changing it in all processes. A change is recorded before."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from proxy.control.answers import answer, error
from proxy.control.peer import PEER
from proxy.errors import JournalError
from proxy.journal.entry import administrative, cut
from proxy.logs.levels import INHERIT, NoSuchLevel, changed
from proxy.logs.passing import ask
from proxy.logs.settings import Levels
from proxy.logs.setup import current_levels

PATH: Final = "/v1/log"
LEVEL_ACTION: Final = "startgate-log-level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A level that somebody wants: of a logger, or in general where `logger` is empty. `by` is who, where the caller
    asks for somebody else."""

    level: str
    logger: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class LevelCalls:
    """Answers the calls. `append` puts a record onto the disk, and raises JournalError where it cannot."""

    append: Callable[[dict[str, Any]], Awaitable[object]]

    def routes(self) -> list[web.RouteDef]:
        """The calls and their handlers."""
        return [web.get(PATH, self._show, allow_head=False), web.post(PATH, self._change)]

    async def _show(self, _request: web.Request) -> web.Response:
        return answer(200, current_levels())

    async def _change(self, request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=Wish)
        except msgspec.DecodeError as failure:
            return error(400, f"the level cannot be read: {failure}")
        try:
            changed(current_levels(), wish.level, wish.logger or None)
        except NoSuchLevel as failure:
            return error(422, str(failure))
        try:
            await self.append(_record(wish, current_levels(), str(request[PEER])))
        except JournalError as failure:
            return error(503, f"no change of levels without a record: {failure}")
        # Of the levels as they are by now: somebody else may have changed another meanwhile.
        ask(changed(current_levels(), wish.level, wish.logger or None))
        return answer(200, current_levels())


def _record(wish: Wish, before: Levels, by: str) -> dict[str, Any]:
    was = before.each.get(wish.logger, INHERIT) if wish.logger else before.level
    what = f"{wish.logger or 'log.level'}: {wish.level}, and was {was}"
    now_ms = time.time_ns() // 1_000_000
    record = administrative(LEVEL_ACTION, secrets.token_hex(16), now_ms, outcome="success", reason=what)
    record["startgate"]["admin"] = {"by": cut(f"{wish.by}, by way of {by}" if wish.by else by)}
    return record
