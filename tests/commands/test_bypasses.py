"""`startgate audit bypasses` as an operator meets it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.bypasses.model import Finding, Kind, Report, Source
from proxy.commands import bypasses
from proxy.commands.bypasses import status
from proxy.embedded.app import serve_embedded
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.journal.chain import genesis, seal
from tests.commands.running import invoke
from tests.journal.making import opened
from tests.stack import in_front_of

FOUND = Finding(
    kind=Kind.PAST_THE_GATE, job="j", at="2026-01-31T09:00:00.000Z", source="notifications", text="the cluster says"
)
READ, UNREAD = (
    Source(name="jobs", read=True, text="2 jobs"),
    Source(name="notifications", read=False, text="status 403"),
)


def report(*sources: Source, findings: tuple[Finding, ...] = (), notes: tuple[str, ...] = (), **more: Any) -> Report:
    """What came of a look at a day."""
    day = {"since": "2026-01-31T00:00:00.000Z", "until": "2026-02-01T00:00:00.000Z", **more}
    return Report(findings=findings, sources=sources, notes=notes, **day)


def configured(folder: Path, url: str = "http://127.0.0.1:9", more: str = "") -> None:
    (folder / "startgate.yml").write_text(f"cluster: {{nodes: ['{url}']}}\n{more}")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (report(READ), 0),
        (report(READ, findings=(FOUND,)), 1),
        (report(READ, UNREAD, findings=(FOUND,)), 1),
        (report(READ, UNREAD), 2),
        (report(READ, Source(name="tasks", read=False, text="", needed=False)), 0),
        (report(READ, unread=("journal:5",)), 2),
        (report(READ, since="", until=""), 2),
    ],
)
def test_exit_statuses(found: Report, expected: int) -> None:
    assert status(found) == expected


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Report]:
    """A look that has the report found that is put in here."""
    reports: list[Report] = []

    async def looked(*_: object) -> Report:
        return reports[0]

    monkeypatch.setattr(bypasses, "_look", looked)
    configured(tmp_path)
    return reports


def test_findings_are_a_table_and_what_was_asked_stands_beside_it(told: list[Report]) -> None:
    told.append(report(READ, UNREAD, findings=(FOUND,), notes=("a note",)))
    result = invoke("audit", "bypasses")
    assert result.exit_code == 1
    heading, row = result.stdout.splitlines()
    assert heading.split("  ")[0] == "time (UTC)"
    assert row == "2026-01-31 09:00:00  past the gate  j    notifications  -        the cluster says"
    assert result.stderr.splitlines() == [
        "judged: from 2026-01-31T00:00:00.000Z to 2026-02-01T00:00:00.000Z",
        "jobs: 2 jobs",
        "notifications: NOT READ: status 403",
        "a note",
    ]


def test_nothing_found(told: list[Report]) -> None:
    told.append(report(READ))
    result = invoke("audit", "bypasses")
    assert (result.exit_code, result.stdout) == (0, "nothing was found\n")


def test_what_could_not_be_judged_is_not_called_good(told: list[Report]) -> None:
    told.append(Report(sources=(UNREAD,), unread=tuple(f"journal:{number} is odd" for number in range(25))))
    result = invoke("audit", "bypasses")
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert lines[1] == "error: journal:0 is odd"
    assert lines[-1] == "error: 5 more of these; `startgate audit verify` tells what is wrong"


def test_as_json(told: list[Report]) -> None:
    told.append(report(READ, findings=(FOUND,)))
    result = invoke("audit", "bypasses", "--json")
    shown = msgspec.json.decode(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert shown["findings"][0]["kind"] == "past the gate"
    assert shown["sources"] == [{"name": "jobs", "needed": True, "read": True, "text": "2 jobs"}]


def test_a_cluster_that_is_away_could_not_be_looked_at(tmp_path: Path) -> None:
    configured(tmp_path)
    folder = tmp_path / "journal"
    folder.mkdir()
    line, _ = seal(opened(), genesis("a-journal"))
    (folder / "starts-000001.jsonl").write_bytes(line)
    result = invoke("audit", "bypasses")
    assert result.exit_code == 2
    assert "jobs: NOT READ: GET /_ml/data_frame/analytics/_stats: " in result.stderr
    assert f"journal {folder}: 1 records" in result.stderr


def test_what_is_read_besides_the_journal_of_the_configuration(tmp_path: Path) -> None:
    sink = "journal: {sinks: {elasticsearch: {data_stream: audit-1}}}\n"
    configured(tmp_path, more=sink)

    def sources(*options: str) -> list[str]:
        result = invoke("audit", "bypasses", "--json", "--since", "2h", "--tolerance", "5", *options)
        assert result.exit_code == 2
        return [one["name"] for one in msgspec.json.decode(result.stdout)["sources"]][3:]

    own = f"journal {tmp_path / 'journal'}"
    assert sources() == [own, "data stream audit-1"]
    assert sources("--journal", "a", "--journal", "b") == ["journal a", "journal b"]
    assert sources("--stream", "audit-2") == ["data stream audit-2"], "there is no journal here"
    (tmp_path / "journal").mkdir()
    assert sources("--stream", "audit-2") == [own, "data stream audit-2"]
    assert sources("--stream", "audit-2", "--journal", "a") == ["journal a", "data stream audit-2"]


async def test_a_start_past_a_gate_that_runs(tmp_path: Path) -> None:
    """As an operator does it, with the service credential of the configuration."""
    path = "/_ml/data_frame/analytics/bad"
    body = {"source": {"index": "source"}, "dest": {"index": "out"}, "analysis": {"outlier_detection": {}}}
    async with serve_embedded(jobs=Jobs(notes=True)) as cluster, in_front_of(cluster, tmp_path) as stack:
        (tmp_path / "password").write_text(ELASTIC_PASSWORD)
        (tmp_path / "password").chmod(0o600)
        service = "service: {username: elastic, password_file: password}"
        (tmp_path / "startgate.yml").write_text(f"cluster: {{nodes: ['{cluster.url}'], {service}}}\n")
        for number in range(4):
            await stack.ok("POST", "/source/_doc?refresh=true", {"a": number, "b": number % 3})
        await stack.ok("PUT", path, body)
        asked = ("audit", "bypasses", "--tolerance", "0.002")
        clean = await asyncio.to_thread(invoke, *asked)
        assert (clean.exit_code, clean.stdout) == (0, "nothing was found\n"), clean.stderr
        await stack.ok("POST", f"{path}/_start")
        await stack.ended("bad")
        found = await asyncio.to_thread(invoke, *asked)
    assert found.exit_code == 1, found.stderr
    assert "past the gate  bad  notifications" in found.stdout
    assert found.stdout.endswith("it runs with the roles superuser\n")
    assert "tasks: 0 of running jobs" in found.stderr
