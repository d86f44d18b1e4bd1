"""A proxy in front of a node: the true edge worker in a thread, and a gate that refuses every start.

The gate here only says no, and takes note of observed calls, so that what is measured is the edge: whether anything
gets past it. The true gate with the true rules is tested on its own.
"""

import asyncio
import socket
import tempfile
import threading
from pathlib import Path
from typing import Self

import msgspec
import uvloop
from aiohttp import web

from proxy.edge.door import Entrance
from proxy.edge.worker import run
from proxy.notes import NOTE_TARGET, Note
from proxy.settings import EdgeLimits, EdgeSettings

# What a start is answered here; no node says this.
DENIED = b"denied by the test gate"
START_TIMEOUT_S = 10


class DenyingProxy:
    """Runs while the `with` block does; `port` is where it listens, `asked` how many starts reached its gate, `notes`
    what it was told of observed calls. Without a `gate` there is nobody to ask or tell."""

    def __init__(self, nodes: tuple[str, ...], limits: EdgeLimits | None = None, *, gate: bool = True) -> None:
        self._nodes = nodes
        self._has_gate = gate
        self._limits = limits or EdgeLimits(client_head_s=2.0, drain_s=1.0)
        self._thread = threading.Thread(target=self._main, name="proxy", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self.port = 0
        self.asked = 0
        self.notes: list[Note] = []

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S) or self._failure:
            raise RuntimeError("the proxy did not start") from self._failure
        return self

    def __exit__(self, *failure: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 -- carried to the thread that waits
            self._failure = failure
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with tempfile.TemporaryDirectory(prefix="startgate-gate-") as folder:
            path = str(Path(folder) / "gate.sock")
            gate = await self._gate(path) if self._has_gate else None
            listener = socket.create_server(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            settings = EdgeSettings(nodes=self._nodes, gate_socket=path, limits=self._limits)
            try:
                await run(settings, [Entrance(listener)], self._stop, self._ready.set)
            finally:
                if gate is not None:
                    await gate.cleanup()

    async def _gate(self, path: str) -> web.AppRunner:
        async def deny(request: web.Request) -> web.Response:
            body = await request.read()
            if (request.method, request.path) == ("PUT", NOTE_TARGET):
                self.notes.append(msgspec.json.decode(body, type=Note))
                return web.Response(status=204)
            self.asked += 1
            return web.Response(status=403, body=DENIED)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", deny)
        # As lenient as the edge, so that what arrives is denied and not refused for its form.
        runner = web.AppRunner(app, access_log=None, max_line_size=65536, max_field_size=65536, max_headers=1000)
        await runner.setup()
        await web.UnixSite(runner, path).start()
        return runner
