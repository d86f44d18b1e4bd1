"""The gate's process: serves on its Unix socket, and says what is wrong with its rules and its journal."""

import asyncio
import gc
import signal
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from proxy import gate_process
from proxy.config import shipped_rules
from proxy.orders import GateOrder
from proxy.settings import GateSettings
from tests.children import complained, running, said

ARGUMENTS = ["-m", "proxy.gate_process"]


def order(folder: Path, *, rules: Path | None = None, journal: Path | None = None) -> bytes:
    """An order for a gate in front of a cluster that is not there."""
    settings = GateSettings(
        socket=str(folder / "gate.sock"),
        nodes=("http://127.0.0.1:9",),
        rules=str(rules or shipped_rules()),
        journal=str(journal or folder / "journal"),
    )
    return msgspec.json.encode(GateOrder(name="gate", settings=settings))


async def test_it_answers_on_its_socket_and_stops(tmp_path: Path) -> None:
    async with running(ARGUMENTS, order(tmp_path)) as process:
        assert await said(process) == "ready"
        path = tmp_path / "gate.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 503 "), answer
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize("broken", ["rules", "journal"])
async def test_what_an_operator_must_mend_ends_it(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "broken.yml"
    path.write_text("version: 1\nstart_data_frame_analytics: {requires: {}}\n")
    told = order(tmp_path, rules=path) if broken == "rules" else order(tmp_path, journal=path)
    async with running(ARGUMENTS, told) as process:
        status, complaint = await complained(process)
    assert status == 2
    assert "CRITICAL gate:" in complaint
    assert "broken.yml" in complaint
    assert "Traceback" not in complaint


def test_threads_take_turns_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a thread that makes a big plan would hold up each step of a start by 5 ms."""
    monkeypatch.setattr("proxy.child.read_order", lambda: order(tmp_path))
    monkeypatch.setattr("proxy.child.run", lambda work: 0)
    monkeypatch.setattr("proxy.logs.configure", lambda *_: None)
    monkeypatch.setattr("proxy.logs.passing.listened_to", lambda: None)
    before = sys.getswitchinterval()
    try:
        assert gate_process.main() == 0
        assert sys.getswitchinterval() == pytest.approx(gate_process.SWITCH_S)
        assert before > gate_process.SWITCH_S
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
