"""`python -m tests.faults.crash_gate`: gates that end themselves by SIGKILL at a named step, one after the other.

It reads one order a line, and forks a gate for each: what the gate imports is imported once. It says `pid N` when there
is one and `gone N` with its wait status when there is no more; the gate itself says `ready`, as a child of the
supervisor does. The steps are watched from outside: the gate's own code knows nothing of them.
"""

import asyncio
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from proxy import child, logs
from proxy.cases.beside import run_beside
from proxy.cluster.forward import Forwarder
from proxy.cluster.transport import Transport
from proxy.gate import app, flow
from proxy.settings import GateSettings

PHASE = re.compile(rb'"phase":"(\w+)"')
ANSWER_LEAVES_S = 0.05


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Be a gate. `step` is where it ends, `times` how often that step is come to; never, where `step` is empty."""

    settings: GateSettings
    step: str = ""
    times: int = 1
    quiet: bool = True


class Watch:
    """Ends the process where it comes to the step."""

    def __init__(self, order: Order) -> None:
        self._step, self._left = order.step, order.times
        # What was written to a journal file last, by descriptor.
        self._written: dict[int, str] = {}

    def at(self, step: str) -> bool:
        """Count a step; whether it is the one."""
        if step != self._step:
            return False
        self._left -= 1
        return self._left == 0

    def come(self, step: str) -> None:
        """The process has come to a step, and does not come further if it is the one."""
        if self.at(step):
            end()

    def install(self) -> None:
        """Watch all that the flow of a start is made of."""
        self._calls()
        self._steps()
        self._disk()

    def _calls(self) -> None:
        call, forward = Transport.call, Forwarder.forward

        async def watched(transport: Transport, method: str, path: str, *rest: Any, **more: Any) -> Any:
            name = f"{method} {path.partition('?')[0]}"
            self.come(f"before {name}")
            reply = await call(transport, method, path, *rest, **more)
            self.come(f"after {name}")
            return reply

        async def forwarded(forwarder: Forwarder, *rest: Any) -> Any:
            self.come("before forward")
            answer = await forward(forwarder, *rest)
            self.come("after forward")
            return answer

        _put(Transport, call=watched)
        _put(Forwarder, forward=forwarded)

    def _steps(self) -> None:
        plan, response = vars(flow)["make_plan"], vars(app)["_response"]

        def planned(*rest: Any, **more: Any) -> Any:
            self.come("before plan")
            made = plan(*rest, **more)
            self.come("after plan")
            return made

        def responded(answer: Any) -> Any:
            self.come("before answer")
            made = response(answer)
            if self.at("after answer"):
                asyncio.get_running_loop().call_later(ANSWER_LEAVES_S, end)
            return made

        _put(flow, make_plan=planned)
        _put(app, _response=responded)

    def _disk(self) -> None:
        write, fsync = os.write, os.fsync

        def written(file: int, data: bytes) -> int:
            if not _is_journal(file):
                return write(file, data)
            found = PHASE.search(data)
            phase = self._written[file] = found[1].decode() if found else "other"
            self.come(f"before write {phase}")
            if self.at(f"half of {phase}"):
                write(file, data[: len(data) // 2])
                end()
            return write(file, data)

        def synced(file: int) -> None:
            phase = self._written.get(file, "") if _is_journal(file) else ""
            self.come(f"before fsync {phase}")
            fsync(file)
            self.come(f"after fsync {phase}")

        _put(os, write=written, fsync=synced)


def end() -> None:
    """What a kernel does that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def _put(owner: object, **functions: Callable[..., Any]) -> None:
    for name, function in functions.items():
        setattr(owner, name, function)


def _is_journal(file: int) -> bool:
    return Path(f"/proc/self/fd/{file}").readlink().suffix == ".jsonl"


def _gate(order: Order) -> int:
    logs.configure("gate")
    if order.quiet:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if order.step:
        Watch(order).install()
    return child.run(lambda: _work(order))


def _work(order: Order) -> child.Work:
    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        await app.run(order.settings, stop, ready, reload, run_beside)

    return work


def main() -> None:
    """One gate after the other, until there are no more orders."""
    while line := child.read_order():
        order = msgspec.json.decode(line, type=Order)
        pid = os.fork()
        if pid == 0:
            os._exit(_gate(order))
        _say(f"pid {pid}")
        _, status = os.waitpid(pid, 0)
        # libuv has made it non-blocking, for everybody who shares it.
        os.set_blocking(0, True)
        _say(f"gone {status}")


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    main()
