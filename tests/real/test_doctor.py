"""What the doctor makes of genuine nodes: alone, without X-Pack; and behind the layer that has security and machine
learning."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.demo.data import SERVICE_ROLE
from proxy.doctor.examine import examine
from proxy.doctor.model import Finding, Patient, State
from proxy.embedded.app import serve_embedded
from proxy.embedded.remote import RemoteNode
from proxy.rules.load import load
from proxy.settings import EdgeSettings, GateSettings, Listen
from tests.real.node import RealNode

pytestmark = pytest.mark.real

SHIPPED = Path(__file__).parents[2] / "rules"


def patient(folder: Path, url: str, service: str | None = None) -> Patient:
    return Patient(
        listens=(Listen(host="127.0.0.1", port=0),),
        workers=1,
        edge=EdgeSettings(nodes=(url,), gate_socket=""),
        gate=GateSettings(socket="", nodes=(url,), rules="", journal=str(folder / "journal"), service=service),
        rules=load(SHIPPED),
    )


async def found_at(one: Patient) -> dict[str, Finding]:
    return {finding.check: finding for finding in await examine(one)}


async def test_a_node_without_x_pack(real_node: RealNode, tmp_path: Path) -> None:
    """No call to a node is one that it does not know, but for those of X-Pack; and it tells the time."""
    found = await found_at(patient(tmp_path, real_node.url))
    for check in ("nodes", "one-cluster", "clock", "bypass", "sniffing", "audit-log"):
        assert found[check].state is State.OK, found[check]
    assert (found["versions"].state, found["versions"].seen) == (State.OK, real_node.version.number)
    for check in ("licence", "machine-learning", "security"):
        assert found[check].state is State.FAIL, found[check]
    assert "no X-Pack" in found["licence"].seen


async def test_a_clock_that_is_wrong(real_node: RealNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is this machine's that is wrong; to the nodes' it makes no difference."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() - 3600)
    found = await found_at(patient(tmp_path, real_node.url))
    assert (found["clock"].state, " s ahead" in found["clock"].seen) == (State.WARN, True)


async def test_a_node_behind_the_layer(real_node: RealNode, tmp_path: Path) -> None:
    async with serve_embedded(backend=RemoteNode(real_node.url)) as cluster:
        key = f"ApiKey {cluster.add_api_key('startgate', {'startgate': SERVICE_ROLE})}"
        one = patient(tmp_path, cluster.url, key)
        found = await found_at(one)
        away = await found_at(replace(one, gate=replace(one.gate, nodes=(cluster.url, "http://127.0.0.1:9"))))
    for check in (
        "licence",
        "machine-learning",
        "security",
        "credential",
        "credential-privileges",
        "credential-excess",
    ):
        assert found[check].state is State.OK, found[check]
    assert away["nodes"].state is State.WARN
