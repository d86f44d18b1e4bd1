"""Starts past the gate, on genuine nodes: notifications and records lie in their indices, searched by their own code.

Machine learning itself is not published for a bare node: the embedded layer in front writes the notifications, into
indices of the node.
"""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from proxy.bypasses.look import Looking, look
from proxy.bypasses.match import AT_REST, STARTED
from proxy.bypasses.model import Kind, Report
from proxy.cluster import heard
from proxy.cluster.transport import Transport
from proxy.embedded.app import serve_embedded
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.ml.notes import INDEX
from proxy.embedded.remote import RemoteNode
from proxy.model import Credential
from proxy.settings import ClusterTls
from tests.real import jars
from tests.real.conftest import require_real
from tests.real.node import RealNode
from tests.real.test_ship import make_stream, ship
from tests.real.versions import CannotRun, Version, selected
from tests.stack import Stack, in_front_of

pytestmark = [pytest.mark.real, pytest.mark.slow]

# The classes that hold them: `Messages`, `MlTasks`, `NotificationsIndex`.
CLASSES = "org/elasticsearch/xpack/core/ml"
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


@pytest.mark.parametrize(
    "version", [one for one in selected() if one.major >= 8], ids=lambda version: str(version.number)
)
def test_the_texts_are_those_of_the_release(version: Version) -> None:
    """Texts and names are constants of classes that are published; there is no such jar of 7.17.24."""
    try:
        (jar,) = jars.security(version).glob("x-pack-core-*.jar")
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"the classes of {version.number} cannot be had: {reason}", pytrace=False)
        pytest.skip(f"the classes of {version.number} cannot be had: {reason}")
    with zipfile.ZipFile(jar) as classes:
        messages = classes.read(f"{CLASSES}/job/messages/Messages.class")
        tasks = classes.read(f"{CLASSES}/MlTasks.class")
        indices = classes.read(f"{CLASSES}/notifications/NotificationsIndex.class")
    assert all(constant(text) in messages for text in (STARTED, "Stopped analytics", "Deleted analytics"))
    assert constant("Created analytics with type [{0}]") in messages
    assert all(text.startswith(AT_REST) for text in ("Stopped analytics (forced)", "Created analytics with type [x]"))
    assert heard.TASK_PREFIX.encode() in tasks
    assert constant(heard.TASK_NAME) in tasks
    assert constant(INDEX) in indices
    assert fnmatchcase(INDEX, heard.NOTES)


def constant(text: str) -> bytes:
    """A text as a class holds it (JVMS §4.4.7): tag, length, bytes."""
    return b"\x01" + len(text).to_bytes(2, "big") + text.encode()


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
