"""A run over many inputs: sent, judged and counted; what fails is kept."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from proxy.settings import EdgeLimits
from tests.fuzz.case import Case, tag_of
from tests.fuzz.drive import Outcome, batches, each, send
from tests.fuzz.judge import faults

# So short that a connection on which nothing more comes ends by itself within a second or two.
LIMITS = EdgeLimits(client_idle_s=2.0, client_head_s=1.0, client_stall_s=1.0, client_linger_s=0.5, drain_s=1.0)
# So many inputs are sent before the node is asked what it saw.
BATCH = 2000
# A run that fails everywhere need not be written down whole.
MOST_FAILURES = 20
# How long a node is heard directly: it waits for ever for what is missing.
QUIET_S = 0.3


@dataclass(frozen=True, slots=True)
class Failure:
    """An input and what is wrong with what came of it. `number` is its place in the seed's stream."""

    number: int
    case: Case
    what: tuple[str, ...]


@dataclass(slots=True)
class Run:
    """What a run found. `figures` are for people to read."""

    failures: list[Failure] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def report(self) -> str:
        """The figures and the failures, with the bytes to replay."""
        lines = [f"{count:>9}  {name}" for name, count in sorted(self.figures.items())]
        for failure in self.failures:
            lines += [f"input {failure.number}: {what}" for what in failure.what] + [failure.case.text()]
        return "\n".join(lines)


async def through(
    port: int,
    cases: Iterable[tuple[int, Case]],
    reached: Callable[[], int],
    until: float,
    judge: Callable[[Case, bytes, Outcome, Counter[str]], list[str]] = faults,
) -> Run:
    """Sends numbered cases through the proxy at `port` and judges each. `reached` tells how often the start handler was
    reached so far, and must stay 0. Begins no batch after `until`, in the seconds of time.monotonic()."""
    run = Run()

    async def one(number: int, case: Case) -> None:
        tag = tag_of(number)
        what = judge(case, tag, await send(port, case.tagged(tag), spread=number), run.figures)
        if what and len(run.failures) < MOST_FAILURES:
            run.failures.append(Failure(number, case, tuple(what)))

    for batch in batches(cases, BATCH):
        if time.monotonic() > until or len(run.failures) >= MOST_FAILURES:
            break
        await each(batch, one)
        if await asyncio.to_thread(reached):
            run.figures["batches that reached the start handler"] += 1
            run.failures += await _culprits(port, batch, reached)
            break
    return run


async def _culprits(port: int, batch: list[tuple[int, Case]], reached: Callable[[], int]) -> list[Failure]:
    """Those of a batch that reach the start handler when they are sent again: halves, and halves of those that do."""

    async def again(number: int, case: Case) -> None:
        await send(port, case.tagged(tag_of(number)), spread=number)

    found: list[Failure] = []
    suspects = [batch]
    before = await asyncio.to_thread(reached)
    while suspects and len(found) < MOST_FAILURES:
        part = suspects.pop()
        await each(part, again)
        now = await asyncio.to_thread(reached)
        if now > before and len(part) == 1:
            found.append(Failure(*part[0], ("reach: the start handler was reached",)))
        elif now > before:
            suspects += [part[len(part) // 2 :], part[: len(part) // 2]]
        before = now
    return found or [Failure(*batch[0], ("reach: by the batch that begins here, though not when it was sent again",))]


async def directly(port: int, cases: Iterable[tuple[int, Case]], until: float) -> Counter[str]:
    """Sends the same to a node itself and counts how many reach the start handler: what the proxy holds off."""
    figures: Counter[str] = Counter()

    async def one(number: int, case: Case) -> None:
        if time.monotonic() > until:
            return
        try:
            outcome = await send(port, case.tagged(tag_of(number, "d")), quiet_s=QUIET_S, spread=number)
        except OSError:
            figures["directly: refused"] += 1
            return
        figures["directly: sent"] += 1
        figures["directly: reached the start handler"] += b"x-oracle: start" in outcome.data.lower()

    await each(cases, one)
    return figures
