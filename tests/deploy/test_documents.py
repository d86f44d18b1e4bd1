"""docs/deployment.md and docs/security-modules.md: their commands, taken from the pages, are run as far as that can be
here, and their values are the chart's (tests/deploy/test_chart.py renders them)."""

import os
import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.deploy.confined import unit
from tests.deploy.neighbours import ROOT, block, page
from tests.deploy.test_image import IMAGE

DEPLOYMENT = page("deployment.md")
MODULES = page("security-modules.md")
UNIT = unit(ROOT / "deploy/systemd/startgate.service")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PATIENCE_S = 60
FEATURES = Path("/usr/share/apparmor-features/features")


def run(commands: str, folder: Path) -> None:
    """Runs commands of a page, each of which must end well."""
    done = subprocess.run(
        ["/bin/sh", "-euc", commands], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, commands + done.stdout + done.stderr


def test_passwords_are_chosen_for_compose(tmp_path: Path) -> None:
    copy = tmp_path / "deploy/compose"
    copy.mkdir(parents=True)
    shutil.copy(ROOT / "deploy/compose/.env.example", copy)
    *chosen, up = block(DEPLOYMENT, "Docker Compose", "cp deploy").splitlines()
    run("\n".join(chosen), tmp_path)
    made = dict(re.findall(r"^(\w+)=(.*)$", (tmp_path / ".env").read_text(), re.MULTILINE))
    assert re.fullmatch(r"[0-9a-f]{32}", made["ELASTIC_PASSWORD"])
    assert re.fullmatch(r"[0-9a-f]{32}", made["KIBANA_PASSWORD"])
    assert made["ELASTIC_PASSWORD"] != made["KIBANA_PASSWORD"]
    assert made["COMPOSE_PROFILES"] in COMPOSE["services"]["startgate"]["profiles"]
    assert shlex.split(up) == ["docker", "compose", "up", "--build", "--detach"]


def test_services_of_compose_are_named_as_they_are() -> None:
    told = re.findall(r"docker compose (?:exec|logs) (\S+)", DEPLOYMENT)
    assert told
    assert set(told) <= set(COMPOSE["services"])


def test_the_image_is_run_as_it_is_made() -> None:
    words = shlex.split(block(DEPLOYMENT, "The image", "docker run"))
    options = dict(pairwise(words))
    assert options["--volume"].split(":")[1] == IMAGE.all("VOLUME")[0]
    assert options["--publish"].split(":")[1] == IMAGE.all("EXPOSE")[0]
    startgate = COMPOSE["services"]["startgate"]
    assert f"{options['--stop-timeout']}s" == startgate["stop_grace_period"]
    assert options["--tmpfs"] == startgate["tmpfs"][0]
    assert ("--read-only" in words, options["--cap-drop"]) == (startgate["read_only"], startgate["cap_drop"][0])


def test_secrets_are_made_as_the_values_name_them() -> None:
    values = yaml.safe_load(block(DEPLOYMENT, "Kubernetes", "image:"))
    made = re.findall(r"create secret (?:tls|generic) (\S+)", DEPLOYMENT)
    assert made == [values["tls"]["secretName"], values["serviceCredential"]["secretName"]]
    defaults = yaml.safe_load((ROOT / "deploy/helm/startgate/values.yaml").read_text())
    # `--from-file NAME` makes a key of the file's name.
    assert re.findall(r"--from-file (\S+)", DEPLOYMENT) == [defaults["serviceCredential"]["key"]]
    (install,) = (shlex.split(line) for line in DEPLOYMENT.splitlines() if line.startswith("    helm "))
    assert install[:3] == ["helm", "upgrade", "--install"]
    assert (ROOT / install[4] / "Chart.yaml").is_file()
    # The release's name is in what the chart makes: `one-startgate`.
    told = set(re.findall(r"\b(\w+)-startgate(?:-0)?\b", block(DEPLOYMENT, "Kubernetes", "helm upgrade")))
    assert told == {install[3]}


def test_the_environment_is_made_as_in_the_image() -> None:
    made = block(DEPLOYMENT, "systemd", "python3 -m venv")
    dockerfile = (ROOT / "Dockerfile").read_text()
    for line in made.splitlines():
        assert line.startswith(("python3 -m venv /opt/startgate", "/opt/startgate/bin/python -m pip install "))
    for option in ("--require-hashes", "--only-binary :all:", "-r requirements-run.lock"):
        assert option in made
        assert option in dockerfile


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to a user")
@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd is missing")
def test_the_service_is_installed(tmp_path: Path) -> None:
    commands = block(DEPLOYMENT, "systemd", "install -D")
    (tmp_path / "etc").mkdir()
    for there in ("/etc/", "/usr/lib/"):
        commands = commands.replace(f" {there}", f" {tmp_path}{there}")
    for program in ("systemd-sysusers", "systemd-tmpfiles"):
        commands = commands.replace(program, f"{program} --root={tmp_path}")
    # The user is known under that root alone.
    run(commands.replace("-g startgate", "-g 0"), ROOT)
    etc = tmp_path / "etc/startgate"
    assert (tmp_path / "etc/systemd/system/startgate.service").is_file()
    assert f"--config /{(etc / 'startgate.yml').relative_to(tmp_path)}" in UNIT.one("ExecStart")
    assert (etc / "startgate.yml").stat().st_mode & 0o777 == 0o640
    assert {path.name for path in (etc / "rules").iterdir()} == {path.name for path in (ROOT / "rules").glob("*.yml")}
    # What is to be put where the configuration looks for it.
    config = yaml.safe_load((etc / "startgate.yml").read_text())
    for path in (config["listen"][0]["tls"]["key"], config["cluster"]["service"]["api_key_file"]):
        assert (etc / path).parent.is_dir()
    assert f"/etc/startgate/{config['cluster']['service']['api_key_file']}" in DEPLOYMENT


def test_settings_that_are_told_are_the_unit_s() -> None:
    told = re.findall(r"`([A-Z][A-Za-z]+)=", DEPLOYMENT)
    known = {*UNIT.settings, "IPAddressDeny", "IPAddressAllow", "ReadWritePaths"}
    assert set(told) <= known


def apparmor(*options: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("apparmor_parser") is None:
        pytest.skip("AppArmor's parser is missing")
    # `-Q -K`: no kernel and no cache is touched. A test machine's kernel may have no AppArmor: the release's is taken.
    features = ["-M", str(FEATURES)] if FEATURES.exists() else []
    return subprocess.run(
        ["apparmor_parser", "-Q", "-K", *features, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_apparmor_takes_the_profile() -> None:
    told = apparmor(ROOT / "deploy/apparmor/startgate")
    assert told.returncode == 0, told.stderr
    drop_in = unit(ROOT / "deploy/systemd/apparmor.conf").one("AppArmorProfile")
    assert apparmor("--names", ROOT / "deploy/apparmor/startgate").stdout.split() == [drop_in]


def test_the_profile_lets_it_write_where_the_unit_does() -> None:
    text = (ROOT / "deploy/apparmor/startgate").read_text()
    written = set(re.findall(r"^  owner (/\S+?)\*\* r?w", text, re.MULTILINE))
    folders = {
        f"{base}/{UNIT.one(setting)}/"
        for base, setting in (
            ("/var/lib", "StateDirectory"),
            ("/run", "RuntimeDirectory"),
            ("/var/log", "LogsDirectory"),
        )
    }
    # Private folders of the gate's and of metrics (proxy.supervisor).
    assert written == folders | {"/tmp/startgate-*/"}  # noqa: S108 -- the system's own


@pytest.mark.parametrize("command", block(MODULES, "AppArmor", "install -D").splitlines())
def test_what_security_modules_installs_is_there(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "install":
        assert (ROOT / words[-2]).is_file()
        assert Path(words[-1]).name == Path(words[-2]).name
