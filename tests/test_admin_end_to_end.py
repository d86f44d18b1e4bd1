"""The admin port of a whole Startgate: what is done there is in its journal, and commands find it by themselves."""

import json
from pathlib import Path

import aiohttp
import pytest

from proxy.admin.client import get as ask
from proxy.admin.client import near
from proxy.admin.endpoints.session import Session
from proxy.commands.running import Running
from proxy.demo.place import ADMIN, running
from proxy.gate.standing import Outcome
from proxy.journal import read as journal
from proxy.journal.standing import JournalState
from proxy.logs.levels import NoSuchLevel

pytestmark = pytest.mark.slow


async def test_acts_are_in_the_journal() -> None:
    # Of an address, cookies are kept by browsers, and by this library only where it is told to.
    jar = aiohttp.CookieJar(unsafe=True)
    async with running(0, 0) as place, aiohttp.ClientSession(place.page, cookie_jar=jar) as session:
        shown = {"username": ADMIN.name, "password": ADMIN.password}
        async with session.post("/v1/session", json=shown) as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
            assert (told["role"], told["lowered"]) == ("write", "")
        headers = {"X-Startgate-CSRF": told["csrf"]}
        async with session.post("/v1/rules/reload", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        async with session.put("/v1/log", headers=headers, json={"level": "error"}) as answer:
            assert answer.status == 200, await answer.text()
        async with session.get("/starts", headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200, await answer.text()
        port = place.config.admin
        assert port is not None
        assert (await ask(near(port), "/v1/session", Session)).realm == "startgate:socket"
        # What commands ask of the machine itself.
        here = Running(near(port), None)
        assert (await here.standing()).attempts[0].by.startswith(f"{ADMIN.name} of the realm")
        assert (await here.reload(60)).outcome is Outcome.UNCHANGED
        assert (await here.journal()).state is JournalState.WRITABLE
        assert (await here.levels()).level == "error"
        with pytest.raises(NoSuchLevel, match="a level is one of"):
            await here.change_level("loud", "")
        async with session.delete("/v1/session", headers=headers) as answer:
            assert answer.status == 200
        found = [
            (record["event"]["action"], record["startgate"]["admin"].get("by", "").partition(" ")[0].rstrip(","))
            for record in journal.administrative(Path(place.config.journal))
        ]
    wanted = ["startgate-admin-sign-in", "startgate-rules-reload", "startgate-log-level", "startgate-admin-sign-out"]
    assert [action for action, by in found if action in wanted and by == ADMIN.name] == wanted
    # And that of the machine itself.
    assert [action for action, by in found if by and by != ADMIN.name] == ["startgate-rules-reload"]
    assert ADMIN.password not in json.dumps(found)
