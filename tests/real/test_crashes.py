"""The gate is killed in front of genuine nodes: what was made there is known again by its `_meta`, and what was left
blocked is freed."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proxy.embedded.remote import RemoteNode
from tests.faults.crash_scene import GRANTED, REFUSED, Scene, opened, reconciled
from tests.faults.crashing import Gates, gates
from tests.real.node import RealNode

pytestmark = [pytest.mark.real, pytest.mark.slow]

# Which job is started, where the gate ends, whether its destination is there in the end, and whose it is found to be.
POINTS = [
    (GRANTED, "after fsync intent", False, "missing"),
    (GRANTED, "after PUT /out-{job}", True, "made_by_us"),
    (GRANTED, "after forward", True, "made_by_us"),
    (REFUSED, "after PUT /out-{job}/_block/write", False, "made_by_us"),
    (REFUSED, "after DELETE /out-{job}", False, "missing"),
]


@pytest.fixture(scope="module")
def processes() -> Iterator[Gates]:
    with gates() as made:
        yield made


@pytest.fixture
async def scene(real_node: RealNode, tmp_path: Path, processes: Gates) -> AsyncIterator[Scene]:
    backend = RemoteNode(real_node.url)
    async with opened(tmp_path, processes, backend=backend, tag=f"-{uuid.uuid4().hex[:8]}") as made:
        yield made


@pytest.mark.parametrize(("job", "step", "made", "whose"), POINTS, ids=[f"{job}: {step}" for job, step, _, _ in POINTS])
async def test_a_killed_gate_leaves_nothing_open_on_a_genuine_node(
    scene: Scene, job: str, step: str, made: bool, whose: str
) -> None:
    await scene.crash(job, step, 1)
    one = await scene.recovered()
    assert reconciled(one)["destination"] == whose
    assert (f"out-{job}{scene.direct.tag}" in await scene.direct.made()) is made
