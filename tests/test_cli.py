"""The command line as a whole: help, slips of the finger, `serve` and `demo`."""

import asyncio
import signal
from pathlib import Path

import pytest

from proxy.errors import ExitStatus
from tests.children import complained, running, said
from tests.cluster_double import Double, cluster
from tests.commands.running import invoke


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of the test's own: the default configuration file lies there."""
    monkeypatch.chdir(tmp_path)


def test_help_names_every_command() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name in ("serve", "check", "plan", "audit", "embedded", "demo"):
        assert f"\n  {name} " in result.output
    assert invoke("-h").output == result.output


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (
            ["serv"],
            "no such command 'serv' (did you mean 'serve'?); commands: audit, break-glass, check, demo, doctor, ",
        ),
        (
            ["audit", "lits"],
            "no such command 'lits' (did you mean 'list'?); commands: bypasses, dashboard, export, list, replay",
        ),
        (["zzz"], "no such command 'zzz'; commands:"),
        (["serve", "--confg", "x"], "--config"),
        (["embedded", "--port", "70000"], "70000"),
        (["audit", "show"], "RECEIPT"),
        (["demo", "--port", "x"], "'x' is not a valid port"),
        (["serve", "--wait-for-cluster", "soon"], "'soon' is not a valid number of seconds"),
        (["embedded", "--in-front-of", "es:9200"], "--in-front-of: must be http(s)://host:port"),
    ],
)
def test_a_slip_of_the_finger_is_met_with_the_nearest(arguments: list[str], hint: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert hint in result.output


async def test_the_command_loads_nothing_of_the_embedded_cluster() -> None:
    """`serve` runs in production, the embedded cluster never does."""
    text = "import sys, proxy.cli; print([n for n in sys.modules if n.startswith(('proxy.embedded', 'proxy.demo'))])"
    async with running(["-c", text]) as process:
        assert await said(process) == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"]])
def test_no_word_of_the_commands_is_cut_off(arguments: list[str]) -> None:
    assert "..." not in invoke(*arguments).output.replace("[ARGS]...", "")


async def test_serve_ends_with_3_where_nobody_answers() -> None:
    arguments = ["-m", "proxy", "serve", "--wait-for-cluster", "0"]
    environment = {"STARTGATE_CLUSTER__NODES": "http://127.0.0.1:9", "STARTGATE_LISTEN": "127.0.0.1:0"}
    async with running(arguments, env=environment) as process:
        status, complaint = await complained(process)
    assert status == ExitStatus.UNREACHABLE
    assert complaint.startswith("error: the cluster does not answer at http://127.0.0.1:9: ")
    assert complaint.count("\n") == 1


@pytest.mark.slow
async def test_serve_says_that_it_is_ready_and_stops(tmp_path: Path) -> None:
    async with cluster(Double()) as double:
        (tmp_path / "startgate.yml").write_text(f"listen: 127.0.0.1:0\ncluster: {{nodes: ['{double.url}']}}\n")
        async with running(["-m", "proxy", "serve"]) as process:
            line = await said(process)
            assert line.startswith("startgate ")
            assert double.url in line
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.parametrize("command", ["embedded", "demo"])
async def test_a_taken_port_is_told(command: str) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(["-m", "proxy", command, "--port", str(port)]) as process:
        status, complaint = await complained(process)
    assert status == ExitStatus.ADDRESS
    assert "in use" in complaint
    assert str(port) in complaint
    assert "Traceback" not in complaint
    server.close()
    await server.wait_closed()
