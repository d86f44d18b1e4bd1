"""Other replicas, as their admin ports tell of them."""

import time
from email.utils import formatdate
from importlib.metadata import version
from typing import Any

import pytest

from proxy.doctor.model import State
from proxy.doctor.replicas import examine
from tests.doctor.cluster import Patient, serving

OWN = version("startgate")


def health(**changed: Any) -> dict[str, Any]:
    check = {"name": "rules", "ok": changed.get("ready", True), "needed_for": ["starts"], "reason": "as told"}
    return {"ready": True, "asked": "starts", "version": OWN, "checks": [check], "processes": [], **changed}


@pytest.mark.parametrize(
    ("answer", "ahead_s", "state", "text"),
    [
        (health(), 0, State.OK, "ready, the same time"),
        (health(), 3600, State.WARN, "s ahead"),
        (health(), -3600, State.WARN, "s behind"),
        (health(version="0.0.1"), 0, State.WARN, "is of version 0.0.1"),
        ((503, health(ready=False)), 0, State.WARN, "is not ready: rules: as told"),
        ({"hello": "world"}, 0, State.FAIL, "no admin port of Startgate"),
    ],
)
async def test_one_that_answers(answer: object, ahead_s: float, state: State, text: str) -> None:
    headers = {"Date": formatdate(time.time() + ahead_s, usegmt=True)}
    async with serving(Patient(answers={"/health/ready": answer}, headers=headers)) as patient:
        (found,) = await examine([f"{patient.url}/"], None)
    assert found.state is state, found
    assert text in found.seen


async def test_one_that_tells_no_time() -> None:
    async with serving(Patient(answers={"/health/ready": health()})) as patient:
        (found,) = await examine([patient.url], None)
    assert found.state is State.OK


async def test_one_that_is_away() -> None:
    (found,) = await examine(["http://127.0.0.1:9"], None)
    assert (found.state, "Cannot connect" in found.seen) == (State.FAIL, True)


async def test_none_were_named() -> None:
    (found,) = await examine([], None)
    assert found.state is State.SKIP
