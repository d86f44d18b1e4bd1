"""Verifying: few threads, a bounded queue, right answers remembered, guesses bounded, nobody told apart."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.errors import Refusal
from proxy.identity import passwords as module
from proxy.identity.hashes import StoredHash
from proxy.identity.passwords import Passwords
from proxy.settings import IdentityLimits
from tests.identity.samples import WIDE, WORD, users

PEER = "10.0.0.1"


@dataclass
class Counted:
    """A hash that notes what it was compared with, and can be made to wait."""

    text: str
    password: bytes
    asked: list[bytes] = field(default_factory=list)
    free: threading.Event = field(default_factory=threading.Event)

    def matches(self, password: bytes) -> bool:
        self.asked.append(password)
        self.free.wait(10)
        return password == self.password


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """Passwords with a clock of the test's, and people whose hashes count."""

    def __init__(self, **limits: float) -> None:
        self.clock = Clock()
        given: dict[str, Any] = {"cache_s": 60.0, **limits}
        self.passwords = Passwords(IdentityLimits(**given), self.clock)
        self.ann = Counted("hash of ann", b"a")
        self.bob = Counted("hash of bob", b"b")
        self.ann.free.set()
        self.bob.free.set()

    @property
    def people(self) -> dict[str, StoredHash]:
        return {"ann": self.ann, "bob": self.bob}

    @property
    def asked(self) -> int:
        return len(self.ann.asked) + len(self.bob.asked)

    async def verify(self, name: str, password: bytes, peer: str = PEER) -> bool:
        return await self.passwords.verify(name, password, self.people, peer)


@pytest.fixture
def made() -> Iterator[list[Desk]]:
    """Desks that are closed at the end."""
    desks: list[Desk] = []
    yield desks
    for desk in desks:
        desk.ann.free.set()
        desk.bob.free.set()
        desk.passwords.close()


def desk(made: list[Desk], **limits: float) -> Desk:
    made.append(Desk(**limits))
    return made[-1]


async def test_true_hashes() -> None:
    asking = Passwords(IdentityLimits())
    people = users()
    assert await asking.verify("ann", WORD.encode(), people, PEER)
    assert await asking.verify("bob", WIDE.encode(), people, PEER)
    assert not await asking.verify("ann", WIDE.encode(), people, PEER)
    assert not await asking.verify("carl", WORD.encode(), people, PEER)
    asking.close()


async def test_a_right_password_is_remembered_for_a_while(made: list[Desk]) -> None:
    one = desk(made, cache_s=10.0)
    for _ in range(3):
        assert await one.verify("ann", b"a")
    assert one.asked == 1
    one.clock.now += 9.9
    assert await one.verify("ann", b"a")
    assert one.asked == 1
    one.clock.now += 0.1
    assert await one.verify("ann", b"a")
    assert one.asked == 2


async def test_nothing_is_remembered_where_that_is_switched_off(made: list[Desk]) -> None:
    one = desk(made, cache_s=0.0)
    for _ in range(3):
        assert await one.verify("ann", b"a")
    assert one.asked == 3


async def test_wrong_passwords_are_never_remembered(made: list[Desk]) -> None:
    one = desk(made)
    for _ in range(3):
        assert not await one.verify("ann", b"x")
    assert one.asked == 3


async def test_a_line_that_changed_counts_at_once(made: list[Desk]) -> None:
    one = desk(made)
    assert await one.verify("ann", b"a")
    one.ann.text, one.ann.password = "another hash", b"new"
    assert not await one.verify("ann", b"a")
    assert await one.verify("ann", b"new")


async def test_a_user_who_was_taken_out_is_nobody_at_once(made: list[Desk]) -> None:
    one = desk(made)
    assert await one.verify("ann", b"a")
    assert not await one.passwords.verify("ann", b"a", {"bob": one.people["bob"]}, PEER)


async def test_the_same_password_of_another_user_is_another_question(made: list[Desk]) -> None:
    one = desk(made)
    one.bob.text, one.bob.password = one.ann.text, b"a"
    assert await one.verify("ann", b"a")
    assert await one.verify("bob", b"a")
    assert one.asked == 2


async def test_what_is_remembered_is_bounded(made: list[Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 1)
    one = desk(made)
    assert await one.verify("ann", b"a")
    assert await one.verify("bob", b"b")
    assert await one.verify("bob", b"b")
    assert one.asked == 2
    assert await one.verify("ann", b"a")
    assert one.asked == 3


async def test_an_unknown_name_costs_what_a_known_one_costs(made: list[Desk]) -> None:
    """It is compared with somebody's hash, the same each time, and refused even if that is right."""
    one = desk(made, failures=1000)
    # Whose hash it is hangs on a key made by chance: of so many names some meet each of the two.
    for name in ("carl", "carl", *(f"nobody-{number}" for number in range(60))):
        assert not await one.verify(name, b"a")
        assert not await one.verify(name, b"b")
    assert one.asked == 124
    assert one.ann.asked
    assert one.bob.asked
    alone = desk(made, failures=100)
    for _ in range(4):
        await alone.verify("carl", b"x")
    assert sorted([len(alone.ann.asked), len(alone.bob.asked)]) == [0, 4]


async def test_a_stand_ins_password_is_a_failure(made: list[Desk]) -> None:
    one = desk(made, failures=1)
    one.bob.password = b"a"
    assert not await one.verify("carl", b"a")
    with pytest.raises(Refusal):
        await one.verify("carl", b"a")


async def test_equal_questions_are_asked_once(made: list[Desk]) -> None:
    one = desk(made, failures=1)
    one.ann.free.clear()
    asking = [asyncio.ensure_future(one.verify("ann", b"a")) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    one.ann.free.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1:] == [True] * 49
    assert one.asked == 1


async def test_a_peer_that_fails_too_often_waits_and_nobody_else_does(made: list[Desk]) -> None:
    one = desk(made, failures=3, failures_window_s=60.0)
    for guess in (b"1", b"2", b"3"):
        assert not await one.verify("ann", guess)
    for name in ("ann", "carl"):
        with pytest.raises(Refusal) as told:
            await one.verify(name, b"4")
        assert told.value.status == 429
    assert await one.verify("ann", b"a", "10.0.0.2")
    assert await one.verify("ann", b"a"), "what is remembered needs no verification"
    one.clock.now += 60
    assert not await one.verify("ann", b"4")


async def test_guesses_under_way_count(made: list[Desk]) -> None:
    one = desk(made, failures=2)
    one.ann.free.clear()
    asking = [asyncio.ensure_future(one.verify("ann", bytes([guess]))) for guess in range(3)]
    await asyncio.sleep(0)
    one.ann.free.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert told[:2] == [False, False]
    assert isinstance(told[2], Refusal)


async def test_the_queue_is_bounded(made: list[Desk]) -> None:
    one = desk(made, waiting=2, threads=1)
    one.ann.free.clear()
    asking = [asyncio.ensure_future(one.verify("ann", b"x", f"10.0.0.{peer}")) for peer in (1, 2)]
    other = asyncio.ensure_future(one.verify("bob", b"y", "10.0.0.3"))
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as told:
        await one.verify("bob", b"b", "10.0.0.9")
    assert (told.value.status, told.value.type) == (429, "es_rejected_execution_exception")
    assert "limits.identity.waiting" in told.value.reason
    one.ann.free.set()
    assert await asyncio.gather(*asking, other) == [False, False, False]
    assert await one.verify("bob", b"b", "10.0.0.9")


async def test_nothing_of_a_password_can_be_read_from_what_is_remembered(made: list[Desk]) -> None:
    one = desk(made)
    one.ann.password = b"a-long-password"
    assert await one.verify("ann", b"a-long-password")
    (key,) = one.passwords._right
    assert len(key) == 32
    assert key not in desk(made).passwords._right
