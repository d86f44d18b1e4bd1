"""`GET /v1/sinks`: how each sink stands, with what keeps it from taking more, in its own words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.control.answers import answer
from proxy.ship.model import Status

PATH: Final = "/v1/sinks"


@dataclass(frozen=True, slots=True)
class SinkCalls:
    """Answers the call; `status` says how the sinks of this gate stand."""

    status: Callable[[], Sequence[Status]]

    def routes(self) -> list[web.RouteDef]:
        """The call and its handler."""
        return [web.get(PATH, self._show, allow_head=False)]

    async def _show(self, _request: web.Request) -> web.Response:
        return answer(200, tuple(self.status()))
