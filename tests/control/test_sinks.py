"""How sinks stand, by the control socket."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.control.client import Control
from proxy.control.rules import RuleCalls
from proxy.control.server import serving
from proxy.control.sinks import SinkCalls
from proxy.errors import CannotServe
from proxy.ship.model import Lag, Status
from tests.gate.test_generation import SHIPPED
from tests.gate.test_rules_in_force import booted

WELL = Status(sink="syslog", lag=Lag(), accepted=7)
BROKEN = Status(sink="webhook", lag=Lag(records=3, seconds=1.5, bytes=900), failures=4, trouble="it answered with 500")


@pytest.mark.parametrize("told", [(), (WELL, BROKEN)])
async def test_each_sink_is_told_with_what_keeps_it(tmp_path: Path, told: Sequence[Status]) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "start.yml").write_text(SHIPPED)
    scene = booted(tmp_path / "rules")
    socket = tmp_path / "control.sock"
    async with serving(socket, RuleCalls(rules=scene.rules), None, SinkCalls(lambda: told).routes()):
        assert await Control(socket).sinks() == tuple(told)
    scene.rules.close()
    with pytest.raises(CannotServe, match="no gate answers"):
        await Control(socket).sinks()
