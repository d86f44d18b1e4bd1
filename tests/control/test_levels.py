"""Levels by the control socket: told, changed in all processes, recorded before."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proxy.control.client import Control
from proxy.control.levels import PATH, LevelCalls
from proxy.control.rules import RuleCalls
from proxy.control.server import serving
from proxy.errors import CannotServe, JournalError
from proxy.logs import setup
from proxy.logs.levels import NoSuchLevel
from proxy.logs.settings import Levels
from tests.gate.test_generation import SHIPPED
from tests.gate.test_rules_in_force import booted


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Levels are those of the process."""
    before = setup.current_levels()
    yield
    setup.set_levels(before)


class Records:
    """A journal that keeps, until it is full."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.full = False

    async def append(self, record: dict[str, Any]) -> None:
        """Keep it."""
        if self.full:
            raise JournalError("the disk is full")
        self.kept.append(record)


@asynccontextmanager
async def controlled(folder: Path, records: Records) -> AsyncIterator[Path]:
    """The socket's path."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "start.yml").write_text(SHIPPED)
    scene = booted(rules)
    path = folder / "control.sock"
    more: list[web.RouteDef] = LevelCalls(records.append).routes()
    async with serving(path, RuleCalls(rules=scene.rules), None, more):
        yield path
    scene.rules.close()


async def test_they_are_told_and_changed(tmp_path: Path) -> None:
    records = Records()
    async with controlled(tmp_path, records) as path:
        control = Control(path)
        assert await control.levels() == Levels()
        changed = Levels(each={"proxy.edge": "debug"})
        assert await control.change_level("debug", "proxy.edge") == changed
        assert setup.current_levels() == changed
        assert await control.change_level("error") == Levels(level="error", each=changed.each)
        assert await control.change_level("default", "proxy.edge") == Levels(level="error")
    events = [(one["event"]["action"], one["event"]["reason"]) for one in records.kept]
    assert events == [
        ("startgate-log-level", "proxy.edge: debug, and was default"),
        ("startgate-log-level", "log.level: error, and was info"),
        ("startgate-log-level", "proxy.edge: default, and was debug"),
    ]
    me = f"user {os.geteuid()}, process {os.getpid()}"
    assert [one["startgate"]["admin"]["by"] for one in records.kept] == [me] * 3


@pytest.mark.parametrize(
    ("level", "logger", "told"),
    [
        ("loud", "", "a level is one of debug, info"),
        ("default", "", "a level is one of debug, info"),
        ("debug", "proxy.egde", "did you mean 'proxy.edge'?"),
        ("debug", "elastic_transport", "each begins with proxy"),
    ],
)
async def test_what_there_is_not_is_refused(tmp_path: Path, level: str, logger: str, told: str) -> None:
    records = Records()
    async with controlled(tmp_path, records) as path:
        with pytest.raises(NoSuchLevel) as refusal:
            await Control(path).change_level(level, logger)
    assert told in str(refusal.value)
    assert (records.kept, setup.current_levels()) == ([], Levels())


async def test_nothing_changes_without_a_record(tmp_path: Path) -> None:
    records = Records()
    records.full = True
    async with controlled(tmp_path, records) as path:
        with pytest.raises(CannotServe, match="no change of levels without a record: the disk is full"):
            await Control(path).change_level("debug")
    assert setup.current_levels() == Levels()


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"level": 3}', b"\xff"])
async def test_what_cannot_be_read_is_refused(tmp_path: Path, body: bytes) -> None:
    async with (
        controlled(tmp_path, Records()) as path,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as session,
        session.post(f"http://gate{PATH}", data=body) as response,
    ):
        assert response.status == 400
        assert "the level cannot be read" in json.loads(await response.text())["error"]
