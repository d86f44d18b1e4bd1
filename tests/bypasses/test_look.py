"""The whole comparison: a gate with its journal, an embedded cluster that writes notifications, and starts past it."""

from pathlib import Path
from typing import Any

from proxy.bypasses.look import MONITOR, MONITOR_ML, Looking, look, refused
from proxy.bypasses.model import Kind, Report
from proxy.cluster.transport import Transport
from proxy.embedded.app import serve_embedded
from proxy.embedded.ml.jobs import Jobs
from proxy.errors import PassedOn
from proxy.model import Credential
from proxy.settings import ClusterTls
from tests.stack import Stack, in_front_of

FAR_MS = 1 << 42
BASE = "/_ml/data_frame/analytics"


async def make(stack: Stack, job: str) -> None:
    """A job over a small source."""
    for number in range(6):
        document = {"a": number, "b": number % 3, "c": number * 2}
        await stack.ok("POST", "/source/_doc?refresh=true", document)
    body = {"source": {"index": "source"}, "dest": {"index": f"out-{job}"}, "analysis": {"outlier_detection": {}}}
    await stack.ok("PUT", f"{BASE}/{job}", body)


async def looked(stack: Stack, *, user: str | None = None, journal: bool = True, **more: Any) -> Report:
    """A look at everything that is there."""
    auth = user or stack.cluster.superuser
    credential = Credential(whose="service", headers=(("authorization", auth),))
    transport = Transport([stack.cluster.url], ClusterTls(), 10.0)
    settings = {"folders": (stack.journal,) if journal else (), "stream": None, "since_ms": 0, "now_ms": FAR_MS}
    try:
        # The journal begins with the test: with the usual tolerance, all of it would be too near to the beginning.
        return await look(transport, credential, credential, Looking(**{**settings, "tolerance_ms": 2, **more}))
    finally:
        await transport.close()


async def test_a_start_past_the_gate_is_found_and_one_through_it_is_not(tmp_path: Path) -> None:
    async with (
        serve_embedded(jobs=Jobs(notes=True)) as cluster,
        in_front_of(cluster, tmp_path) as stack,
    ):
        for job in ("good", "bad"):
            await make(stack, job)
        assert (await stack.start("good")).status == 200
        await stack.ended("good")
        clean = await looked(stack)
        assert clean.findings == ()
        assert {source.name: source.read for source in clean.sources} == {
            "jobs": True,
            "notifications": True,
            "tasks": True,
            f"journal {stack.journal}": True,
        }

        assert (await stack.call("POST", f"{BASE}/bad/_start", direct=True)).status == 200
        await stack.ended("bad")
        (finding,) = (await looked(stack)).findings
        assert (finding.kind, finding.job, finding.source) == (Kind.PAST_THE_GATE, "bad", "notifications")
        assert "superuser" in finding.text


async def test_a_job_that_has_run_is_found_without_notifications(tmp_path: Path) -> None:
    async with serve_embedded() as cluster, in_front_of(cluster, tmp_path) as stack:
        await make(stack, "bad")
        await stack.call("POST", f"{BASE}/bad/_start", direct=True)
        await stack.ended("bad")
        (finding,) = (await looked(stack)).findings
        assert (finding.kind, finding.job, finding.source) == (Kind.NOT_ON_RECORD, "bad", "jobs")


async def test_who_may_not_read_is_told_so(tmp_path: Path) -> None:
    async with serve_embedded() as cluster, in_front_of(cluster, tmp_path) as stack:
        nobody = cluster.add_user("nobody", "a-password", [])
        report = await looked(stack, user=nobody)
        unread = {source.name: source.text for source in report.sources if not source.read}
        assert unread.keys() == {"jobs", "notifications", "tasks"}
        assert "needs the cluster privilege monitor_ml" in unread["jobs"]
        assert "needs the privilege read on .ml-notifications-*" in unread["notifications"]
        cluster.add_role(
            "looker",
            {
                "cluster": ["monitor_ml", "monitor"],
                "indices": [{"names": [".ml-notifications-*"], "privileges": ["read"]}],
            },
        )
        looker = cluster.add_user("looker", "a-password", ["looker"])
        assert all(source.read for source in (await looked(stack, user=looker)).sources)


async def test_without_a_record_nothing_is_judged(tmp_path: Path) -> None:
    async with serve_embedded() as cluster, in_front_of(cluster, tmp_path) as stack:
        report = await looked(stack, journal=False)
        assert (report.findings, report.until) == ((), "")
        missing = await looked(stack, folders=(tmp_path / "none",))
        assert [source.name for source in missing.sources if not source.read] == [f"journal {tmp_path / 'none'}"]
        later = await looked(stack, tolerance_ms=FAR_MS)
        assert later.until == ""
        assert later.notes[0].endswith("there is no time that can be judged")


def test_a_node_without_machine_learning_is_told_as_such() -> None:
    refusal = PassedOn(400, {"error": "no handler found for uri [/_ml] and method [GET]", "status": 400})
    assert refused(refusal, MONITOR_ML) == "this cluster has no machine learning"
    assert refused(refusal, MONITOR) == "this cluster has no such call"
    assert refused(PassedOn(404, {"error": {"type": "index_not_found_exception", "reason": "no"}}), "x") == (
        "status 404: no"
    )


async def test_a_data_stream_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with serve_embedded() as cluster, in_front_of(cluster, tmp_path) as stack:
        report = await looked(stack, stream="stream")
        assert [source.name for source in report.sources if not source.read] == ["data stream stream"]


async def test_a_start_through_a_replica_is_explained_by_its_journal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with (
        serve_embedded(jobs=Jobs(notes=True)) as cluster,
        in_front_of(cluster, tmp_path / "one") as one,
        in_front_of(cluster, tmp_path / "two") as two,
    ):
        await make(one, "shared")
        assert (await two.start("shared")).status == 200
        await one.ended("shared")
        (alone,) = (await looked(one)).findings
        assert alone.job == "shared"
        both = await looked(one, folders=(one.journal, two.journal))
        assert both.findings == ()


async def test_where_the_oldest_files_are_gone_nothing_of_their_time_is_told(tmp_path: Path) -> None:
    """The first file of the journal is retired: what it held may have explained the start."""
    async with serve_embedded(jobs=Jobs(notes=True)) as cluster, in_front_of(cluster, tmp_path) as stack:
        await make(stack, "old")
        assert (await stack.start("old")).status == 200
        await stack.ended("old")
        # A later record is all that is left.
        assert (await stack.start("none")).status == 404
        left = tmp_path / "left"
        left.mkdir()
        lines = (stack.journal / "starts-000001.jsonl").read_bytes().splitlines(keepends=True)
        (left / "starts-000002.jsonl").write_bytes(lines[-1])
        report = await looked(stack, folders=(left,))
        assert report.findings == ()
        assert any("the record begins at" in note for note in report.notes)
