"""Ten thousand inputs through the proxy to a server of our own, which shows what would be read by lenient ones."""

import asyncio
import time
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import LIMITS, through
from tests.fuzz.grammar import pipeline
from tests.fuzz.origin import Origin
from tests.fuzz.seeds import inputs
from tests.real.proxied import DenyingProxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

INPUTS = 10_000
SEED = 1


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Origin, DenyingProxy]]:
    """The origin, and a proxy in front of it that denies every start."""
    with Origin() as origin, DenyingProxy((f"http://127.0.0.1:{origin.port}",), LIMITS) as proxy:
        yield origin, proxy


def test_nothing_reaches_hangs_or_is_told_to_another(rig: tuple[Origin, DenyingProxy]) -> None:
    origin, proxy = rig
    numbered = enumerate(inputs(SEED, INPUTS))
    run = asyncio.run(through(proxy.port, numbered, lambda: len(origin.check()), time.monotonic() + 400))
    assert (run.failures, origin.faults) == ([], []), run.report()
    # Enough came through, and enough was held off, for the above to say something.
    sent = run.figures["inputs"]
    assert sent > 0
    assert run.figures["status 200"] > sent / 10
    assert run.figures["status 403"] > sent / 20
    assert origin.requests > sent / 10


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.randoms(use_true_random=False), min_size=1, max_size=8))
def test_pipelines_that_hypothesis_chooses(rig: tuple[Origin, DenyingProxy], chances: list[Random]) -> None:
    origin, proxy = rig
    cases = [pipeline(chance) for chance in chances]
    run = asyncio.run(through(proxy.port, enumerate(cases), lambda: len(origin.check()), time.monotonic() + 100))
    assert (run.failures, origin.faults) == ([], []), run.report()
