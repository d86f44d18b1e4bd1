"""`/v1/health`: as `/health/ready`, for viewers, always with status 200."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from proxy.admin.api import Call, Endpoint, Role
from proxy.admin.health import STARTS, TRAFFIC, Health


class Wanted(StrEnum):
    """What it has to be ready for."""

    STARTS = STARTS
    TRAFFIC = TRAFFIC


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthQuery:
    """For what it has to be ready."""

    wanted: Wanted = Wanted.STARTS


def endpoints(health: Callable[[str], Awaitable[Health]]) -> list[Endpoint]:
    """`health` says how everything stands."""

    async def show(call: Call) -> Health:
        return await health(call.query.wanted.value)

    return [
        Endpoint(
            method="GET",
            path="/v1/health",
            role=Role.READ,
            handler=show,
            summary="How everything stands: checks and processes.",
            query=HealthQuery,
            answer=Health,
        )
    ]
