import asyncio
import ctypes
import subprocess
import sys
from ctypes import util

import pytest

from proxy.edge import heap
from proxy.edge.heap import IDLE_BYTES, Leanness, keep_freed, keep_lean, resident_bytes, used_bytes

# Large pieces come and go; then the process counts its page faults.
_PROGRAM = """
import resource
from proxy.edge.heap import keep_freed
kept = keep_freed()
def work():
    for _ in range(200):
        pieces = [bytes(150_000) for _ in range(4)]
        b"".join(pieces)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


# Large pieces with something small behind each, which stays: what lies free then is not at the heap's end. It is asked
# for once in vain, while the pieces are in use.
_PINNED = """
from proxy.edge.heap import Leanness, keep_freed, resident_bytes
keep_freed()
leanness = Leanness()
pairs = [(bytes([1]) * 262_144, bytes(600)) for _ in range(400)]
pins = [small for _, small in pairs]
used = leanness.give_back()
del pairs
held = resident_bytes()
print(used, leanness.give_back(), held - resident_bytes(), leanness.give_back())
"""

_glibc = pytest.mark.skipif(
    util.find_library("c") is None or "musl" in str(util.find_library("c")), reason="glibc only"
)


@_glibc
def test_memory_that_was_freed_is_used_again_without_page_faults() -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    kept, faults = run.stdout.split()
    assert kept == "True"
    assert int(faults) < 50, "untold, the allocator gives back and takes anew: hundreds"


class Bare:
    """A C library without mallopt(3)."""


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Bare())
    assert keep_freed() is False


@_glibc
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc tells from 2.33 on")
def test_what_lies_free_between_pieces_in_use_is_given_back_once() -> None:
    run = subprocess.run([sys.executable, "-c", _PINNED], capture_output=True, text=True, check=True, timeout=60)
    used, asked, given, again = run.stdout.split()
    assert (used, asked, again) == ("False", "True", "False")
    assert int(given) > 80_000_000


@_glibc
def test_little_is_not_worth_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [5 * IDLE_BYTES, 6 * IDLE_BYTES - 1, 7 * IDLE_BYTES, 6 * IDLE_BYTES, 7 * IDLE_BYTES - 1]
    monkeypatch.setattr(heap, "used_bytes", lambda: IDLE_BYTES)
    monkeypatch.setattr(heap, "resident_bytes", lambda: held.pop(0))
    leanness = Leanness()
    assert [leanness.give_back() for _ in range(3)] == [False, True, False]
    assert held == []


def test_an_allocator_that_tells_nothing_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Bare())
    with pytest.raises(AttributeError):
        used_bytes()
    assert Leanness().give_back() is False


def test_what_is_in_memory_is_more_than_what_was_handed_out() -> None:
    held = bytes([1]) * 20_000_000
    assert resident_bytes() > len(held)


async def test_a_worker_looks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_EVERY_S", 0.0)
    looked, done = [], asyncio.Event()

    def look(_: Leanness) -> bool:
        looked.append(True)
        if len(looked) == 3:
            done.set()
        return False

    monkeypatch.setattr(Leanness, "give_back", look)
    keeping = asyncio.ensure_future(keep_lean())
    await asyncio.wait_for(done.wait(), 30)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
