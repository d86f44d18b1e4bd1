"""The admin process: becomes ready, answers, ends; and the workers load nothing of what it is made of."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec

from proxy.orders import AdminOrder
from proxy.settings import AdminPort, AdminSettings
from tests.children import running, said

ARGUMENTS = ["-m", "proxy.admin_process"]
PATIENCE_S = 60.0


async def test_it_answers_and_stops(tmp_path: Path) -> None:
    settings = AdminSettings(
        listen=AdminPort(host="127.0.0.1", port=0),
        processes=("gate",),
        nodes=("http://127.0.0.1:9",),
        journal=str(tmp_path),
    )
    order = AdminOrder(name="admin", settings=settings, metrics=str(tmp_path / "metrics.sock"))
    async with running(ARGUMENTS, msgspec.json.encode(order)) as process:
        assert await said(process) == "ready"
        assert (tmp_path / "metrics.sock").exists()
        assert process.stderr is not None
        line = await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        address = re.search(rb"metrics and health at (http://127\.0\.0\.1:\d+)", line)
        assert address is not None, line
        async with aiohttp.ClientSession() as session, session.get(f"{address[1].decode()}/health/live") as response:
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


def test_a_worker_loads_neither_the_library_nor_the_admin_port() -> None:
    code = "import sys, proxy.edge_process; print(sorted(m for m in sys.modules if m.startswith(('prom', 'proxy.ad'))))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
