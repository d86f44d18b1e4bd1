"""`startgate doctor` as an operator meets it."""

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.demo.data import SERVICE_ROLE
from proxy.doctor.model import CHECKS
from proxy.embedded.app import Cluster, serve_embedded
from tests.commands.running import invoke

DOCUMENT = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
QUIET = [
    "--skip",
    "journal-disk",
    "--skip",
    "journal-space",
    "--skip",
    "descriptors",
    "--skip",
    "backlog",
    "--skip",
    "cpu",
]


@contextmanager
def running(*, security: bool = True) -> Iterator[Cluster]:
    """An embedded cluster in a thread: the command has a loop of its own."""
    up, done, found = threading.Event(), threading.Event(), list[Cluster]()

    async def serve() -> None:
        async with serve_embedded(security=security) as cluster:
            found.append(cluster)
            up.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    up.wait()
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running() as one:
        yield one


def configured(folder: Path, cluster: Cluster, more: str = "") -> None:
    (folder / "key").write_text(cluster.add_api_key("startgate", {"startgate": SERVICE_ROLE}))
    (folder / "startgate.yml").write_text(
        f"listen: 127.0.0.1:0\nadmin: {{listen: off}}\n"
        f"cluster: {{nodes: ['{cluster.url}'], service: {{api_key_file: key}}}}\n{more}"
    )


def test_all_is_well(tmp_path: Path, cluster: Cluster) -> None:
    configured(tmp_path, cluster)
    told = invoke("doctor", *QUIET)
    assert told.exit_code == 0, told.output
    assert re.search(r"^ok    credential-privileges  all that is needed", told.output, re.MULTILINE)
    assert not re.search(r"^(warn|fail)", told.output, re.MULTILINE)


def test_as_json(tmp_path: Path, cluster: Cluster) -> None:
    configured(tmp_path, cluster)
    told = json.loads(invoke("doctor", *QUIET, "--json").stdout)
    assert (told["exit_status"], told["counts"]["skip"] > 4) == (0, True)
    assert set(told["findings"][0]) == {"check", "state", "seen", "advice"}


def test_something_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("cluster: {nodes: ['http://127.0.0.1:9']}\nadmin: {listen: off}\n")
    told = invoke("doctor")
    assert told.exit_code == 2
    assert re.search(r"^fail  nodes +http://127.0.0.1:9 does not answer.*\n +→ start it", told.output, re.MULTILINE)


def test_something_needs_attention(tmp_path: Path, cluster: Cluster) -> None:
    configured(tmp_path, cluster, "journal: {sinks: {syslog: {address: '127.0.0.1:9', transport: tcp}}}\n")
    told = invoke("doctor", *QUIET)
    assert (told.exit_code, "syslog: 127.0.0.1:9 cannot be reached" in told.output) == (1, True), told.output
    assert invoke("doctor", *QUIET, "--skip", "sinks").exit_code == 0


def test_a_configuration_that_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("listne: a\n")
    told = invoke("doctor")
    assert told.exit_code == 2
    assert "did you mean 'listen'?" in told.output
    assert told.output.count("the configuration does not load") == len(CHECKS) - 1


def test_rules_that_do_not_load(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "mine.yml").write_text("version: 7\n")
    configured(tmp_path, cluster, "rules: mine.yml\n")
    told = invoke("doctor", *QUIET)
    assert told.exit_code == 2
    assert re.search(r"^fail  rules +.*mine\.yml:1:", told.output, re.MULTILINE)


def test_rules_that_do_not_go_with_the_identities(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "users").write_text(
        "ann:{PBKDF2}1000$sderxL0PjlDR5PMkypjHA1ISOb+au1W4B44hCVSpqL8=$07RtoD/w+4bA+1i4UAdFiAAhzPddOeHP9wjI1430cRI=\n"
    )
    (tmp_path / "users_roles").write_text("analyst:ann\n")
    configured(tmp_path, cluster, "identity: {users_file: users, users_roles_file: users_roles}\n")
    told = invoke("doctor", *QUIET)
    assert re.search(r"^fail  rules ", told.output, re.MULTILINE), told.output


def test_as_a_client(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        node = f"http://127.0.0.1:{there.getsockname()[1]}"
        (tmp_path / "startgate.yml").write_text(f"cluster: {{nodes: ['{node}']}}\n")
        told = invoke("doctor", "--as-client")
    assert (told.exit_code, f"{node} can be reached from here" in told.output) == (2, True)
    (tmp_path / "startgate.yml").write_text("cluster: {nodes: ['http://127.0.0.1:9']}\n")
    assert invoke("doctor", "--as-client").exit_code == 0


@pytest.mark.slow
def test_one_that_runs(tmp_path: Path, cluster: Cluster) -> None:
    """What it says of itself, whose its addresses are, and the limits of its worker and not of this process."""
    configured(tmp_path, cluster)
    path = tmp_path / "startgate.yml"
    # A loopback address that no other test uses.
    listen = "listen: 127.9.8.6:9400\nadmin: {listen: '127.9.8.6:9402'}"
    path.write_text(path.read_text().replace("listen: 127.0.0.1:0\nadmin: {listen: off}", listen))
    serve = [sys.executable, "-m", "proxy", "serve", "-c", str(path)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert " ready: " in process.stdout.readline()
            # Processes tell of themselves soon after they serve.
            while invoke("status").exit_code != 0:
                assert process.poll() is None
                time.sleep(0.1)
            told = invoke("doctor", *QUIET[:4])
        finally:
            process.terminate()
            process.communicate(timeout=60)
    lines = re.findall(r"^(\w+) +(running|addresses|descriptors) +(.*)", told.output, re.MULTILINE)
    assert [state for state, name, _ in lines if name != "descriptors"] == ["ok"] * 3, told.output
    assert [text for _, name, text in lines if name == "addresses"] == [
        "127.9.8.6:9400 is the running Startgate's",
        "127.9.8.6:9402 is the running Startgate's",
    ]
    assert "for a worker that runs" in {name: text for _, name, text in lines}["descriptors"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--skip", "node"], "no such check 'node' (did you mean 'nodes'?)"),
        (["--replica", "elsewhere"], "--replica: must be http(s)://host:port"),
        (["--ca", "nowhere.pem"], "nowhere.pem cannot be used: No such file or directory"),
        (["--ca", "empty.pem"], "empty.pem cannot be used"),
    ],
)
def test_options_that_are_wrong(tmp_path: Path, arguments: list[str], text: str) -> None:
    (tmp_path / "empty.pem").write_text("")
    told = invoke("doctor", *arguments)
    assert (told.exit_code, text in told.stderr) == (2, True), told.output


def test_what_serves_loads_nothing_of_it() -> None:
    imports = "import sys, proxy.cli, proxy.supervisor, proxy.commands.doctor"
    script = f"{imports}; print(*(name for name in sys.modules if name.startswith('proxy.')))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = told.stdout.split()
    assert "proxy.commands.doctor" in loaded
    assert [name for name in loaded if name.startswith(("proxy.doctor", "proxy.starter"))] == []


def test_every_check_is_in_the_document_and_no_other() -> None:
    part = DOCUMENT.split("| check | what it looks at |", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", part, re.MULTILINE) == list(CHECKS)
