"""Every command in the documents is run as it stands there, in front of a running Startgate, or says why it is not."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.doc_commands import DOCUMENTS, LEFT, ROOT, fitted, left, told

PATIENCE_S = 90
COMMANDS = {document: list(told(document)) for document in DOCUMENTS}
RUN = [document for document, commands in COMMANDS.items() if any(left(one.text) is None for one in commands)]

# What a command may end with beside 0, by the command as the document has it, and why.
STATUSES: Mapping[str, tuple[set[int], str]] = {
    r".*startgate explain ": ({0, 1}, "1: the start would be denied"),
    r".*startgate plan ": ({0, 1}, "1: the start would fail"),
    r"startgate audit replay": ({0, 1}, "1: a verdict would change"),
    r"startgate audit bypasses": ({0, 2}, "2: the record is too young for a judgement"),
}


@dataclass(frozen=True, slots=True)
class World:
    """What a reader has: a cluster with data and people, Startgate in front of it, and a folder with its files."""

    folder: Path
    cluster: int
    proxy: int
    admin: int
    receipt: str

    def places(self) -> dict[str, str]:
        """A reader's own addresses, names and passwords, as patterns, and what they are here."""
        proxy, admin = f"http://127.0.0.1:{self.proxy}", f"http://127.0.0.1:{self.admin}"
        return {
            r"https://localhost:9200": f"http://127.0.0.1:{self.cluster}",
            r"https://es\.example\.(com|org)(:9400)?": proxy,
            r"(?<=')localhost:9400": proxy,
            r"(https://startgate\.example\.org|http://127\.0\.0\.1):9402": admin,
            r" -u anna ": " -u anna:anna-demo ",
            r" -u elastic ": " -u elastic:changeme ",
            r"STARTGATE_PASSWORD=…": "STARTGATE_PASSWORD=anna-demo",
            r'"password": "…"': '"password": "a-password"',
            r" --ca ca\.pem": "",
            r"(startgate (?:plan|explain) flights (?!.*--(?:url|case)).*)$": rf"\1 --url {proxy}",
            r" 019a3f$": f" {self.receipt}",
            # It would follow for ever.
            r" tail -f ": " tail ",
            # Nothing is written outside the folder.
            r"(?<=\s)/(etc|usr|var)/": r"root/\1/",
            r" -g startgate ": " ",
        }


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The demo, which stays up with its cluster, its people and a journal with starts."""
    folder = tmp_path_factory.mktemp("world")
    cluster, proxy, admin = free_port(), free_port(), free_port()
    ports = ["--cluster-port", str(cluster), "--port", str(proxy), "--admin-port", str(admin)]
    with (folder / "demo.log").open("w") as log:
        demo = subprocess.Popen(
            [sys.executable, "-m", "proxy", "demo", *ports], cwd=folder, stdout=log, stderr=log, env=environment()
        )
    try:
        journal = Path(wait_for(folder / "demo.log", demo, r"All of it stays up[\s\S]*--journal (\S+/journal)\s"))
        lines = (folder / "demo.log").read_text()
        (folder / "journal").symlink_to(journal)
        (folder / "key.txt").write_text(api_key(cluster))
        (folder / "key.txt").chmod(0o600)
        receipt = re.findall(r"receipt +([0-9a-f]{12,})", lines)[0]
        yield World(folder, cluster, proxy, admin, receipt)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(PATIENCE_S)


def wait_for(log: Path, process: "subprocess.Popen[bytes]", pattern: str) -> str:
    """The last group of a pattern, once a log has it. Fails where the process ends before."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()):
            return found[found.lastindex or 0]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def api_key(cluster: int) -> str:
    """An API key of the superuser, `id:api_key`."""
    url = f"http://127.0.0.1:{cluster}/_security/api_key"
    basic = base64.b64encode(b"elastic:changeme").decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/json"}
    made = urllib.request.Request(url, b'{"name": "reader"}', headers, method="POST")
    with urllib.request.urlopen(made, timeout=PATIENCE_S) as answer:  # noqa: S310 -- our own cluster
        key = json.load(answer)
    return f"{key['id']}:{key['api_key']}"


def environment() -> dict[str, str]:
    """That of this process, with the environment's programs found first, and nothing that configures Startgate."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("STARTGATE_")}
    return {**mine, "PATH": f"{Path(sys.executable).parent}:{mine.get('PATH', '')}", "PYTHONUNBUFFERED": "1"}


def prepared(world: World, folder: Path) -> Path:
    """A reader's folder: configuration, rules, secrets, journal, and the repository's files for deployments."""
    (folder / "startgate.yml").write_text(
        f"listen: 127.0.0.1:{world.proxy}\n"
        f"cluster:\n  nodes: http://127.0.0.1:{world.cluster}\n"
        "  service: {username: elastic, password_file: secrets/password}\n"
        "rules: rules\n"
        "journal: {path: journal, sinks: {elasticsearch: {data_stream: startgate-audit}}}\n"
        f"admin: {{listen: '127.0.0.1:{world.admin}'}}\n"
    )
    for name in ("rules", "new-rules"):
        shutil.copytree(ROOT / "rules", folder / name, ignore=shutil.ignore_patterns("examples"))
    (folder / "deploy").symlink_to(ROOT / "deploy")
    (folder / "journal").symlink_to((world.folder / "journal").readlink())
    shutil.copy(world.folder / "key.txt", folder)
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "root").mkdir()
    for place in ("etc/nginx/conf.d", "etc/haproxy", "etc/envoy", "etc/startgate/rules"):
        (folder / "root" / place).mkdir(parents=True)
    for name, text in (("secrets/password", "changeme"), ("mask.key", "a key of masks, made up")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    trustme.CA().cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


def shell(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A command in a shell, as a reader runs it."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {text}"],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def may_end_with(text: str) -> set[int]:
    """The exit statuses that a command may have."""
    return next((statuses for pattern, (statuses, _) in STATUSES.items() if re.match(pattern, text)), {0})


def failures(document: Path, world: World, folder: Path) -> list[str]:
    """What went wrong with the commands of a document, run in its order in a folder of its own."""
    prepared(world, folder)
    found = []
    for one in COMMANDS[document]:
        if left(one.text) is None:
            done = shell(fitted(one.text, world.places()), folder)
            if done.returncode not in may_end_with(one.text):
                found.append(f"{one}\nexit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[str]]:
    """What went wrong, by document; two documents at a time, since starting Python is most of the work."""
    folders = [tmp_path_factory.mktemp(document.stem) for document in RUN]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(failures, RUN, [world] * len(RUN), folders)
        return dict(zip(RUN, found, strict=True))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("document", RUN, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_run_as_they_stand(document: Path, ran: dict[Path, list[str]]) -> None:
    assert not ran[document], "\n".join(ran[document])


@pytest.mark.slow
def test_what_stays_up_serves_until_it_is_stopped(world: World, tmp_path: Path) -> None:
    assert any(one.text == "startgate serve" for one in COMMANDS[ROOT / "README.md"])
    prepared(world, tmp_path)
    configuration = (tmp_path / "startgate.yml").read_text()
    own = configuration.replace(str(world.proxy), str(free_port())).replace("path: journal", "path: own")
    (tmp_path / "startgate.yml").write_text(re.sub(r"^admin: .*", "admin: {listen: off}", own, flags=re.MULTILINE))
    with (tmp_path / "log").open("w") as log:
        serving = subprocess.Popen(
            ["bash", "-c", "exec startgate serve"], cwd=tmp_path, env=environment(), stdout=log, stderr=log
        )
    try:
        wait_for(tmp_path / "log", serving, r"127\.0\.0\.1:\d+.*journal")
    finally:
        serving.terminate()
        assert serving.wait(PATIENCE_S) == 0, (tmp_path / "log").read_text()


def test_commands_are_found_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "text `startgate check`\n\n    $ startgate check   # a remark\n    it prints this\n\n"
        "    startgate export nginx   > file\n    curl -d '{\n      1\n    }' url\n    startgate a \\\n        --b\n"
        "    key: startgate serve\n"
    )
    assert [(one.line, one.text) for one in told(tmp_path / "a.md")] == [
        (3, "startgate check"),
        (6, "startgate export nginx   > file"),
        (7, "curl -d '{\n  1\n}' url"),
        (10, "startgate a \\\n    --b"),
    ]


def test_no_reason_is_left_over() -> None:
    everything = [one.text for commands in COMMANDS.values() for one in commands]
    needed = [reason.pattern for reason in LEFT if any(left(text) is reason for text in everything)]
    # Those of systems that are not here stand for documents that name some of their tools.
    assert {reason.pattern for reason in LEFT if reason.pattern.startswith(("startgate serve", "make", "git"))} <= set(
        needed
    )


def test_benchmarks_that_are_named_exist() -> None:
    named = {
        found[1]
        for commands in COMMANDS.values()
        for one in commands
        if (found := re.match(r"python -m (bench[.\w]*)", one.text))
    }
    assert named
    for module in named:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_every_left_command_says_why() -> None:
    for commands in COMMANDS.values():
        for one in commands:
            reason = left(one.text)
            assert reason is None or reason.why
            for path in re.findall(r"tests/[\w/.]+", reason.why if reason else ""):
                assert (ROOT / path).exists(), f"{path} is named for {one}"
