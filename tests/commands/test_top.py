"""`startgate top`: one frame for a script, frames in a terminal until q."""

import asyncio
import contextlib
import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from proxy.admin.health import Health, Judged
from proxy.admin.shown.starts import StartRow, Starts
from proxy.admin.shown.traffic import NodeRow, ProcessRow, Traffic
from proxy.commands.top import Seen, frame

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]
ROW = StartRow(
    receipt="r",
    time="2026-01-31T09:00:00.000Z",
    job="evil\x1b[2J",
    user="anna",
    realm="native1",
    secondary="",
    sources=(),
    destination="out",
    verdict="denied",
    status=403,
    reason="",
    duration_ms=12.5,
    ended="",
)
GATE = ProcessRow(
    name="gate",
    up=False,
    pid=None,
    up_for_s=None,
    cpu_share=None,
    memory_bytes=None,
    loop_lag_ms=None,
    deaths=2,
)
TRAFFIC = Traffic(
    time="2026-01-31T09:00:00.000Z",
    requests_per_s=12.0,
    bytes_in_per_s=2048.0,
    bytes_out_per_s=5e9,
    errors_per_s=0.5,
    in_flight=3,
    client_connections=7,
    nodes=(
        NodeRow(
            node="http://n1", state="up", requests=5, errors=1, in_flight=0, connections=1, p50_ms=1.5, p99_ms=None
        ),
    ),
    refusals=(),
    processes=(GATE,),
    plots=(),
)
CHECKS = (Judged(name="gate", ok=False, needed_for=("starts",), reason="does not answer"),)
SEEN = Seen(
    Health(ready=False, asked="starts", version="1.2.3", checks=CHECKS, processes=()),
    TRAFFIC,
    Starts(starts=(ROW,), cursor="", matching=1, held=1, complete=True),
)


def test_a_frame_tells_all_and_nothing_in_it_moves_the_cursor() -> None:
    text = "\n".join(line.plain for line in frame(SEEN))
    for told in (
        "startgate 1.2.3  2026-01-31 09:00:00 UTC  not ready",
        "gate: does not answer",
        "12.0 requests/s, 0.5 errors/s, 2.0 KiB/s in, 4.7 GiB/s out, 3 in flight, 7 connections",
        "http://n1",
        "1.5 ms",
        "12.5 ms",
        "denied",
    ):
        assert told in text
    assert "\x1b" not in text


def config(folder: Path, listen: str) -> list[str]:
    """The command, with a configuration."""
    file = folder / "startgate.yml"
    file.write_text(f"admin: {{listen: {listen}}}\ncluster: {{nodes: ['http://127.0.0.1:9']}}\n")
    return [sys.executable, "-m", "proxy", "top", "-c", str(file)]


@pytest.mark.parametrize(("listen", "status", "text"), [("off", 2, "is off"), ("127.0.0.1:9", 3, "nobody answers")])
def test_where_nobody_can_be_asked(tmp_path: Path, listen: str, status: int, text: str) -> None:
    done = subprocess.run([*config(tmp_path, listen), "--once"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, text in done.stderr) == (status, True), done.stderr


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[list[str]]:
    """An admin port that always tells the same; the command that asks it."""
    app = web.Application()
    for path, value in (("health", SEEN.health), ("traffic", SEEN.traffic), ("starts", SEEN.starts)):
        body = msgspec.json.encode(value)

        async def told(_request: web.Request, body: bytes = body) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        app.router.add_get(f"/v1/{path}", told)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "admin.sock")).start()
    command = config(folder, "127.0.0.1:0")
    with (folder / "startgate.yml").open("a") as file:
        file.write(f"control: {{socket: {folder / 'control.sock'}}}\n")
    try:
        yield command
    finally:
        await runner.cleanup()


async def test_one_frame_for_a_script(tmp_path: Path) -> None:
    async with serving(tmp_path) as command:
        done = await asyncio.create_subprocess_exec(*command, "--once", cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(done.communicate(), PATIENCE_S)
    assert done.returncode == 0
    assert out.decode().splitlines() == [line.plain for line in frame(SEEN)]


@pytest.mark.parametrize("key", [b"q", b"\x03"])
async def test_in_a_terminal_it_goes_on_until_q_or_ctrl_c(tmp_path: Path, key: bytes) -> None:
    async with serving(tmp_path) as command:
        ours, theirs = pty.openpty()
        child = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_terminal
        )
        os.close(theirs)
        seen = b""
        while b"denied" not in seen:
            seen += await asyncio.wait_for(asyncio.to_thread(os.read, ours, 65536), PATIENCE_S)
        os.write(ours, key)
        reading = asyncio.ensure_future(asyncio.to_thread(_rest, ours))
        assert await asyncio.wait_for(child.wait(), PATIENCE_S) == 0
        assert b"\x1b[?1049l" in seen + await reading, "the screen is as it was"
        os.close(ours)


def _terminal() -> None:
    """So that Ctrl-C in the terminal is a signal to the child."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _rest(terminal: int) -> bytes:
    """What is written until the other side has gone."""
    found = b""
    with contextlib.suppress(OSError):
        while block := os.read(terminal, 65536):
            found += block
    return found
