"""`startgate init` as an operator meets it, up to a Startgate that serves with what it wrote."""

import asyncio
import json
import os
import pty
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from proxy.demo.data import SERVICE_ROLE
from proxy.embedded.app import Cluster, basic, serve_embedded
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.errors import ExitStatus
from tests.children import running, said
from tests.commands.running import invoke
from tests.starter.made import rest_of

AWAY = ("--nodes", "http://127.0.0.1:9", "--listen", "127.0.0.1:0")
JOB = {"source": {"index": ["flights-a"]}, "dest": {"index": "flights-outliers"}, "analysis": {"outlier_detection": {}}}


@pytest.fixture(name="tmp_path")
def short_path() -> Iterator[Path]:
    """Where pytest puts folders of many processes, a socket's path in one can be too long."""
    with tempfile.TemporaryDirectory(prefix="init-") as folder:
        yield Path(folder)


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    told = invoke("init", "new", *AWAY)
    assert told.exit_code == 0, told.output
    assert "warning: http://127.0.0.1:9 does not answer now" in told.stderr
    assert f"written to {tmp_path / 'new'}: rules/rules.schema.json" in told.stdout
    steps = [line.split()[0:3] for line in told.stdout.partition("next:\n")[2].splitlines()]
    assert steps[:2] == [["cd", "new"], ["sh", "service-credential.sh", "#"]]
    assert invoke("check", "-c", "new/startgate.yml").exit_code == 0


def test_here_where_nothing_is(tmp_path: Path) -> None:
    assert invoke("init", *AWAY, "--service", "none").exit_code == 0
    assert (tmp_path / "startgate.yml").is_file()
    told = invoke("init", *AWAY)
    assert told.exit_code == 2
    assert "is not empty (.gitignore, rules, startgate.yml); --force" in told.stderr


def test_force_writes_over_all_but_secrets(tmp_path: Path) -> None:
    assert invoke("init", *AWAY, "--authority", "roles", "--service", "api-key").exit_code == 0
    (tmp_path / "secrets/api-key").write_text("id:key")
    users = (tmp_path / "users").read_text()
    told = invoke("init", *AWAY, "--authority", "roles", "--service", "api-key", "--workers", "2", "--force")
    assert told.exit_code == 0, told.output
    assert (tmp_path / "secrets/api-key").read_text() == "id:key"
    assert (tmp_path / "users").read_text() == users
    assert "workers: 2" in (tmp_path / "startgate.yml").read_text()
    assert "analyst-password" not in told.stdout


def test_a_dry_run_writes_nothing_and_shows_no_secret(tmp_path: Path) -> None:
    told = invoke("init", "new", *AWAY, "--service", "user", "--tls", "--dry-run")
    assert told.exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert re.findall(r"^--- (\S+) \(mode (\d+)\)", told.stdout, re.MULTILINE)[-1] == ("startgate.yml", "0644")
    assert "PRIVATE KEY" not in told.stdout
    assert "--- secrets/password (mode 0600)\n(a secret; made anew when it is written)" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--nodes", "10.0.0.1:9200"], "--nodes: must be http(s)://host:port"),
        (["--nodes", "http://a:1/path"], "it must end after the port"),
        (["--nodes", "http://a:1", "--cluster-ca", "ca.pem"], "no node of --nodes begins with https://"),
        (["--nodes", "https://a:1", "--cluster-ca", "ca.pem"], "ca.pem: cannot be read: No such file or directory"),
        (["--listen", "9400"], "--listen: must be host:port"),
        (["--sources", "Flights"], "--sources: 'Flights' is no name or pattern of indices"),
        (["--destinations", "a,,b"], "--destinations: '' is no name or pattern"),
        (["--service", "key"], "Invalid value for '--service'"),
        (["--workers", "0"], "Invalid value for '--workers'"),
        (["--journal", "/nowhere/at/all"], "/nowhere/at does not exist"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(tmp_path: Path, arguments: list[str], text: str) -> None:
    told = invoke("init", "new", *AWAY, *arguments)
    assert (told.exit_code, text in told.stderr) == (ExitStatus.INVALID, True), told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("place", "text"), [("file", "is there, and is no folder"), ("no/where", "no does not exist")])
def test_places_where_nothing_can_be_put(tmp_path: Path, place: str, text: str) -> None:
    (tmp_path / "file").write_text("")
    told = invoke("init", place, *AWAY)
    assert (told.exit_code, text in told.stderr) == (2, True), told.output


def test_faults_name_the_folder_that_was_meant(tmp_path: Path) -> None:
    """What was written is looked at beside, and that folder is gone by the time that somebody reads of it."""
    told = invoke("init", "new", *AWAY, "--journal", "no/such")
    assert f"{tmp_path / 'new' / 'no'} does not exist" in told.stderr
    assert ".sg-" not in told.stderr


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proxy.starter.place.tempfile.mkdtemp", full)
    told = invoke("init", "new", *AWAY)
    assert (told.exit_code, "cannot be written: No space left on device; nothing was changed" in told.stderr) == (
        2,
        True,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        told = invoke("init", "new", "--nodes", "http://127.0.0.1:9", "--listen", f"127.0.0.1:{one.getsockname()[1]}")
    assert (told.exit_code, "the port is in use" in told.stderr) == (ExitStatus.ADDRESS, True)
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_no_fault(tmp_path: Path) -> None:
    told = invoke("init", "new", "--nodes", "http://127.0.0.1:9", "--listen", "192.0.2.1:9400")
    assert (told.exit_code, "warning: cannot listen on 192.0.2.1:9400" in told.stderr) == (0, True)


@pytest.mark.slow
async def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    """Wrong answers are told, and asked for again."""
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "init", str(tmp_path / "new")), stdin=end, stdout=end, stderr=end
    )
    os.close(end)
    for answer in ("10.0.0.1", "http://127.0.0.1:9", "127.0.0.1:0", "cluster", "user", "a-*,b", "", "y"):
        os.write(terminal, f"{answer}\n".encode())
    heard = await asyncio.to_thread(rest_of, terminal)
    assert await asyncio.wait_for(process.wait(), 60) == 0, heard
    assert "Error: must be http(s)://host:port" in heard
    made = (tmp_path / "new/startgate.yml").read_text()
    assert 'nodes: ["http://127.0.0.1:9"]' in made
    assert "username: startgate" in made
    assert "certificate: tls/for-a-test.crt" in made
    assert '"names": ["a-*", "b"]' in (tmp_path / "new/service-credential.sh").read_text()


async def in_shell(folder: Path, line: str) -> str:
    """What a command says, in the folder that was made; its exit status must be 0."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ES_PASSWORD": ELASTIC_PASSWORD,
        # Other tests may have the port.
        "STARTGATE_ADMIN__LISTEN": "127.0.0.1:0",
    }
    process = await asyncio.create_subprocess_shell(
        line, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def call(base: str, method: str, path: str, body: object = None, auth: str = "") -> tuple[int, object]:
    headers = {"content-type": "application/json", **({"authorization": auth} if auth else {})}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, base + path, data=None if body is None else json.dumps(body), ssl=False) as answer,
    ):
        return answer.status, await answer.json()


async def prepared(cluster: Cluster, auth: str = "") -> None:
    """An index, and a job over it that is Kibana's to start."""
    assert (await call(cluster.url, "PUT", "/flights-a", auth=auth))[0] == 200
    document = await call(cluster.url, "PUT", "/flights-a/_doc/1?refresh=true", {"delay": 1}, auth)
    assert document[0] == 201
    assert (await call(cluster.url, "PUT", "/_ml/data_frame/analytics/first", JOB, auth))[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize(("service", "tls"), [("api-key", "--tls"), ("user", "--no-tls")])
async def test_what_it_writes_serves(tmp_path: Path, service: str, tls: str) -> None:
    """Its own next steps, one after the other, up to a start that only a service credential makes possible."""
    folder = tmp_path / "new"
    async with serve_embedded() as cluster:
        cluster.add_role("data", {"indices": [{"names": ["flights-*"], "privileges": ["all"]}]})
        owner = cluster.add_user("ann", "secret1", ["data", "machine_learning_admin"])
        await prepared(cluster, owner)
        asked = f"init {folder} --yes --nodes {cluster.url} --listen 127.0.0.1:0 --service {service} {tls}"
        assert "warning" not in await in_shell(tmp_path, f"startgate {asked}")
        for step in ("sh service-credential.sh", "startgate check && startgate test"):
            await in_shell(folder, step)
        quiet = " ".join(
            f"--skip {name}" for name in ("journal-disk", "journal-space", "descriptors", "cpu", "backlog")
        )
        healthy = await in_shell(folder, f"startgate doctor {quiet}")
        assert re.search(r"^ok    credential-excess ", healthy, re.MULTILINE)
        serve = ["-m", "proxy", "serve", "--config", str(folder / "startgate.yml")]
        async with running(serve, env={"STARTGATE_ADMIN__LISTEN": "127.0.0.1:0"}) as process:
            line = await said(process)
            found = re.search(r"ready: (\S+) -> ", line)
            assert found is not None, line
            assert found[1].startswith("https:" if tls == "--tls" else "http:")
            start = await call(found[1], "POST", "/_ml/data_frame/analytics/first/_start", auth=cluster.kibana)
    assert start[0] == 200, start


@pytest.mark.slow
async def test_what_it_writes_serves_without_security(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    async with serve_embedded(security=False) as cluster:
        await prepared(cluster)
        asked = f"init {folder} --yes --nodes {cluster.url} --listen 127.0.0.1:0 --authority roles"
        assert "warning" not in await in_shell(tmp_path, f"startgate {asked}")
        await in_shell(folder, "startgate check && startgate test")
        serve = ["-m", "proxy", "serve", "--config", str(folder / "startgate.yml")]
        async with running(serve, env={"STARTGATE_ADMIN__LISTEN": "127.0.0.1:0"}) as process:
            line = await said(process)
            found = re.search(r"ready: (\S+) -> ", line)
            assert found is not None, line
            target = "/_ml/data_frame/analytics/first/_start"
            word = (folder / "secrets/analyst-password").read_text()
            refused = await call(found[1], "POST", target, auth=basic("analyst", "wrong"))
            started = await call(found[1], "POST", target, auth=basic("analyst", word))
    assert (refused[0], started[0]) == (401, 200), started


def test_the_role_is_the_tested_one(tmp_path: Path) -> None:
    assert invoke("init", *AWAY).exit_code == 0
    script = (tmp_path / "service-credential.sh").read_text()
    assert json.dumps(SERVICE_ROLE["cluster"]) in script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_complete_commands(shell: str) -> None:
    """As docs/doctor.md says; bash itself reads what it is given."""
    async with running(["-c", "from proxy.cli import main; main(prog_name='startgate')"],
                       env={"_STARTGATE_COMPLETE": f"{shell}_source"}) as process:  # fmt: skip
        out, _ = await process.communicate()
    assert b"_STARTGATE_COMPLETE" in out
    if shell == "bash":
        check = await asyncio.create_subprocess_exec("bash", "-n", "/dev/stdin", stdin=asyncio.subprocess.PIPE)
        await check.communicate(out)
        assert check.returncode == 0


async def test_words_that_are_completed() -> None:
    async with running(
        ["-c", "from proxy.cli import main; main(prog_name='startgate')"],
        env={"_STARTGATE_COMPLETE": "bash_complete", "COMP_WORDS": "startgate doc", "COMP_CWORD": "1"},
    ) as process:
        out, _ = await process.communicate()
    assert out.decode().split() == ["plain,doctor"]
