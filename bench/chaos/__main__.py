"""Runs it, and prints the report; exit status 1 where anything was violated."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.chaos import check, report
from bench.chaos.inject import Injector
from bench.chaos.ledger import Ledger
from bench.chaos.place import AS_SHIPPED_S, Place, running
from bench.chaos.rest import Held, Rest, rest, settled
from bench.chaos.schedule import schedule
from bench.chaos.traffic import KINDS, Scene, over_and_over
from bench.chaos.vitals import Vitals
from proxy.journal.read import Start, starts
from proxy.tasks import spawn

_SAMPLE_S = 2.0
_TELL_S = 60.0
# Until everything that a gate left open is closed: it looks into that again after 30 s at most.
_CLOSES_S = 90.0


@dataclass(slots=True)
class Arrivals:
    """The cluster's own log of starts, taken out of what the embedded cluster remembers before that forgets."""

    place: Place
    starts: list[check.Arrived] = field(default_factory=list)

    def take(self) -> None:
        """Read what came since."""
        calls = self.place.cluster.calls
        came, calls[:] = list(calls), []
        for one in came:
            path = one.target.partition("?")[0]
            if one.method == "POST" and path.endswith("/_start"):
                self.starts.append(check.Arrived(path.split("/")[4], one.header("x-opaque-id") or ""))


async def _watch(vitals: Vitals, arrivals: Arrivals, ledger: Ledger, ends: float, stop: asyncio.Event) -> None:
    tells = time.monotonic() + _TELL_S
    while time.monotonic() < ends:
        await asyncio.sleep(_SAMPLE_S)
        await asyncio.to_thread(vitals.sample)
        arrivals.take()
        if time.monotonic() >= tells:
            tells += _TELL_S
            told = (
                f"{sum(ledger.asked.values())} requests, {len(ledger.windows)} faults, {len(ledger.failures)} failures"
            )
            print(f"{(time.monotonic() - ledger.began) / 60:.0f} min: {told}", flush=True)
    stop.set()


async def _closed(place: Place) -> list[Start]:
    """All starts, once none is open any more, or once that took too long."""
    ends = time.monotonic() + _CLOSES_S
    while True:
        found = await asyncio.to_thread(starts, place.journal)
        if not any(one.open or one.blocked for one in found) or time.monotonic() > ends:
            return found
        await asyncio.sleep(0.5)


async def _made(place: Place) -> dict[str, Any]:
    """All destinations that exist."""
    async with (
        aiohttp.ClientSession(headers={"authorization": place.admin}) as session,
        session.get(f"{place.cluster.url}/out-chaos-*") as answer,
    ):
        return dict(await answer.json())


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Faults and requests are over. `before` is what processes held before the first request."""

    ledger: Ledger
    vitals: Vitals
    arrivals: Arrivals
    injector: Injector
    before: Held


async def play(place: Place, minutes: float, seed: int) -> Played:
    """So many minutes of requests and faults."""
    ledger, vitals, arrivals = Ledger(), Vitals(place.supervisor, place.ports), Arrivals(place)
    injector, stop = Injector(place, ledger), asyncio.Event()
    scene = Scene(place, ledger, random.Random(seed))  # noqa: S311 -- lengths, not secrets
    await injector.ready()
    before = await settled(vitals)
    ledger.began = time.monotonic()
    clients = [
        spawn(over_and_over(kind, pause_s, scene, stop), name=kind.__name__)
        for kind, count, pause_s in KINDS
        for _ in range(count)
    ]
    watching = spawn(_watch(vitals, arrivals, ledger, ledger.began + minutes * 60, stop), name="watch")
    await injector.play(schedule(seed, minutes * 60), ledger.began)
    await asyncio.gather(watching, *clients)
    vitals.requests_ended()
    return Played(ledger=ledger, vitals=vitals, arrivals=arrivals, injector=injector, before=before)


async def run(minutes: float, seed: int, idle_s: float = AS_SHIPPED_S, keep: Path | None = None) -> report.Run:
    """A run of so many minutes; what came of it. `idle_s` as for `running`; `keep` is a folder for what tells why,
    which there is in any case where something was violated."""
    async with running(idle_s) as place:
        played = await play(place, minutes, seed)
        found = await _closed(place)
        made = await _made(place)
        still = await rest(place, played.vitals, played.before)
        await asyncio.to_thread(place.stop)
        played.arrivals.take()
        injector = played.injector
        came = report.Run(
            minutes=minutes,
            seed=seed,
            ledger=played.ledger,
            vitals=played.vitals,
            invariants=_judged(place, played, found, made, still),
            recoveries=injector.done,
            skipped=injector.skipped,
            rest=still,
            log=place.log(),
        )
        if came.violations or keep is not None:
            kept = report.keep(came, keep or Path(tempfile.mkdtemp(prefix="startgate-chaos-")), place.journal)
            print(f"log, journal and samples are kept in {kept}", flush=True)
        return came


def _judged(
    place: Place, played: Played, found: list[Start], made: dict[str, Any], still: Rest
) -> tuple[check.Invariant, ...]:
    ledger, vitals, injector = played.ledger, played.vitals, played.injector
    return (
        check.right(ledger.failures, sum(ledger.asked.values())),
        check.explained(ledger.failures, ledger.windows, ledger.began),
        check.recorded(ledger.told, found),
        check.closed(found),
        check.judged(played.arrivals.starts, found),
        check.once(check.counted(node.came for node in place.nodes)),
        check.proven(place.journal),
        check.meant(made, found),
        check.flat(vitals.judged()),
        check.dropped(vitals.watched),
        check.kept(vitals.kinds, still.fresh),
        check.rested(still),
        check.recovered(injector.late, sum(len(one) for one in injector.done.values())),
        check.silent(place.log()),
    )


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the report into this page, pictures beside it")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep log, journal and samples here; by default only after a violation",
    )
    parser.add_argument(
        "--idle-s",
        type=float,
        default=AS_SHIPPED_S,
        help="limits.edge.upstream_idle_s; a short run rests sooner by less",
    )
    options = parser.parse_args()
    found = asyncio.run(run(options.minutes, options.seed, options.idle_s, options.keep))
    print(report.markdown(found))
    if options.write is not None:
        report.write(found, options.write)
    if found.violations:
        sys.exit(1)


if __name__ == "__main__":
    main()
