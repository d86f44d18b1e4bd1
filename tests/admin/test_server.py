"""The paths of the admin port, over a real socket."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from proxy.admin import reach
from proxy.admin.api import ErrorAnswer
from proxy.admin.certificates import first_end
from proxy.metrics import collector
from proxy.metrics.snapshot import Snapshot
from proxy.metrics.teller import LENGTH
from proxy.settings import AdminPort, AdminSettings
from tests.admin.serving import PATIENCE_S, Serving, serving
from tests.cluster_double import Double, cluster


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Serving]:
    """An admin port in front of a cluster that is there."""
    async with cluster(Double()) as double, serving(tmp_path, (double.url,)) as running:
        yield running


async def test_it_is_live_before_anybody_else_is(admin: Serving) -> None:
    status, body, headers = await admin.get("/health/live")
    assert (status, json.loads(body)) == (200, {"live": True})
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"


async def test_it_has_started_once_every_process_has_told(admin: Serving) -> None:
    status, body, _ = await admin.get("/health/startup")
    assert (status, json.loads(body)) == (503, {"started": False, "missing": ["gate", "edge-1", "edge-2"]})
    for name in ("gate", "edge-1", "edge-2"):
        admin.begin(name)
    body = await admin.until("/health/startup", 200)
    assert json.loads(body) == {"started": True, "missing": []}
    await admin.end("edge-2")
    assert (await admin.get("/health/startup"))[0] == 200, "and it stays started"


async def test_it_is_ready_when_all_is_well(admin: Serving) -> None:
    for name in ("gate", "edge-1", "edge-2"):
        admin.begin(name)
    await admin.until("/health/startup", 200)
    health = json.loads(await admin.until("/health/ready", 200))
    assert (health["ready"], health["asked"]) == (True, "starts")
    assert {check["name"] for check in health["checks"]} == {"workers", "gate", "rules", "journal", "cluster"}
    assert [process["name"] for process in health["processes"]] == ["gate", "edge-1", "edge-2"]
    assert all(process["up"] and process["pid"] and process["memory_bytes"] for process in health["processes"])


@pytest.mark.parametrize("broken", ["rules", "journal"])
async def test_what_starts_need_does_not_keep_traffic_away(admin: Serving, broken: str) -> None:
    for name in ("gate", "edge-1", "edge-2"):
        admin.begin(name)
    await admin.until("/health/ready", 200)
    setattr(admin.gate, broken, False)
    health = json.loads(await admin.until("/health/ready", 503))
    assert [check["name"] for check in health["checks"] if not check["ok"]] == [broken]
    assert (await admin.get("/health/ready?for=traffic"))[0] == 200
    setattr(admin.gate, broken, True)
    assert (await admin.get("/health/ready"))[0] == 200


async def test_without_a_gate_no_start_is_possible(admin: Serving) -> None:
    for name in ("edge-1", "edge-2"):
        admin.begin(name)
    await admin.until("/health/ready?for=traffic", 200)
    status, body, _ = await admin.get("/health/ready")
    checks = {check["name"]: check for check in json.loads(body)["checks"]}
    assert status == 503
    assert not checks["gate"]["ok"]
    assert checks["rules"]["reason"] == "not known: the gate does not answer"


async def test_a_cluster_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "CONNECT_S", 1.0)
    async with serving(tmp_path, ("http://127.0.0.1:9",)) as admin:
        admin.begin("edge-1")
        body = await admin.until("/health/ready?for=traffic", 503)
    (check,) = [check for check in json.loads(body)["checks"] if check["name"] == "cluster"]
    assert check["reason"].startswith("0 of 1 node can be connected to; http://127.0.0.1:9: ")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("", "there is no readiness for ''"),
        ("everything", "there is no readiness for 'everything'"),
        ("starts%00", "there is no readiness for 'starts\\x00' (did you mean 'starts'?)"),
        ("trafic", "there is no readiness for 'trafic' (did you mean 'traffic'?)"),
        ("x" * 5000, f"there is no readiness for '{'x' * 100}'"),
    ],
)
async def test_another_purpose_is_refused_as_all_errors_of_the_port_are(
    admin: Serving, asked: str, reason: str
) -> None:
    status, body, _ = await admin.get(f"/health/ready?for={asked}")
    wanted = ErrorAnswer(status=400, reason=reason, where="for", allowed="starts, traffic")
    assert (status, msgspec.json.decode(body, type=ErrorAnswer)) == (400, wanted)


async def test_metrics_of_all_processes_come_in_one_answer(admin: Serving) -> None:
    for name in ("gate", "edge-1"):
        admin.begin(name)
    await admin.until("/health/ready?for=traffic", 200)
    status, body, headers = await admin.get("/metrics")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert found["startgate_process_up", "gate"] == 1
    assert found["startgate_process_up", "edge-1"] == 1
    assert found["startgate_process_up", "edge-2"] == 0
    assert found["startgate_process_deaths_total", "edge-2"] == 0
    assert found["startgate_connections", "edge-1"] == 2
    assert found["startgate_rules_info", "abc"] == 1
    assert found["startgate_process_resident_memory_bytes", "admin"] > 0
    assert found["startgate_scrape_duration_seconds",] > 0
    assert any(name == "startgate_build_info" for name, *_ in found)


async def test_openmetrics_is_spoken_where_it_is_asked_for(admin: Serving) -> None:
    _, body, headers = await admin.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [("GET", "/v1", 404), ("GET", "/health", 404), ("POST", "/metrics", 405), ("DELETE", "/health/live", 405)],
)
async def test_what_there_is_not_is_told_in_json(admin: Serving, method: str, path: str, wanted: int) -> None:
    status, body, headers = await admin.get(path, method)
    assert status == wanted
    told = json.loads(body)
    assert told["status"] == wanted
    assert told["allowed"].startswith("/metrics, /health/live" if wanted == 404 else "GET, HEAD")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "aiohttp" not in headers.get("Server", "")


async def test_many_who_ask_at_once_are_all_answered(admin: Serving) -> None:
    for name in ("gate", "edge-1", "edge-2"):
        admin.begin(name)
    await admin.until("/health/ready", 200)
    paths = ["/metrics", "/health/ready", "/health/live", "/health/ready?for=traffic"] * 8
    assert {status for status, _, _ in await asyncio.gather(*(admin.get(path) for path in paths))} == {200}


async def test_a_head_is_answered_without_a_body(admin: Serving) -> None:
    for path in ("/metrics", "/health/live"):
        status, body, _ = await admin.get(path, "HEAD")
        assert (status, body) == (200, b"")


async def test_a_process_that_hangs_holds_up_nobody_else(admin: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "ANSWER_S", 0.2)
    for name in ("gate", "edge-1"):
        admin.begin(name)
    await admin.until("/health/ready?for=traffic", 200)
    _, writer = await asyncio.open_unix_connection(str(admin.folder / "metrics.sock"))
    told = msgspec.msgpack.encode(Snapshot(process="edge-2", pid=1, began_ns=1))
    writer.write(LENGTH.pack(len(told)) + told)
    await admin.until("/health/startup", 200)
    # A worker that answers too late on a busy machine is asked again.
    wanted = {"gate": True, "edge-1": True, "edge-2": False}
    async with asyncio.timeout(PATIENCE_S):
        while await ups(admin) != wanted:
            pass
    writer.close()


async def ups(admin: Serving) -> dict[str, bool]:
    """Which processes answer."""
    health = json.loads((await admin.get("/health/ready"))[1])
    return {process["name"]: process["up"] for process in health["processes"]}


async def test_the_end_of_certificates_is_told(tmp_path: Path) -> None:
    file = tmp_path / "listener.pem"
    trustme.CA().issue_cert("localhost").cert_chain_pems[0].write_to_path(str(file))
    async with serving(tmp_path, ("http://127.0.0.1:9",), (str(file), str(tmp_path / "missing.pem"))) as admin:
        _, body, _ = await admin.get("/metrics")
    ends = [
        (sample.labels["file"], sample.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "startgate_certificate_expiry_timestamp_seconds"
    ]
    assert ends == [(str(file), first_end(file))]


async def test_no_secret_reaches_the_process_that_answers() -> None:
    """What it is told of TLS are files; nothing that it holds is shown."""
    names = {field.name for field in dataclasses.fields(AdminSettings)}
    assert names == {
        *("listen", "processes", "nodes", "cluster_tls", "certificates"),
        # Paths: what lies there is for this process to read, or to connect to.
        *("control", "gate_socket", "journal"),
    }
    port = {field.name for field in dataclasses.fields(AdminPort)}
    assert port == {"host", "port", "socket", "tls", "hosts", "access", "limits"}
