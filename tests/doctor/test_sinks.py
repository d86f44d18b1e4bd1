"""Whom copies of the record go to."""

import socket
from dataclasses import replace

import pytest

from proxy.doctor.model import Finding, State
from proxy.doctor.sinks import examine
from proxy.settings import Sinks, StreamSink, SyslogSink, WebhookSink
from proxy.tracing.settings import TracingSettings
from tests.doctor.cluster import FORBIDDEN, UNKNOWN, Patient, serving

MISSING = (404, {"error": {"type": "index_not_found_exception", "reason": "no such index [audit]"}, "status": 404})


@pytest.mark.parametrize(
    ("answer", "state"),
    [({"data_streams": []}, State.OK), (MISSING, State.WARN), (FORBIDDEN, State.SKIP), (UNKNOWN, State.FAIL)],
)
async def test_a_data_stream(answer: object, state: State) -> None:
    async with serving(Patient(answers={"/_data_stream/audit": answer})) as patient:
        (found,) = await examine(replace(patient.settings, sinks=Sinks(elasticsearch=StreamSink(data_stream="audit"))))
    assert found.state is state
    assert {method for method, _, _ in patient.asked} == {"GET"}


async def examined(port: int) -> list[Finding]:
    sinks = Sinks(
        syslog=SyslogSink(host="127.0.0.1", port=port),
        webhook=WebhookSink(url=f"http://127.0.0.1:{port}/x", secret="s"),
        stdout=1,
    )
    settings = Patient(url="http://127.0.0.1:9").settings
    return await examine(replace(settings, sinks=sinks, tracing=TracingSettings(endpoint=f"http://127.0.0.1:{port}")))


async def test_receivers_that_are_there_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        there = await examined(one.getsockname()[1])
    away = await examined(9)
    assert [found.state for found in there] == [State.OK] * 4
    assert [found.state for found in away] == [State.WARN, State.WARN, State.OK, State.WARN]
    assert [found.seen.partition(":")[0] for found in away] == ["syslog", "webhook", "stdout", "traces"]


async def test_without_any() -> None:
    (found,) = await examine(Patient(url="http://127.0.0.1:9").settings)
    assert (found.state, "only copy" in found.seen) == (State.OK, True)
