"""Ten thousand inputs through the proxy to genuine nodes, dealt out among the releases; `make fuzz` sends more."""

import pytest

from tests.fuzz.nightly import Plan, run_on
from tests.real.node import RealNode
from tests.real.versions import selected

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

INPUTS = 10_000


def test_nothing_reaches_hangs_or_is_told_to_another(real_node: RealNode) -> None:
    numbers = [version.number for version in selected()]
    plan = Plan(seed=2, count=INPUTS, seconds=900, compare=False)
    run = run_on(real_node, plan, numbers.index(real_node.version.number), len(numbers))
    assert run.failures == [], run.report()
    assert run.figures["start handler reached through the proxy"] == 0
    assert run.figures["inputs"] > 0
    assert run.figures["starts that the gate was asked about"] > 0 < run.figures["status 200"]
