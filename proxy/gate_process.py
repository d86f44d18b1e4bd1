"""`python -m proxy.gate_process`: the gate, started by the supervisor only."""

import asyncio
import gc
import sys
from collections.abc import Callable

import msgspec

from proxy import child, logs
from proxy.cases.beside import run_beside
from proxy.gate import app
from proxy.gate.trial import Trials
from proxy.logs import passing
from proxy.metrics.teller import Teller
from proxy.orders import GateOrder
from proxy.tracing.current import current_ids

# How long a thread may keep the interpreter from another that wants it. The default, 5 ms, comes once for each of the
# forty times that a start takes it up again while a plan is made. See docs/decisions/056-big-plans-have-a-thread.md.
SWITCH_S = 0.0005

# How a process is started that tries one case.
TRIAL = (sys.executable, "-m", "proxy.cases.trial")


def main() -> int:
    """Serves on the Unix socket until told to stop; returns the exit status."""
    sys.setswitchinterval(SWITCH_S)
    # What is there now stays: 10 ms less for each full collection, which everybody waits for.
    gc.collect()
    gc.freeze()
    order = msgspec.json.decode(child.read_order(), type=GateOrder)
    logs.configure(order.name, order.log, current_ids)
    passing.listened_to()
    return child.run(lambda: _work(order))


def _work(order: GateOrder) -> child.Work:
    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        teller = Teller(order.name, order.metrics) if order.metrics is not None else None
        await app.run(order.settings, stop, ready, reload, run_beside, teller, Trials(TRIAL))

    return work


if __name__ == "__main__":
    sys.exit(main())
