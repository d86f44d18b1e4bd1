"""Starts past the gate, on genuine nodes: notifications and records lie in their indices, searched by their own code.

Machine learning itself is not published for a bare node: the embedded layer in front writes the notifications, into
indices of the node.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.bypasses.look import Looking, look
from proxy.bypasses.model import Kind, Report
from proxy.cluster.transport import Transport
from proxy.embedded.app import serve_embedded
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.ml.notes import INDEX
from proxy.embedded.remote import RemoteNode
from proxy.model import Credential
from proxy.settings import ClusterTls
from tests.real.node import RealNode
from tests.real.test_ship import make_stream, ship
from tests.stack import Stack, in_front_of

pytestmark = [pytest.mark.real, pytest.mark.slow]

BASE = "/_ml/data_frame/analytics"
SOURCE, STREAM = "bypasses-source", "startgate-bypasses"
# So far ahead that every clock is before it, also with the tolerance.
LATER_MS = 1 << 42


@pytest.fixture
async def stack(real_node: RealNode, tmp_path: Path) -> AsyncIterator[Stack]:
    """A gate in front of the node, with notifications."""
    async with (
        serve_embedded(backend=RemoteNode(real_node.url), jobs=Jobs(notes=True)) as cluster,
        in_front_of(cluster, tmp_path) as found,
    ):
        yield found
        for index in (INDEX, SOURCE, f"{SOURCE}-good", f"{SOURCE}-bad"):
            await found.call("DELETE", f"/{index}", direct=True)


async def looked(stack: Stack, *, stream: str | None = None) -> Report:
    """A look at the journal's files, or at the stream alone."""
    credential = Credential(whose="service", headers=(("authorization", stack.cluster.superuser),))
    transport = Transport([stack.cluster.url], ClusterTls(), 20.0)
    folders = () if stream else (stack.journal,)
    what = Looking(folders=folders, stream=stream, since_ms=0, now_ms=LATER_MS, tolerance_ms=2)
    try:
        return await look(transport, credential, credential, what)
    finally:
        await transport.close()


@pytest.mark.timeout(300)
async def test_a_start_past_the_gate_is_found_by_journal_and_by_stream(stack: Stack, real_node: RealNode) -> None:
    for number in range(6):
        await stack.ok("POST", f"/{SOURCE}/_doc?refresh=true", {"a": number, "b": number % 3})
    for job in ("good", "bad"):
        body = {
            "source": {"index": SOURCE},
            "dest": {"index": f"{SOURCE}-{job}"},
            "analysis": {"outlier_detection": {}},
        }
        await stack.ok("PUT", f"{BASE}/{job}", body)
    assert (await stack.start("good")).status == 200
    await stack.ended("good")
    clean = await looked(stack)
    assert clean.findings == ()
    assert [source.name for source in clean.sources if not source.read] == []

    assert (await stack.call("POST", f"{BASE}/bad/_start", direct=True)).status == 200
    await stack.ended("bad")
    (by_journal,) = (await looked(stack)).findings
    assert (by_journal.kind, by_journal.job, by_journal.source) == (Kind.PAST_THE_GATE, "bad", "notifications")

    await asyncio.to_thread(make_stream, real_node, STREAM)
    await ship(real_node, stack.journal, STREAM)
    await asyncio.to_thread(real_node.call, "POST", f"/{STREAM}/_refresh")
    report = await looked(stack, stream=STREAM)
    assert report.findings == (by_journal,)
    assert [source.name for source in report.sources if not source.read] == []
