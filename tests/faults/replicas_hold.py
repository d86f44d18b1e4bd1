"""A cluster that is held at a call, so that something can be done to the way there meanwhile."""

import asyncio
import re
from dataclasses import dataclass, field

from proxy.embedded.backend import Answer, Call
from proxy.embedded.front import Front


@dataclass(slots=True)
class Point:
    """Where the cluster is held once: at a call, which has been `done` by then, or never comes to it."""

    call: str
    done: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


class Held(Front):
    """The embedded cluster's front, which holds the first call of that kind at `point`."""

    point: Point | None = None

    async def call(self, call: Call) -> Answer:
        """The cluster's answer; where the call is not done, an answer that nobody waits for any more."""
        point = Held.point
        if point is None or re.fullmatch(point.call, f"{call.method} {call.target.partition('?')[0]}") is None:
            return await super().call(call)
        Held.point = None
        answer = await super().call(call) if point.done else Answer(status=503)
        point.reached.set()
        await point.go_on.wait()
        return answer
