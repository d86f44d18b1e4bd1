"""What each process holds once nobody asks it for anything, and what one holds that has just been started.

The two must be the same: then no descriptor was lost to any fault. While requests come, how many connections there are
depends on them, and a limit that fits busy times would hide what is lost slowly.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bench.chaos.descriptors import shown
from bench.chaos.place import WORKERS, Place
from bench.chaos.vitals import Vitals, part_of

# A worker keeps an idle connection to a node for 50 s, and looks for those that have to go four times a second.
_RESTS_S = 75.0
# From the end of all processes to when the new ones have settled; as long as any fault may take.
_STARTS_S = 60.0
_LOOKS_S = 1.0
_PARTS = {"supervisor", "gate", "admin", *(f"edge-{number}" for number in range(1, WORKERS + 1))}

Held = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Rest:
    """Descriptors by kind of each process: at rest, and just started (of the supervisor: before the first client)."""

    held: Held
    fresh: Held


def more(held: Held, fresh: Held) -> list[str]:
    """Where a process holds more than any of the same part that has just been started."""
    most: dict[str, Counter[str]] = {}
    for name, kinds in fresh.items():
        most[part_of(name)] = most.get(part_of(name), Counter()) | kinds
    return [
        f"{name}: {count} x {what}, and {most.get(part_of(name), Counter())[what]} when it has just been started"
        for name, kinds in held.items()
        for what, count in sorted(kinds.items())
        if count > most.get(part_of(name), Counter())[what]
    ]


async def settled(vitals: Vitals) -> dict[str, Counter[str]]:
    """What all processes hold, once two looks in a row find the same, or after a while."""
    ends, before = time.monotonic() + _STARTS_S, dict[str, Counter[str]]()
    while True:
        held = await asyncio.to_thread(vitals.held)
        if (held == before and set(held) == _PARTS) or time.monotonic() > ends:
            return held
        before = held
        await asyncio.sleep(_LOOKS_S)


async def rest(place: Place, vitals: Vitals, before: Held) -> Rest:
    """Wait until idle connections are over, look, and look again at processes that replace these. `before` is what the
    supervisor held before anybody had asked for anything."""
    ends = time.monotonic() + _RESTS_S
    while time.monotonic() < ends:
        held = await asyncio.to_thread(vitals.held)
        if not any(_for_clients(what) for kinds in held.values() for what in kinds):
            break
        await asyncio.sleep(_LOOKS_S)
    held = await settled(vitals)
    for name, pid in vitals.pids().items():
        if name != "supervisor":
            os.kill(pid, signal.SIGKILL)
    ends = time.monotonic() + _STARTS_S
    while True:
        fresh = {**await settled(vitals), "supervisor": before["supervisor"]}
        if not more(held, fresh) or time.monotonic() > ends:
            return Rest(held, fresh)
        await asyncio.sleep(_LOOKS_S)


def table(found: Rest) -> list[tuple[str, str, str]]:
    """Each process, what it held at rest, and what one of its part held that had just been started."""
    return [(name, shown(kinds), shown(found.fresh.get(name, {}))) for name, kinds in sorted(found.held.items())]


def _for_clients(what: str) -> bool:
    """Whether there is such a connection because somebody asks for something."""
    return what == "at listen" or what.startswith(("to node", "to gate"))
