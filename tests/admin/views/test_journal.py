"""The journal as a whole, for whom it is."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from proxy.admin.api import ApiError
from proxy.admin.shown.journal import ExportQuery
from proxy.admin.views.journal import JournalView
from proxy.admin.views.sinks import FAILING
from proxy.control.client import Control
from proxy.control.sinks import SinkCalls
from proxy.ship import cursor as cursors
from proxy.ship import source
from proxy.ship.model import Lag, Status
from tests.admin.views.reading import ANNA, READ, WRITE
from tests.journal.making import opened, record, sealed, write

PATIENCE_S = 60.0


def journal(folder: Path) -> Path:
    """A journal with a sink."""
    write(folder, sealed([opened(), record("r")])[0])
    cursors.save(folder, "syslog", source.beginning(folder))
    return folder


async def test_all_of_it(tmp_path: Path) -> None:
    view = JournalView(journal(tmp_path), None, lambda: {"syslog": False})
    found = await view.show(READ)
    assert (found.folder, found.standing, len(found.files)) == (str(tmp_path), None, 1)
    assert "no control socket" in found.reason
    assert found.bytes == found.files[0].bytes > 0
    assert [(sink.name, sink.lag_records) for sink in found.sinks] == [("syslog", 2)]
    assert found.verification.state == "never"


async def test_a_gate_that_is_away_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    view = JournalView(tmp_path / "none", Control(tmp_path / "none.sock"), dict)
    found = await view.show(READ)
    assert (found.files, found.sinks) == ((), ())
    assert "there is no journal" in found.reason
    away = await JournalView(journal(tmp_path / "j"), Control(tmp_path / "none.sock"), dict).show(READ)
    assert "no gate answers" in away.reason
    assert away.files


async def test_who_may_do_what(tmp_path: Path) -> None:
    view = JournalView(journal(tmp_path), None, dict)
    for refused in (view.show(ANNA), view.verify(READ), view.export(ANNA, ExportQuery())):
        with pytest.raises(ApiError) as caught:
            await refused
        assert caught.value.status == 403
    assert [block async for block in await view.export(READ, ExportQuery())]


async def test_a_check_is_shown_until_its_end(tmp_path: Path) -> None:
    view = JournalView(journal(tmp_path), None, dict)
    assert (await view.verify(WRITE)).by == "root"
    async with asyncio.timeout(PATIENCE_S):
        while (found := (await view.show(READ)).verification).state == "running":  # noqa: ASYNC110 -- of a process
            await asyncio.sleep(0.01)
    assert (found.state, found.records) == ("sound", 2)
    await view.close()


async def test_a_sinks_last_failure_is_told_in_its_own_words(tmp_path: Path) -> None:
    """Of a gate that does not answer, what it counted last."""
    folder, socket = journal(tmp_path / "j"), tmp_path / "control.sock"
    view = JournalView(folder, Control(socket), lambda: {"syslog": True})
    assert [one.reason for one in (await view.show(READ)).sinks] == [FAILING]
    app = web.Application()
    app.add_routes(SinkCalls(lambda: (Status(sink="syslog", lag=Lag(), trouble="127.0.0.1:1: refused"),)).routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        assert [one.reason for one in (await view.show(READ)).sinks] == ["127.0.0.1:1: refused"]
    finally:
        await runner.cleanup()
