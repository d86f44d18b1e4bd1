"""What the journal holds of a start from its arrival to its job's end, over a real socket and a whole cluster."""

from pathlib import Path

from proxy.cluster.gateway import Gateway
from proxy.model import Credential, JobState, Stage
from proxy.settings import ClusterTls
from tests.journal.checking import check_journal
from tests.stack import whole

PATH = "/_ml/data_frame/analytics/out"
JOB = {
    "source": {"index": "numbers"},
    "dest": {"index": "numbers-out"},
    "analysis": {"outlier_detection": {}},
}
STEPS = ("identified", "judged", "planned", "intended", "prepared", "forwarded", "answered")


async def test_a_start_is_told_from_its_arrival_to_its_end(tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        for at in range(12):
            await stack.ok("PUT", f"/numbers/_doc/{at}?refresh=true", {"a": at, "b": at * 2})
        await stack.ok("PUT", PATH, JOB)
        reply = await stack.start("out", **{"X-Forwarded-For": "192.0.2.1, 192.0.2.2"})
        assert reply.status == 200
        end = await stack.end_of(reply.headers["X-Startgate-Receipt"])
        records = stack.recorded(reply.headers["X-Startgate-Receipt"]).records
    assert list(records) == ["intent", "outcome", "end"]
    outcome = records["outcome"]
    ours = outcome["startgate"]
    assert ours["destination"]["origins"]["fields"] == {"added": 1, "index": 2}
    assert ours["job"]["source_indices"] == ["numbers"]
    assert ours["forwarded"] == {"for": ["192.0.2.1", "192.0.2.2"]}
    assert ours["job"]["config_sha256"] == records["intent"]["startgate"]["job"]["config_sha256"]
    assert outcome["source"]["ip"] == "127.0.0.1"
    ticks = [ours["timings_ms"][step] for step in STEPS]
    assert ticks == sorted(ticks)
    ended = end["startgate"]["end"]
    assert (ended["state"], ended["stage"]) == ("stopped", "finished")
    assert ended["documents"]["training"] == 12
    assert ended["peak_memory_bytes"] > 0
    assert set(ended["progress"].values()) == {100}
    assert end["event"]["duration"] > 0
    assert check_journal(tmp_path / "journal") >= 4


async def test_jobs_that_are_gone_do_not_hide_the_states_of_others(tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        await stack.ok("PUT", "/numbers/_doc/1", {"a": 1})
        for name in ("out", "out-2"):
            await stack.ok("PUT", f"/_ml/data_frame/analytics/{name}", JOB)
        gateway = Gateway((stack.cluster.url,), tls=ClusterTls(), service=None, call_timeout_s=10)
        superuser = Credential(whose="service", headers=(("authorization", stack.cluster.superuser),))
        try:
            states = await gateway.job_states(["gone", "out", "out-3", "out-2"], superuser)
        finally:
            await gateway.close()
    assert states == dict.fromkeys(("out", "out-2"), JobState(state="stopped", stage=Stage.FIRST_TIME))
