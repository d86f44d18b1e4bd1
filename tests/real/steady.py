"""Compares a node with itself behind the proxy where the node alone may answer differently from call to call: lists
whose order comes from a hash map of Java, say."""

from collections.abc import Callable
from typing import TypeVar

Heard = TypeVar("Heard")

# A node that answers its own call differently so many times in a row cannot be compared with.
TRIES = 12
# Against chance: a node may be steady in two of three calls. What the proxy changes, it changes every time.
PROOFS = 3


def through_and_direct(direct: Callable[[], Heard], through: Callable[[], Heard]) -> tuple[Heard, Heard]:
    """What came through the proxy, and what came directly: equal, if once they were. What differs counts only where the
    node said the same before and after it, several times.

    Raises:
        AssertionError: the node never says the same twice; such a call needs an order, or a mask.
    """
    proofs = 0
    for _ in range(TRIES):
        before, got = direct(), through()
        if got == before:
            return got, before
        if direct() == before:
            proofs += 1
            if proofs == PROOFS:
                return got, before
    raise AssertionError(f"the node itself answers differently from call to call: {before!r}")
