"""No input of the wire's fuzzer starts anything through a front: the same bytes as for Startgate alone, and some over
HTTP/2. `make fuzz-fronts` sends more of them.
"""

import asyncio

import pytest

from tests.fuzz.campaign import directly
from tests.fuzz.nodes import hardened
from tests.fuzz.origin import Origin
from tests.fuzz.seeds import inputs, seeds
from tests.real.fronts import CONTROLLERS, PROGRAMS, Program
from tests.real.fronts_campaign import run_through
from tests.real.node import RealNode
from tests.real.versions import selected

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Through each front on each release; the written ones are among them.
INPUTS = 700
# Through each expression of the manifests.
FEWER = 1000


def reaches(origin: Origin) -> int:
    """How often something arrived that some server would take for a start."""
    return sum(fault.startswith("reach") for fault in origin.check())


@pytest.mark.real
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_no_input_starts_anything_on_a_genuine_node(program: Program, real_node: RealNode) -> None:
    seed = 20 + [version.number for version in selected()].index(real_node.version.number)
    with hardened(real_node):
        run = run_through(program, real_node.port, real_node.hits, seed=seed, count=INPUTS, seconds=400)
        assert run.failures == [], run.report()
        assert real_node.hits() == 0
        # Enough came through, and enough was held off, for the above to say something.
        assert run.figures["inputs"] == INPUTS > len(seeds())
        assert run.figures["starts that the gate was asked about"] > INPUTS / 20
        assert run.figures["status 200"] > INPUTS / 10


@pytest.mark.real
def test_the_same_inputs_start_jobs_where_nothing_is_between(real_node: RealNode) -> None:
    with hardened(real_node):
        figures = asyncio.run(directly(real_node.port, enumerate(inputs(20, 400)), float("inf")))
    assert figures["directly: reached the start handler"] > 50


@pytest.mark.parametrize("program", CONTROLLERS, ids=lambda program: program.name)
def test_no_input_starts_anything_by_the_expressions_of_the_manifests(program: Program) -> None:
    with Origin() as origin:
        run = run_through(program, origin.port, lambda: reaches(origin), seed=30, count=FEWER, seconds=400)
        assert run.failures == [], run.report()
        assert reaches(origin) == 0
        assert run.figures["inputs"] == FEWER
        assert run.figures["starts that the gate was asked about"] > FEWER / 20
        assert origin.requests > FEWER / 10
