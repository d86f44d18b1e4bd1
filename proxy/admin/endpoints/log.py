"""`/v1/log`: how much is logged, and changing it in all processes. The gate records a change before it is made."""

from dataclasses import dataclass

from proxy.admin.api import ApiError, Call, Endpoint, Role, Viewer
from proxy.control.client import Control
from proxy.errors import CannotServe
from proxy.logs.levels import NoSuchLevel
from proxy.logs.settings import Levels

PATH = "/v1/log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level that somebody wants (docs/logs.md): of a logger, or in general where `logger` is empty."""

    level: str
    logger: str = ""


def endpoints(control: Control) -> list[Endpoint]:
    """All of them."""

    async def show(_call: Call) -> Levels:
        try:
            return await control.levels()
        except CannotServe as failure:
            raise ApiError(503, str(failure)) from None

    async def change(call: Call) -> Levels:
        wish: Level = call.body
        try:
            return await control.change_level(wish.level, wish.logger, by_of(call.viewer))
        except NoSuchLevel as failure:
            raise ApiError(422, str(failure), where="level") from None
        except CannotServe as failure:
            raise ApiError(503, str(failure)) from None

    return [
        Endpoint(
            method="GET",
            path=PATH,
            role=Role.WRITE,
            handler=show,
            summary="How much is logged.",
            answer=Levels,
        ),
        Endpoint(
            method="PUT",
            path=PATH,
            role=Role.WRITE,
            handler=change,
            summary="Have all processes log more, or less, until they end; recorded.",
            body=Level,
            answer=Levels,
            statuses=(422,),
        ),
    ]


def by_of(viewer: Viewer) -> str:
    """A viewer as records name who asked."""
    return f"{viewer.name} ({viewer.realm})"
