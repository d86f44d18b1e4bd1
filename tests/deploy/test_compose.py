"""docker-compose.yml: Compose's own loader takes it, nothing but Startgate can reach the nodes, and every file that it
mounts is there. tests/deploy/test_setup.py runs its steps.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.rules.load import load as load_rules

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LOADER = Path(__file__).parent / "compose"
PROFILES = {
    "single": {"certificates", "elasticsearch", "prepared", "startgate", "kibana"},
    "ha": {"certificates", "es01", "es02", "es03", "prepared-ha", "startgate-a", "startgate-b", "haproxy", "kibana-ha"},
}
PASSWORDS = {"ELASTIC_PASSWORD": "a", "KIBANA_PASSWORD": "b"}
STARTGATES = ("startgate", "startgate-a", "startgate-b")


def nodes() -> set[str]:
    return {name for name, one in SERVICES.items() if "/elasticsearch/" in one.get("image", "")}


def mounts() -> list[tuple[str, str]]:
    """Every file or folder of the repository that a service mounts, with its path in there."""
    found = [volume.split(":") for one in SERVICES.values() for volume in one.get("volumes", ())]
    return sorted({(parts[0], parts[1]) for parts in found if parts[0].startswith("./")})


def test_only_startgate_and_the_set_up_share_a_network_with_the_nodes() -> None:
    near = {name for name, one in SERVICES.items() if "cluster" in one.get("networks", ())}
    assert near == {*nodes(), "prepared", "prepared-ha", *STARTGATES}
    assert COMPOSE["networks"]["cluster"] == {"internal": True}


@pytest.mark.parametrize("node", sorted(nodes()))
def test_no_node_has_a_port_outside(node: str) -> None:
    assert "ports" not in SERVICES[node]
    assert SERVICES[node]["networks"] == ["cluster"]


def test_ports_are_of_this_machine_alone() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", STARTGATES)
def test_startgate_can_write_its_journal_and_nothing_else(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    writable = [volume for volume in one["volumes"] if not volume.endswith(":ro")]
    assert [volume.split(":")[1] for volume in writable] == ["/var/lib/startgate"]


def test_each_replica_has_a_journal_of_its_own() -> None:
    journals = [volume for name in STARTGATES for volume in SERVICES[name]["volumes"] if not volume.endswith(":ro")]
    assert len(set(journals)) == len(STARTGATES)


@pytest.mark.parametrize(("here", "there"), mounts())
def test_what_is_mounted_is_there(here: str, there: str) -> None:
    assert (ROOT / here).exists(), f"{there} would be made as an empty folder"


def test_its_rules_are_taken() -> None:
    assert load_rules(ROOT / "rules").revision


@pytest.mark.parametrize(
    "variable", re.findall(r"^([A-Z_]+)=", (ROOT / "deploy/compose/.env.example").read_text(), re.MULTILINE)
)
def test_every_variable_of_the_example_is_asked_for(variable: str) -> None:
    used = (ROOT / "docker-compose.yml").read_text()
    assert variable == "COMPOSE_PROFILES" or f"${{{variable}:" in used


def test_no_password_works_by_default() -> None:
    example = (ROOT / "deploy/compose/.env.example").read_text()
    assert re.findall(r"^\w*PASSWORD=(.+)$", example, re.MULTILINE) == []
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{\w*PASSWORD:(.)", text)) == {"?"}


def loaded(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Compose's own loader makes of it."""
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    return subprocess.run(
        ["go", "run", ".", str(ROOT / "docker-compose.yml"), *PROFILES],
        cwd=LOADER,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(400)
def test_compose_itself_takes_it() -> None:
    if shutil.which("go") is None:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", "Go is missing"
        pytest.skip("Go is missing")
    told = loaded(PASSWORDS)
    assert told.returncode == 0, told.stderr
    services: dict[str, set[str]] = {profile: set() for profile in PROFILES}
    for line in told.stdout.splitlines():
        profile, service = line.split()
        services[profile].add(service)
    assert services == PROFILES
    # Without passwords nothing starts, and it is said which is missing.
    without = loaded({})
    assert without.returncode == 1
    assert "choose one in .env" in without.stderr
