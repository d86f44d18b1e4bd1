"""`/v1/starts`: the list, one start, and the live feed."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from aiohttp import web

from proxy.admin.api import Call, Endpoint, Role
from proxy.admin.shown.starts import FeedQuery, StartDetail, Starts, StartsQuery
from proxy.admin.views.feed import Allowed, Event, FeedView
from proxy.admin.views.start import StartView
from proxy.admin.views.starts import StartsView

# A browser that takes nothing for so long gets nothing more: it comes back where it is there.
TAKE_S: Final = 30.0
# After a break, so long is waited before the browser connects again.
RETRY_MS: Final = 2000
# Fronts that hold answers back (nginx) are told not to.
HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


def endpoints(starts: StartsView, start: StartView, feed: FeedView, allowed: Allowed) -> list[Endpoint]:
    """The endpoints of these views; `allowed` says whether a viewer may still see what they see."""

    async def listed(call: Call) -> Starts:
        return await starts.list(call.viewer, call.query)

    async def one(call: Call) -> StartDetail:
        return await start.one(call.viewer, call.path["receipt"])

    async def live(call: Call) -> web.StreamResponse:
        last = call.request.headers.get("Last-Event-ID") or call.query.last
        # A connection that was closed has no transport; while nothing is sent, nothing else tells.
        events = feed.open(call.viewer, call.query, last, allowed, lambda: call.request.transport is None)
        return await sent(call.request, events)

    return [
        Endpoint(
            method="GET",
            path="/v1/starts",
            role=Role.OWN,
            handler=listed,
            summary="The newest starts, filtered, by pages.",
            query=StartsQuery,
            answer=Starts,
        ),
        Endpoint(
            method="GET",
            path="/v1/starts/feed",
            role=Role.OWN,
            handler=live,
            summary="Starts as they come and change, as server-sent events.",
            query=FeedQuery,
            media_type="text/event-stream",
        ),
        Endpoint(
            method="GET",
            path="/v1/starts/{receipt}",
            role=Role.OWN,
            handler=one,
            summary="One start, with its records.",
            answer=StartDetail,
        ),
    ]


async def sent(request: web.Request, events: AsyncGenerator[Event, None]) -> web.StreamResponse:
    """Send events for as long as they come and are taken (HTML, section 9.2)."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    try:
        # So that the browser knows at once that it is connected.
        await response.write(b"retry: %d\n\n" % RETRY_MS)
        async for event in events:
            async with asyncio.timeout(TAKE_S):
                await response.write(text_of(event))
    except (ConnectionError, TimeoutError):
        # Gone, or asleep.
        response.force_close()
    finally:
        await events.aclose()
    return response


def text_of(event: Event) -> bytes:
    """An event as it is sent; JSON has no newlines."""
    if event.kind == "heartbeat":
        return b": heartbeat\n\n"
    return b"event: %s\nid: %s\ndata: %s\n\n" % (event.kind.encode(), event.id.encode(), event.data)
