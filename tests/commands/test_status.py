"""`startgate status`: asked of an admin port that runs in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.commands.running import Running, Sunk
from tests.admin.serving import Gate, serving
from tests.cluster_double import Double, cluster
from tests.commands.running import invoke


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """What the gate tells of a Startgate whose processes are all there."""
    up, done = threading.Event(), threading.Event()
    found: list[Gate] = []

    async def serve() -> None:
        async with cluster(Double()) as double, serving(tmp_path, (double.url,)) as admin:
            for name in ("gate", "edge-1", "edge-2"):
                admin.begin(name)
            await admin.until("/health/ready", 200)
            (tmp_path / "startgate.yml").write_text(f"admin: {{listen: '127.0.0.1:{admin.port}'}}\n")
            found.append(admin.gate)
            up.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


@pytest.mark.usefixtures("gate")
def test_all_is_well() -> None:
    told = invoke("status")
    assert told.exit_code == 0, told.output
    lines = [line.split() for line in told.output.splitlines()]
    assert lines[0][2:] == ["is", "ready", "for", "starts"]
    assert ["rules", "ok", "starts", "as", "told"] in lines
    assert [line[:2] for line in lines if line[:1] in (["gate"], ["edge-1"], ["edge-2"])] == [
        ["gate", "ok"],
        ["gate", "up"],
        ["edge-1", "up"],
        ["edge-2", "up"],
    ]


def test_what_is_wrong_is_told_and_is_the_exit_status(gate: Gate) -> None:
    gate.journal = False
    told = invoke("status")
    assert told.exit_code == 1
    assert "is not ready for starts" in told.output
    assert ["journal", "failing", "starts", "as", "told"] in [line.split() for line in told.output.splitlines()]
    assert invoke("status", "--for", "traffic").exit_code == 0


def test_json_is_that_of_the_path(gate: Gate) -> None:
    gate.rules = False
    told = invoke("status", "--json")
    assert told.exit_code == 1
    content = json.loads(told.output)
    assert content["ready"] is False
    assert [check["name"] for check in content["checks"] if not check["ok"]] == ["rules"]


@pytest.mark.usefixtures("gate")
def test_sinks_are_told_with_their_last_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "records behind" not in invoke("status").output, "nobody tells of any"
    sinks = (Sunk(name="syslog", records=0, trouble=""), Sunk(name="webhook", records=3, trouble="it \x1banswers 500"))

    async def told(_running: Running) -> tuple[Sunk, ...]:
        return sinks

    monkeypatch.setattr(Running, "sinks", told)
    status = invoke("status")
    assert status.exit_code == 0, "a sink that fails keeps nobody from starting"
    lines = [line.split(maxsplit=3) for line in status.output.splitlines()]
    assert ["syslog", "ok", "0", "-"] in lines
    assert ["webhook", "failing", "3", "it \\x1banswers 500"] in lines


@pytest.mark.parametrize(
    ("listen", "status", "text"),
    [("off", 2, "admin.listen: is off"), ("127.0.0.1:0", 3, "which port the system chose is only in the log")],
)
def test_where_there_is_nobody_to_ask(tmp_path: Path, listen: str, status: int, text: str) -> None:
    (tmp_path / "startgate.yml").write_text(f"admin: {{listen: {listen}}}\n")
    told = invoke("status")
    assert told.exit_code == status
    assert text in told.output


def test_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("admin: {listen: '127.0.0.1:9'}\n")
    told = invoke("status")
    assert told.exit_code == 3
    assert "nobody answers at 127.0.0.1:9" in told.output


def test_another_machine_is_asked_with_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t" * 40)
    told = invoke("status", "--admin", "http://127.0.0.1:9", "--token-file", "token")
    assert told.exit_code == 3
    assert "nobody answers at 127.0.0.1:9" in told.output
    for options, text in (
        (("--admin", "127.0.0.1:9"), "--admin: must be http(s)://host:port"),
        (("--admin", "http://a:1", "--token-file", "nowhere"), "nowhere cannot be read"),
    ):
        told = invoke("status", *options)
        assert (told.exit_code, text in told.output) == (2, True), told.output
        assert "tttt" not in told.output
