"""`/v1/journal`: how it stands, checking its chain, and its records for download."""

import asyncio
import logging
from typing import Final

from aiohttp import web

from proxy.admin.api import Call, Endpoint, Role
from proxy.admin.shown.journal import ExportQuery, Journal, Verification
from proxy.admin.views.exporting import FORMS, BrokenOff
from proxy.admin.views.journal import JournalView

logger = logging.getLogger(__name__)

VERIFY_ACT: Final = "startgate-journal-verify"
EXPORT_ACT: Final = "startgate-journal-export"
# Whoever takes nothing for so long has gone.
TAKE_S: Final = 60.0


def endpoints(journal: JournalView) -> list[Endpoint]:
    """The endpoints of the view."""

    async def show(call: Call) -> Journal:
        return await journal.show(call.viewer)

    async def verify(call: Call) -> Verification:
        return await journal.verify(call.viewer)

    async def export(call: Call) -> web.StreamResponse:
        return await exported(journal, call)

    return [
        Endpoint(
            method="GET",
            path="/v1/journal",
            role=Role.READ,
            handler=show,
            summary="The journal's files, how it stands, its sinks, and the last check of its chain.",
            answer=Journal,
        ),
        Endpoint(
            method="POST",
            path="/v1/journal/verify",
            role=Role.WRITE,
            handler=verify,
            summary="Have the chain checked in the background.",
            answer=Verification,
            statuses=(409,),
            act=VERIFY_ACT,
        ),
        Endpoint(
            method="GET",
            path="/v1/journal/export",
            role=Role.READ,
            handler=export,
            summary="Records, as JSON lines or CSV, as `startgate audit export` gives them.",
            query=ExportQuery,
            media_type=FORMS["jsonl"],
            also=(FORMS["csv"].partition(";")[0],),
            act=EXPORT_ACT,
        ),
    ]


async def exported(journal: JournalView, call: Call) -> web.StreamResponse:
    """A download, block by block, as fast as it is taken. What breaks off ends without an end, which clients notice."""
    query: ExportQuery = call.query
    blocks = await journal.export(call.viewer, query)
    response = web.StreamResponse(
        headers={
            "Content-Type": FORMS[query.form],
            "Content-Disposition": f'attachment; filename="startgate-journal.{query.form}"',
        }
    )
    await response.prepare(call.request)
    try:
        async for block in blocks:
            async with asyncio.timeout(TAKE_S):
                await response.write(block)
    except (BrokenOff, ConnectionError, TimeoutError) as failure:
        logger.warning("an export of the journal broke off: %s", failure)
        if call.request.transport is not None:
            call.request.transport.abort()
    finally:
        await blocks.aclose()
    return response
