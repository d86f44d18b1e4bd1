"""Acts get onto the record by the control socket, or whoever hands one over is told that it is not."""

from pathlib import Path

import pytest

from proxy.control.acts import EXPORT, Act
from proxy.control.client import Control
from proxy.errors import CannotServe
from tests.admin.visiting import recording as recording_gate


async def test_an_act_is_recorded(tmp_path: Path) -> None:
    async with recording_gate(tmp_path) as gate:
        await Control(tmp_path / "control.sock").record(Act(action=EXPORT, by="ann"))
        assert gate.acts == [(EXPORT, "ann", "success")]


async def test_one_that_is_not_on_the_disk_is_told(tmp_path: Path) -> None:
    async with recording_gate(tmp_path) as gate:
        gate.full = True
        with pytest.raises(CannotServe, match="not on record: the disk is full"):
            await Control(tmp_path / "control.sock").record(Act(action=EXPORT, by="ann"))


@pytest.mark.parametrize("action", ["start-data-frame-analytics", ""])
async def test_nothing_else_gets_onto_the_record(tmp_path: Path, action: str) -> None:
    async with recording_gate(tmp_path) as gate:
        with pytest.raises(CannotServe, match="cannot be read"):
            await Control(tmp_path / "control.sock").record(Act(action=action, by="ann"))
        assert gate.records == []
