"""One timer for all: members expire once, after their deadline, and the rest are left alone."""

import asyncio

from proxy.edge.sweep import NEVER, TICK_S, Sweep


class Member:
    """Counts its expiries."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = 0

    def expire(self) -> None:
        """One more."""
        self.expired += 1


async def test_who_expires() -> None:
    loop = asyncio.get_running_loop()
    sweep = Sweep(loop)
    due, later, never, left = Member(sweep.now), Member(sweep.now + 60), Member(NEVER), Member(sweep.now)
    for member in (due, later, never, left):
        sweep.add(member)
    sweep.discard(left)
    sweep.discard(left)
    began = sweep.now
    await asyncio.sleep(TICK_S * 2.5)
    assert [member.expired for member in (due, later, never, left)] == [1, 0, 0, 0]
    assert due.deadline == NEVER
    assert began < sweep.now <= loop.time()
    sweep.stop()
    due.deadline = 0
    await asyncio.sleep(TICK_S * 1.5)
    assert due.expired == 1


async def test_members_may_leave_and_come_while_one_expires() -> None:
    sweep = Sweep(asyncio.get_running_loop())

    class Leaving(Member):
        def expire(self) -> None:
            super().expire()
            sweep.discard(self)
            sweep.add(Member(NEVER))

    members = [Leaving(0.0) for _ in range(5)]
    for member in members:
        sweep.add(member)
    await asyncio.sleep(TICK_S * 1.5)
    assert [member.expired for member in members] == [1] * 5
    sweep.stop()
