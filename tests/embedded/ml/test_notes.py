"""Notifications of an embedded cluster."""

from typing import Any

import pytest

from proxy.embedded.backend import Answer, Call
from proxy.embedded.core import Core
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.ml.notes import INDEX
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"


async def told(ask: Asker) -> list[str]:
    """Every notification, in the order in which they were written."""
    found = await ask.ok("POST", "/.ml-notifications-*/_search", {"size": 100})
    return [hit["_source"]["message"] for hit in found["hits"]["hits"]]


async def test_what_happens_to_a_job_is_told() -> None:
    ask = Asker(jobs=Jobs(notes=True))
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_start")
    await ask.ended("job")
    await ask.ok("POST", f"{JOB}/_stop")
    await ask.ok("POST", f"{JOB}/_stop?force=true")
    await ask.ok("DELETE", JOB)
    messages = await told(ask)
    started = ["Starting analytics on node [embedded]", "Started analytics"]
    assert messages[0] == "Created analytics with type [outlier_detection]"
    # The job goes on while its start is answered.
    assert [one for one in messages if one in started] == started
    assert "Finished analysis" in messages
    assert messages[-3:] == ["Stopped analytics", "Stopped analytics (forced)", "Deleted analytics"]


async def test_a_job_without_a_node_is_started_and_not_assigned() -> None:
    ask = Asker(jobs=Jobs(notes=True, nodes=0))
    await ask.flights()
    await ask.ok("PUT", JOB, {**OUTLIERS, "allow_lazy_start": True})
    await ask.ok("POST", f"{JOB}/_start")
    assert (await told(ask))[1:] == ["Started analytics"]


async def test_a_cluster_that_was_not_told_to_writes_none() -> None:
    ask = Asker()
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    assert (await ask("GET", f"/{INDEX}")).status == 404


async def test_the_index_is_hidden() -> None:
    ask = Asker(jobs=Jobs(notes=True))
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    assert INDEX not in (await ask.ok("GET", "/*"))


class Failing(Core):
    """A core that takes no notification."""

    async def call(self, call: Call) -> Answer:
        """As the core, but for those."""
        if call.target.startswith(f"/{INDEX}/_doc"):
            body = b'{"error":{"type":"cluster_block_exception","reason":"read-only","root_cause":[]},"status":403}'
            return Answer(status=403, headers=(("content-type", "application/json"),), body=body)
        return await super().call(call)


async def test_what_cannot_be_written_is_lost_and_the_call_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    ask = Asker(jobs=Jobs(notes=True), backend=Failing())
    await ask.flights()
    made: Any = await ask.ok("PUT", JOB, OUTLIERS)
    assert made["id"] == "job"
    assert "is lost: read-only" in caplog.text
