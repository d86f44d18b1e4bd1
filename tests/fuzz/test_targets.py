"""No target that some server could take for a start is passed: spellings by chance, judged by a reader that tries each
thing that servers are known to do to a path, in every combination.
"""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.route.router import route
from proxy.route.table import Route
from tests.fuzz.grammar import spelled
from tests.fuzz.mutate import escape, insert
from tests.fuzz.readings import Seen

TARGETS = 30_000
TO_THE_CLUSTER = (Route.PASS, Route.OBSERVE)


def targets(chance: Random, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Methods and targets as they may stand in a request line."""
    while count:
        target = spelled(chance)
        for _ in range(chance.choice((0, 0, 1, 2))):
            target = chance.choice((escape, insert))(chance, target)
        if not any(byte <= 0x20 or byte == 0x7F for byte in target):
            count -= 1
            yield chance.choice((b"POST", b"POST", b"post")), target


def starts(method: bytes, target: bytes) -> bool:
    """Whether some server could take this for a start."""
    return Seen(method, target, b"", False, None).starts


@pytest.mark.slow
def test_no_spelling_passes() -> None:
    chance = Random(11)  # noqa: S311 -- repeatable on purpose
    judged = [(method, target) for method, target in targets(chance, TARGETS) if starts(method, target)]
    assert [pair for pair in judged if route(*pair).route in TO_THE_CLUSTER] == []
    assert len(judged) > TARGETS / 10


@given(st.randoms(use_true_random=False))
def test_no_spelling_that_hypothesis_chooses_passes(chance: Random) -> None:
    for method, target in targets(chance, 3):
        if starts(method, target):
            assert route(method, target).route not in TO_THE_CLUSTER


@pytest.mark.parametrize(
    "target",
    [
        b"/_ml/data_frame/analytics/x/_stop",
        b"/_ml/data_frame/analytics/x?/_start",
        b"/data_frame/_doc/_start",
        b"/_ml/data_frame/analytics/_explain",
    ],
)
def test_what_is_no_start_passes(target: bytes) -> None:
    assert not starts(b"POST", target)
    assert route(b"POST", target).route in TO_THE_CLUSTER
