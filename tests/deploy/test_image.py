"""The Dockerfile, replayed without a container engine: its steps run in a copy of what it may copy, and what comes out
serves as another user, who can write nothing but the journal.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 120
# The user of the image.
UID = 10001


@dataclass(slots=True)
class Stage:
    """One stage of the Dockerfile: its instructions in order, each with its text."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """The texts of all such instructions."""
        return [text for name, text in self.steps if name == instruction]


def stages() -> list[Stage]:
    """The Dockerfile, with its lines joined and comments gone."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, text = line.strip().partition(" ")
        if instruction == "FROM":
            found.append(Stage(text.partition(" AS ")[2]))
        elif instruction and found:
            found[-1].steps.append((instruction, text))
    return found


BUILD, IMAGE = stages()


def test_it_is_of_two_stages_and_only_what_was_built_is_taken_over() -> None:
    assert BUILD.name == "build"
    assert IMAGE.all("COPY") == [
        "--from=build /opt/startgate /opt/startgate",
        "deploy/docker/startgate.yml /etc/startgate/startgate.yml",
    ]


def test_it_does_not_run_as_root_and_stops_by_the_signal_that_drains() -> None:
    assert IMAGE.all("ARG") == [f"UID={UID}"]
    assert IMAGE.all("USER") == ["${UID}:0"]
    assert IMAGE.all("STOPSIGNAL") == ["SIGTERM"]


def test_nothing_is_installed_without_its_hash() -> None:
    """But for Startgate's own wheel, which was just built, nothing comes but what the locks know."""
    steps = [part.strip() for text in BUILD.all("RUN") + IMAGE.all("RUN") for part in text.split("&&")]
    fetching = [part for part in steps if " pip install " in part and "--no-deps /wheels/" not in part]
    assert len(fetching) == 2
    assert all("--require-hashes --only-binary :all: -r requirements-" in part for part in fetching)
    assert not [part for part in steps if part.startswith(("apt", "curl", "wget"))]


def test_what_it_copies_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    sources = [part for stage in (BUILD, IMAGE) for text in stage.all("COPY") for part in text.split()[:-1]]
    mine = [part.removeprefix("./") for part in sources if not part.startswith(("--from", "/opt/"))]
    assert mine
    assert [one for one in mine if not any(one == keep or one.startswith(f"{keep}/") for keep in allowed)] == []
    assert all((ROOT / one).exists() for one in mine)


@dataclass(frozen=True, slots=True)
class Built:
    """Where the image's file system is: `/opt/startgate` and what is beside it, under `root`."""

    root: Path

    @property
    def startgate(self) -> str:
        """The command of the image."""
        return str(self.root / "opt/startgate/bin/startgate")


@pytest.fixture(name="built", scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Runs the steps of the first stage, and of the second what is no metadata."""
    root = tmp_path_factory.mktemp("image")
    root.chmod(0o755)
    for above in root.parents[:2]:
        above.chmod(0o755)
    context = root / "build"
    context.mkdir()
    for instruction, text in BUILD.steps:
        if instruction == "COPY":
            *sources, target = text.split()
            for source in sources:
                _copy(ROOT / source, context / target)
        elif instruction == "RUN":
            _run(text, root, context)
    for text in IMAGE.all("RUN"):
        _run(text.replace("${UID}", str(_user(root))).replace("-g 0", f"-g {os.getegid()}"), root, context)
    shutil.copy(ROOT / "deploy/docker/startgate.yml", root / "etc/startgate/startgate.yml")
    return Built(root)


def _user(root: Path) -> int:
    """The user of the image, where this one may become that, and that one can run Python from where it is here."""
    try:
        subprocess.run([f"{root}/opt/startgate/bin/python", "-c", ""], user=UID, check=True)
    except (PermissionError, subprocess.CalledProcessError):
        return os.geteuid()
    return UID


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy(source, target)


def _run(text: str, root: Path, context: Path) -> None:
    """One RUN, with the paths of the image put under `root`. Its `python` is one that has pip and nothing else."""
    for path in ("/opt/startgate", "/wheels", "/var/lib/startgate", "/etc/startgate"):
        text = re.sub(rf"(?<![\w/.-]){path}(?![\w-])", f"{root}{path}", text)
    (root / "var/lib").mkdir(parents=True, exist_ok=True)
    tools = root / "tools"
    if not tools.exists():
        subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
        subprocess.run([tools / "bin/python", "-m", "pip", "install", "--quiet", "wheel"], check=True)
    done = subprocess.run(
        ["/bin/sh", "-ec", text],
        cwd=context,
        env={**os.environ, "PATH": f"{tools / 'bin'}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S * 3,
    )
    assert done.returncode == 0, f"RUN {text}\n{done.stdout}{done.stderr}"


@pytest.fixture(name="node")
def run_node() -> Iterator[str]:
    """The address of an embedded cluster."""
    command = [sys.executable, "-m", "proxy", "embedded", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().split("ready: ")[1].split(";")[0]
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_was_built_serves_and_writes_nothing_but_the_journal(built: Built, node: str, tmp_path: Path) -> None:
    config = built.root / "etc/startgate/startgate.yml"
    text = config.read_text().replace("/var/lib", f"{built.root}/var/lib").replace("0.0.0.0:9400", "127.0.0.1:0")
    config.write_text(text)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for folder in (temporary, tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o777 if folder == temporary else 0o755)
    environment = {
        "PATH": f"{built.root}/opt/startgate/bin:/usr/bin:/bin",
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
        "STARTGATE_CLUSTER__NODES": node,
        "STARTGATE_ADMIN__LISTEN": f"127.0.0.1:{_free_port()}",
    }
    (workdir,) = IMAGE.all("WORKDIR")
    (entry,) = map(json.loads, IMAGE.all("ENTRYPOINT"))
    (arguments,) = map(json.loads, IMAGE.all("CMD"))
    (health,) = IMAGE.all("HEALTHCHECK")
    check = json.loads(health[health.index("[") :])
    assert entry == check[:1] == ["startgate"]
    before, user = _files(built.root), _user(built.root)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [built.startgate, *arguments],
            cwd=f"{built.root}{workdir}",
            env=environment,
            user=user,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert "ready" in line, (tmp_path / "log").read_text()
        # What Docker takes for "healthy", asked again and again as Docker does: workers tell of themselves in a moment.
        for _ in range(PATIENCE_S):
            asked = subprocess.run(
                [built.startgate, *check[1:]],
                cwd=f"{built.root}{workdir}",
                env=environment,
                user=user,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
            if asked.returncode == 0:
                break
            time.sleep(0.5)
        assert asked.returncode == 0, asked.stdout + asked.stderr
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, (tmp_path / "log").read_text()
    new = _files(built.root) - before
    assert new
    assert {path for path in new if not path.startswith("var/lib/startgate/journal")} == set()


def _files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_installer_and_no_builder_is_left_in_it(built: Built) -> None:
    packages = next((built.root / "opt/startgate/lib").glob("python*/site-packages"))
    names = {re.split(r"-\d", path.name)[0] for path in packages.glob("*.dist-info")}
    assert "startgate" in names
    assert not names & {"pip", "setuptools", "hatchling", "pytest"}
