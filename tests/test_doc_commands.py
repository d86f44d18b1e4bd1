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

from tests.beside_documents import Beside, standing_beside
from tests.doc_commands import DOCUMENTS, LEFT, ROOT, fitted, left, told

PATIENCE_S = 240
COMMANDS = {document: list(told(document)) for document in DOCUMENTS}
# A clean machine runs those of the README, in their order.
COMMANDS_OF_README = COMMANDS.pop(ROOT / "README.md")
RUN = [document for document, commands in COMMANDS.items() if any(left(one.text) is None for one in commands)]
# Each of these takes minutes with its own numbers, and nothing else runs it with small ones.
BENCHMARKS = {
    "journal_reading": "--records 2000 --verified 2000",
    "metrics": "--rounds 1 --requests 100 --scrapes 2 --workers 1 --nodes 2",
    "admin": "--starts 50 --viewers 1 --seconds 0.2",
}
# What is no place, no name and no password of a reader, but is left out or told in full here.
ADAPTED = {
    # It would follow for ever.
    r" tail -f ": " tail ",
    r" -g startgate ": " ",
    r"^(startgate audit ship --install --user)": r"STARTGATE_PASSWORD=changeme \1",
    **{rf"^python -m bench\.{name}$": f"cd {ROOT} && python -m bench.{name} {how}" for name, how in BENCHMARKS.items()},
}

# They stay up: a test of their own begins and ends them.
STAY = ("startgate serve", "startgate serve --takeover")

# What a command may end with beside 0, by the command as the document has it, and why.
STATUSES: Mapping[str, tuple[set[int], str]] = {
    r".*startgate explain ": ({0, 1}, "1: the start would be denied"),
    r".*startgate plan ": ({0, 1}, "1: the start would fail"),
    r"startgate audit replay": ({0, 1}, "1: a verdict would change"),
    r"startgate audit bypasses": ({0, 2}, "2: the record is too young for a judgement"),
    r"startgate audit ship$": ({0, 1}, "1: a sink is behind"),
    r"startgate doctor": ({0, 1, 2}, "it tells what the machine is like that tests run on"),
}


@dataclass(frozen=True, slots=True)
class World:
    """What a reader has: a cluster with data and people, Startgate in front of it, and a folder with its files.

    Beside them stand what takes records into a data stream, a Kibana that takes files, and a node with TLS: by ports.
    """

    folder: Path
    cluster: int
    proxy: int
    admin: int
    receipt: str
    beside: Beside

    def places(self) -> dict[str, str]:
        """A reader's own addresses, names and passwords, as patterns, and what they are here."""
        proxy, admin = f"http://127.0.0.1:{self.proxy}", f"http://127.0.0.1:{self.admin}"
        return {
            r"https://localhost:9200": f"http://127.0.0.1:{self.cluster}",
            r"https://kibana\.example:5601": self.beside.kibana,
            r"s_client -connect 10\.0\.0\.1:9200": f"s_client -connect 127.0.0.1:{self.beside.tls}",
            r"https://10\.0\.0\.7:9402 --ca admin-ca\.pem": admin,
            r"init /etc/startgate": "init root/etc/made",
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
            # Nothing is written outside the folder.
            r"(?<=\s)/(etc|usr|var)/": r"root/\1/",
            **ADAPTED,
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
        with standing_beside() as beside:
            yield World(folder, cluster, proxy, admin, receipt, beside)
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
    ships = folder.name.startswith("shipping")
    node = world.beside.streams if ships else f"http://127.0.0.1:{world.cluster}"
    (folder / "startgate.yml").write_text(
        f"listen: 127.0.0.1:{world.proxy}\n"
        f"cluster:\n  nodes: {node}\n"
        "  service: {username: elastic, password_file: secrets/password}\n"
        "rules: rules\n"
        "journal: {path: journal, sinks: {elasticsearch: {data_stream: startgate-audit}}}\n"
        f"admin: {{listen: '127.0.0.1:{world.admin}'}}\n"
    )
    for name in ("rules", "new-rules"):
        shutil.copytree(ROOT / "rules", folder / name, ignore=shutil.ignore_patterns("examples"))
    (folder / "deploy").symlink_to(ROOT / "deploy")
    journal = (world.folder / "journal").readlink()
    if ships:
        # The running gate ships its own; `--once` is for a journal that no gate has.
        shutil.copytree(journal, folder / "journal", ignore=shutil.ignore_patterns("*.sock"))
    else:
        (folder / "journal").symlink_to(journal)
    shutil.copy(world.folder / "key.txt", folder)
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "root").mkdir()
    for place in ("etc/nginx/conf.d", "etc/haproxy", "etc/envoy", "etc/startgate/rules", "etc/ssl"):
        (folder / "root" / place).mkdir(parents=True)
    for name, text in (("secrets/password", "changeme"), ("mask.key", "a key of masks, made up")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    for name in ("ca.pem", "root/etc/ssl/es-ca.pem"):
        trustme.CA().cert_pem.write_to_path(str(folder / name))
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
        if left(one.text) is None and one.text not in STAY:
            done = shell(fitted(one.text, world.places()), folder)
            # An error that nobody thought of ends with 1, too.
            if done.returncode not in may_end_with(one.text) or "Traceback" in done.stderr:
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
def test_what_stays_up_serves_until_another_takes_over_and_that_until_it_is_stopped(
    world: World, tmp_path: Path
) -> None:
    """`startgate serve`, and `startgate serve --takeover` after it: the first ends by itself, the second as asked."""
    prepared(world, tmp_path)
    configuration = (tmp_path / "startgate.yml").read_text()
    own = configuration.replace(str(world.proxy), str(free_port())).replace("path: journal", "path: own")
    (tmp_path / "startgate.yml").write_text(re.sub(r"^admin: .*", "admin: {listen: off}", own, flags=re.MULTILINE))
    serve, take_over = STAY
    first = staying(serve, tmp_path)
    second: subprocess.Popen[bytes] | None = None
    try:
        second = staying(take_over, tmp_path)
        assert first.wait(PATIENCE_S) == 0, (tmp_path / f"log-{serve}").read_text()
        second.terminate()
        assert second.wait(PATIENCE_S) == 0, (tmp_path / f"log-{take_over}").read_text()
    finally:
        for one in (first, second):
            if one is not None and one.poll() is None:
                one.kill()
                one.wait()


def staying(text: str, folder: Path) -> "subprocess.Popen[bytes]":
    """A command that some document has, once it says that it serves."""
    assert any(one.text == text for commands in COMMANDS.values() for one in commands), text
    log = folder / f"log-{text}"
    with log.open("w") as output:
        serving = subprocess.Popen(
            ["bash", "-c", f"exec {text}"], cwd=folder, env=environment(), stdout=output, stderr=output
        )
    wait_for(log, serving, r"127\.0\.0\.1:\d+.*journal")
    return serving


def test_commands_are_found_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "text `startgate check`\n\n    $ startgate check   # a remark\n    it prints this\n\n"
        "    startgate export nginx   > file\n    curl -d '{\n      1\n    }' url\n    startgate a \\\n        --b\n"
        "    make it     what isn't there\n    key: startgate serve\n"
    )
    assert [(one.line, one.text) for one in told(tmp_path / "a.md")] == [
        (3, "startgate check"),
        (6, "startgate export nginx   > file"),
        (7, "curl -d '{\n  1\n}' url"),
        (10, "startgate a \\\n    --b"),
        (12, "make it"),
    ]


def test_no_reason_is_left_over() -> None:
    everything = [one.text for commands in COMMANDS.values() for one in commands]
    assert [reason.pattern for reason in LEFT if not any(left(text) is reason for text in everything)] == []


def test_benchmarks_that_are_named_exist_and_are_run_with_small_numbers() -> None:
    named = {
        found[1]
        for commands in COMMANDS.values()
        for one in commands
        if (found := re.match(r"python -m (bench[.\w]*)", one.text))
    }
    assert named
    run = "".join((ROOT / "tests" / name).read_text() for name in ("test_bench.py", "test_bench_bounds.py"))
    for module in named:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
        assert f'"{module}"' in run or module.removeprefix("bench.") in BENCHMARKS, module


@pytest.mark.parametrize(
    "text",
    sorted({one.text for commands in COMMANDS.values() for one in commands if re.match(r"(\w+=\S+ )?make ", one.text)}),
)
def test_every_target_can_be_made_as_it_is_told(text: str) -> None:
    """Names and variables are make's own to judge; what it would do is carried out elsewhere (`LEFT`)."""
    assert left(text) is not None, "say in LEFT what runs it"
    done = shell(re.sub(r"\bmake ", "make --dry-run ", text), ROOT)
    assert done.returncode == 0, done.stderr
    assert ".venv/bin/" in done.stdout


def test_what_is_left_says_why_and_what_runs_it_instead() -> None:
    for reason in LEFT:
        assert reason.why
        if reason.by is not None:
            assert reason.shown in (ROOT / reason.by).read_text(), f"{reason.by} has no {reason.shown!r}"


def test_most_commands_are_run_as_they_stand() -> None:
    """What is told of the rest is printed: `pytest -s`."""
    everything = [one for commands in COMMANDS.values() for one in commands]
    reasons = [(one, reason) for one in everything if (reason := left(one.text)) is not None]
    elsewhere = [(one, reason) for one, reason in reasons if reason.by is not None]
    here = len(everything) - len(reasons)
    print(f"\n{here} commands are run here, {len(COMMANDS_OF_README)} of the README on a clean machine,")
    print(f"{len(elsewhere)} elsewhere, {len(reasons) - len(elsewhere)} nowhere:")
    for one, reason in reasons:
        print(f"  {one}\n    {reason.why}; run by: {reason.by}")
    assert here > len(reasons)
    assert len(reasons) - len(elsewhere) <= 4
