"""deploy/systemd: what systemd's own programs say of its files, and Startgate under what the unit confines it to."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config import load
from proxy.errors import ExitStatus
from proxy.journal.folder import journal_files
from tests.deploy.confined import allowed, unit
from tests.deploy.neighbours import ROOT, certificate, embedded

SYSTEMD = ROOT / "deploy" / "systemd"
FILE = SYSTEMD / "startgate.service"
UNIT = unit(FILE)
PROGRAM = "/opt/startgate/bin/startgate"
CONFIG = "/etc/startgate/startgate.yml"
PATIENCE_S = 60
# What `systemd-analyze security` gives the file is 1.4 of 10 (1.2 the running service); without any hardening, 9.6.
EXPOSURE = 15


@pytest.fixture(name="systemd")
def need_systemd() -> None:
    if shutil.which("systemd-analyze") is None:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", "systemd is missing"
        pytest.skip("systemd is missing")


def run(*command: str | Path, **options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, **options)  # type: ignore[call-overload, no-any-return] # of all options, `cwd` alone is used


@pytest.mark.usefixtures("systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    here = tmp_path / "startgate.service"
    here.write_text(FILE.read_text().replace(PROGRAM, sys.executable))
    told = run("systemd-analyze", "verify", "--recursive-errors=no", here)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.usefixtures("systemd")
def test_the_service_is_as_confined_as_it_says() -> None:
    told = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", FILE)
    assert told.returncode == 0, told.stdout


def test_it_may_take_as_long_as_the_configuration_allows(tmp_path: Path) -> None:
    config = tmp_path / "startgate.yml"
    config.write_text("cluster: {nodes: [http://127.0.0.1:9200]}\n")
    found = load(config, {})
    assert int(UNIT.one("TimeoutStopSec")) > found.edge_limits.drain_s + found.gate_limits.drain_s + 10
    waits = re.search(r"--wait-for-cluster (\d+)", UNIT.one("ExecStart"))
    assert waits
    # Then the processes start, which may take a minute (proxy.process.READY_S).
    assert int(UNIT.one("TimeoutStartSec")) > int(waits[1]) + 60


def test_what_another_attempt_does_not_mend_is_not_attempted() -> None:
    assert UNIT.one("RestartPreventExitStatus") == str(int(ExitStatus.INVALID))


def test_capabilities_are_none() -> None:
    assert UNIT.one("CapabilityBoundingSet") == UNIT.one("AmbientCapabilities") == ""


@pytest.mark.usefixtures("systemd")
def test_a_filter_can_take_back() -> None:
    names = allowed(["@system-service", "~@privileged", "chown"])
    assert "chown" in names
    assert "read" in names
    assert "setuid" not in names
    assert "reboot" not in names


@pytest.mark.usefixtures("systemd")
@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to a user")
def test_user_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "startgate.sysusers.conf")
    assert made.returncode == 0, made.stderr
    assert re.search(
        r"^startgate:.*:/var/lib/startgate:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(), re.MULTILINE
    )
    made = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", SYSTEMD / "startgate.tmpfiles.conf")
    assert made.returncode == 0, made.stderr
    for name in ("", "rules", "secrets", "tls"):
        found = (tmp_path / "etc/startgate" / name).stat()
        assert (found.st_mode & 0o777, found.st_uid) == (0o750, 0)
        assert found.st_gid != 0


def installed(folder: Path, node: str) -> Path:
    """What the tmpfiles make and the documents put there, under a folder; the configuration's path."""
    etc = folder / "etc/startgate"
    for path in (etc / "tls", etc / "secrets", folder / "var", folder / "run", folder / "log"):
        path.mkdir(parents=True)
    certificate(etc / "tls/cluster-ca.crt", etc / "tls/startgate.crt", etc / "tls/startgate.key")
    shutil.copytree(ROOT / "rules", etc / "rules")
    text = (SYSTEMD / "startgate.yml").read_text()
    # The embedded cluster serves plainly; its users are known, and there is no key.
    text = re.sub(r"^  (service|tls): .*\n", "", text, flags=re.MULTILINE)
    for there, here in (
        ("https://es01.example.org:9200", node),
        ("0.0.0.0:9400", "127.0.0.1:0"),
        ("/var/lib/startgate", f"{folder}/var"),
        ("/run/startgate", f"{folder}/run"),
    ):
        assert there in text
        text = text.replace(there, here)
    path = etc / "startgate.yml"
    path.write_text(f"{text}admin: {{listen: 127.0.0.1:0}}\n")
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("systemd")
def test_it_serves_reloads_and_verifies_under_the_unit(tmp_path: Path) -> None:
    with embedded() as node:
        config = installed(tmp_path, node)

        def here(command: str) -> list[str]:
            words = command.replace(CONFIG, str(config)).split()
            assert words[0] == PROGRAM
            program = [sys.executable, "-P", "-m", "proxy", *words[1:]]
            return [sys.executable, str(Path(__file__).parent / "confined.py"), str(FILE), *program]

        with (tmp_path / "log/startgate").open("wb") as log:
            process = subprocess.Popen(
                here(UNIT.one("ExecStart")), cwd=config.parent, stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert "ready: https://127.0.0.1:" in line, (tmp_path / "log/startgate").read_text()
            signalled, reload = UNIT.settings["ExecReload"]
            assert signalled == "/bin/kill -HUP $MAINPID"
            process.send_signal(signal.SIGHUP)
            told = run(*here(reload), cwd=config.parent)
            assert told.returncode == 0, told.stdout + told.stderr
            # A slip in the rules: `systemctl reload` fails and says where.
            (config.parent / "rules/slip.yml").write_text("source: {raed: true}\n")
            told = run(*here(reload), cwd=config.parent)
            assert told.returncode == ExitStatus.INVALID
            assert "slip.yml:1" in told.stdout + told.stderr
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, (tmp_path / "log/startgate").read_text()
        verified = run(*here(f"{PROGRAM} audit verify --config {CONFIG}"), cwd=config.parent)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    assert journal_files(tmp_path / "var/journal")
    told_of = (tmp_path / "log/startgate").read_text()
    assert "not permitted" not in told_of
    assert "Traceback" not in told_of


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize(
    ("attempt", "refused"),
    [
        ("import os; os.nice(1)", False),
        ("import socket; socket.socket(socket.AF_INET6)", False),
        ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", True),
        ("import os; os.sched_setaffinity(0, {0})", True),
        ("import os; os.chroot('/')", True),
        ("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)", True),
    ],
)
def test_the_confinement_of_these_tests_confines(attempt: str, *, refused: bool) -> None:
    told = run(sys.executable, Path(__file__).parent / "confined.py", FILE, sys.executable, "-c", attempt)
    if "no PR_SET_MDWE" in told.stderr and "mmap" in attempt:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert (told.returncode != 0) is refused, told.stderr
    assert not refused or "PermissionError" in told.stderr
