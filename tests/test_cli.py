"""The command line: what it prints, where, and what it ends with."""

import asyncio
import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from proxy import cli
from proxy.errors import CannotServe, ConfigError, ExitStatus, Fault, JournalError
from proxy.journal import entry
from proxy.journal.entry import Phase
from proxy.planned.ask import Asking, Told
from tests.children import complained, running, said
from tests.cluster_double import Double, cluster

RECEIPT = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of the test's own: the default configuration file lies there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with one start in it."""
    folder = tmp_path / "journal"
    folder.mkdir()
    record = entry.frame(Phase.OUTCOME, RECEIPT, 1_700_000_000_000, outcome="failure", reason="no such job")
    record["startgate"]["job"] = {"id": "flights"}
    (folder / "starts-000001.jsonl").write_bytes(entry.encode(record))
    return folder


def invoke(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(cli.main, arguments, env=env)


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
            "no such command 'serv' (did you mean 'serve'?); commands: audit, check, demo, embedded, plan, serve",
        ),
        (["audit", "lits"], "no such command 'lits' (did you mean 'list'?); commands: list, show"),
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


def test_check_without_a_file_is_good() -> None:
    result = invoke("check")
    assert result.exit_code == 0
    first, second = result.output.splitlines()
    assert first == "configuration is good: the defaults and the environment"
    assert re.fullmatch(r"rules are good: .*/start\.yml \(revision \w+\)", second)


def test_check_says_which_file_it_read(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("workers: 2\n")
    assert invoke("check").output.startswith("configuration is good: startgate.yml\n")


def test_check_reports_every_fault_of_both(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("listne: a\nworkers: 0\n")
    (tmp_path / "rules.yml").write_text("version: 7\n")
    result = invoke("check", "--rules", "rules.yml")
    assert result.exit_code == ExitStatus.INVALID
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: startgate.yml:1:1: unknown key 'listne' (did you mean 'listen'?)")
    assert lines[1].startswith("error: startgate.yml:2:10: workers: must be from 1 to 256")
    assert any(line.startswith("error: rules.yml:1:") for line in lines)


def test_check_takes_rules_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("version: 1\nstart_data_frame_analytics: {reqire: {}}\n")
    (tmp_path / "other.yml").write_text("rules: mine.yml\n")
    for result in (invoke("check", "-c", "other.yml"), invoke("check", env={"STARTGATE_CONFIG": "other.yml"})):
        assert result.exit_code == ExitStatus.INVALID
        assert "mine.yml:2:" in result.stderr
        assert "did you mean" in result.stderr


def test_check_of_a_file_that_is_not_there() -> None:
    result = invoke("check", "--config", "nowhere.yml")
    assert result.exit_code == ExitStatus.INVALID
    assert result.stderr == "error: nowhere.yml: cannot be read: No such file or directory\n"


def test_audit_list_is_a_table(journal: Path) -> None:
    result = invoke("audit", "list", "--journal", str(journal))
    assert result.exit_code == 0
    assert "flights" in result.output
    assert "no such job" in result.output
    assert RECEIPT[:12] in result.output
    assert invoke("audit", "list").output == result.output, "the default journal lies in the working directory"


def test_audit_list_as_json(journal: Path) -> None:
    (line,) = invoke("audit", "list", "--json").output.splitlines()
    assert json.loads(line)["startgate"]["receipt"] == RECEIPT


def test_audit_list_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    assert "no starts are recorded in" in invoke("audit", "list").output


@pytest.mark.parametrize("receipt", [RECEIPT, RECEIPT[:6]])
def test_audit_show(journal: Path, receipt: str) -> None:
    result = invoke("audit", "show", receipt)
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["receipt", RECEIPT]
    assert json.loads(invoke("audit", "show", receipt, "--json").output)["event"]["reason"] == "no such job"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "fff"], "no start with receipt fff in "),
        (["list", "--journal", "nowhere"], "there is no journal at nowhere\n"),
        (["list", "--config", "nowhere.yml"], "nowhere.yml: cannot be read"),
    ],
)
def test_audit_of_what_is_not_there(journal: Path, arguments: list[str], text: str) -> None:
    result = invoke("audit", *arguments)
    assert result.exit_code == ExitStatus.INVALID
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_where_a_journal_may_be_is_said_where_none_is() -> None:
    result = invoke("audit", "list")
    assert result.exit_code == ExitStatus.INVALID
    assert "journal; name its folder with --journal, or the configuration with --config\n" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"]])
def test_no_word_of_the_commands_is_cut_off(arguments: list[str]) -> None:
    assert "..." not in invoke(*arguments).output.replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ConfigError([Fault("a.yml", "x", 1, 1), Fault("b.yml", "y")]), 2, "error: a.yml:1:1: x\nerror: b.yml: y\n"),
        (CannotServe(ExitStatus.UNREACHABLE, "not there"), 3, "error: not there\n"),
        (JournalError("full"), 2, "error: full\n"),
    ],
)
def test_errors_are_lines_and_a_status(
    error: Exception, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, cli.reported():
        raise error
    assert ended.value.code == status
    assert capsys.readouterr().err == text


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), cli.reported():
        raise ZeroDivisionError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["check"], ["audit", "list"], ["audit", "list", "--json"]])
def test_a_full_disk_is_told_in_a_line(arguments: list[str], journal: Path) -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "proxy", *arguments], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert (told.returncode, told.stderr) == (1, "error: the output cannot be written: No space left on device\n")


def test_a_reader_that_has_seen_enough_is_no_error(journal: Path) -> None:
    line = next(journal.iterdir()).read_bytes()
    (journal / "starts-000001.jsonl").write_bytes(line * 5000)
    command = f"{shlex.quote(sys.executable)} -m proxy audit list --json | head -c 1"
    told = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, text=True)
    assert (told.stdout, told.stderr) == ("{", "")


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


async def test_embedded_says_where_it_is_and_stops() -> None:
    async with running(["-m", "proxy", "embedded", "--port", "0"]) as process:
        line = await said(process)
        assert line.startswith("embedded cluster ready: http://127.0.0.1:")
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


REFUSAL = Told(status=403, content={"error": {"reason": "you lack it"}, "status": 403})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asking]:
    """Whom `startgate plan` asks, and as whom; the answer is a refusal."""
    seen: list[Asking] = []

    async def ask(job: str, asking: Asking) -> Told:
        assert job == "flights"
        seen.append(asking)
        return REFUSAL

    monkeypatch.setattr(cli, "ask", ask)
    return seen


def test_a_plan_of_a_start_that_would_fail(asked: list[Asking]) -> None:
    result = invoke("plan", "flights")
    assert (result.exit_code, result.output) == (1, "a start of flights would fail\n  because you lack it\n")
    assert asked == [Asking(url="http://127.0.0.1:9400")]
    document = invoke("plan", "flights", "--json")
    assert (document.exit_code, json.loads(document.output)) == (1, REFUSAL.content)


def test_who_asks_for_a_plan(asked: list[Asking], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:word\n")
    invoke("plan", "flights", "--user", "anna", env={"STARTGATE_PASSWORD": "secret"})
    prompted = CliRunner().invoke(cli.main, ["plan", "flights", "--user", "anna"], input="secret\n")
    invoke("plan", "flights", "--api-key-file", str(tmp_path / "key"))
    assert [one.authorization for one in asked] == ["Basic YW5uYTpzZWNyZXQ="] * 2 + ["ApiKey aWQ6d29yZA=="]
    assert "password of anna: " in prompted.stderr
    assert "secret" not in prompted.output
    assert "secret" not in repr(asked)


def test_a_plan_over_https_trusts_the_authorities_that_are_named(asked: list[Asking], tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    invoke("plan", "flights", "--url", "https://es.example.com:9400", "--ca", str(tmp_path / "ca.pem"))
    (one,) = asked
    assert one.context is not None
    assert len(one.context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--user", "a", "--api-key-file", "b"], "error: --api-key-file: --user is given as well"),
        (["--api-key-file", "/none"], "error: --api-key-file: /none cannot be read"),
        (["--url", "127.0.0.1:9400"], "error: --url: "),
        (["--url", "https://x:1", "--ca", "/none"], "error: /none: cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_asked_for(asked: list[Asking], options: list[str], text: str) -> None:
    result = invoke("plan", "flights", *options, env={"STARTGATE_PASSWORD": "secret"})
    assert (result.exit_code, asked) == (2, [])
    assert text in result.stderr


def test_a_plan_that_nobody_answers(unused_tcp_port: int) -> None:
    result = invoke("plan", "flights", "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: no plan from http://127.0.0.1:")
