"""Enough of Compose to run docker-compose.yml by Podman: every key that the file uses has its option here, and one that
has none is a failure, so that nothing in the file is left out unseen.
"""

import json
import re
import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.containers import Engine, until

_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")
# How a service waits for another, and what to do until then.
_DONE, _HEALTHY, _STARTED = "service_completed_successfully", "service_healthy", "service_started"


def dotenv(text: str) -> dict[str, str]:
    """The variables of a `.env`."""
    lines = [line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, _, value in lines}


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """The file's text with its variables in place. Raises KeyError for one that must be set and is not."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        if kind == "?" and not variables.get(name):
            raise KeyError(f"{name}: {default}")
        return variables.get(name) or (default if kind == "-" else "") or ""

    return _VARIABLE.sub(value, text)


@dataclass(frozen=True, slots=True)
class Project:
    """A file of Compose on an engine. Names of what it makes begin with `name`, as with Compose itself."""

    podman: Engine
    folder: Path
    name: str
    services: Mapping[str, Mapping[str, Any]]
    networks: Mapping[str, Mapping[str, Any]]

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"{self.name}-{service}-1"

    def up(self, *wanted: str) -> None:
        """Starts services and what they depend on, in their order, each when what it waits for has come."""
        for name, network in self.networks.items():
            options = ["--internal"] if network.get("internal") else []
            self.podman.podman("network", "create", *options, f"{self.name}_{name}")
        for service in self._in_order(wanted):
            for other, how in self.services[service].get("depends_on", {}).items():
                self.wait(other, how["condition"])
            self.podman.podman("run", "--detach", "--name", self.container(service), *self._run(service))

    def exec(self, service: str, *command: str) -> str:
        """What a command in a service's container prints."""
        return self.podman.out("exec", self.container(service), *command)

    def logs(self, service: str) -> str:
        """All that a service said."""
        done = self.podman.podman("logs", self.container(service), status=None)
        return done.stdout + done.stderr

    def down(self) -> None:
        """Stops and removes all containers, the last first. What does not end by itself soon is ended."""
        for service in reversed(list(self._in_order(self.services))):
            self.podman.podman("rm", "--force", "--ignore", "--time", "10", self.container(service))
        for name in self.networks:
            self.podman.podman("network", "rm", "--force", f"{self.name}_{name}")

    def wait(self, service: str, condition: str) -> None:
        """Waits until a service is what another one that depends on it waits for."""
        container = self.container(service)
        if condition == _DONE:
            assert self.podman.out("wait", container) == "0", f"{service}: {self.logs(service)}"
        elif condition == _HEALTHY:

            def healthy() -> bool:
                return self.podman.podman("healthcheck", "run", container, status=None).returncode == 0

            until(healthy, lambda: f"{service}: {self.logs(service)}")
        else:
            assert condition == _STARTED, condition

    def _in_order(self, wanted: Any) -> Iterator[str]:
        seen: set[str] = set()

        def one(service: str) -> Iterator[str]:
            if service not in seen:
                seen.add(service)
                for other in self.services[service].get("depends_on", {}):
                    yield from one(other)
                yield service

        for service in wanted:
            yield from one(service)

    def _run(self, service: str) -> list[str]:
        """The options, the image and the command of `podman run`."""
        options: list[str] = []
        entry: list[str] = []
        for key, value in self.services[service].items():
            if key == "entrypoint":
                # An option takes one word; the rest goes before the command.
                options.append(f"--entrypoint={value[0]}")
                entry = list(value[1:])
            elif key == "volumes":
                options += [f"--volume={self._volume(one)}" for one in value]
            elif key == "networks":
                options += [f"--network={self.name}_{one}:alias={service}" for one in value]
            elif key not in _ELSEWHERE:
                options += _OPTIONS[key](value)
        one = self.services[service]
        return [*options, one["image"], *entry, *one.get("command", [])]

    def _volume(self, text: str) -> str:
        source, _, rest = text.partition(":")
        return f"{self.folder / source}:{rest}" if source.startswith(".") else f"{self.name}_{source}:{rest}"


# Read above; images are made before; profiles have been chosen.
_ELSEWHERE = {"image", "build", "command", "depends_on", "profiles"}


def _each(option: str) -> Callable[[Any], list[str]]:
    return lambda values: [f"{option}={value}" for value in values]


def _one(option: str) -> Callable[[Any], list[str]]:
    return lambda value: [f"{option}={value}"]


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"--env={name}={value}" for name, value in values.items()]


def _limits(values: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Limits as far as this machine lets them be raised: who may not raise them cannot raise a container's."""
    options = []
    for name, value in values.items():
        _, most = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
        if most == resource.RLIM_INFINITY or 0 <= value["hard"] <= most:
            options.append(f"--ulimit={name}={value['soft']}:{value['hard']}")
    return options


def _health(value: Mapping[str, Any]) -> list[str]:
    kind, *test = value["test"]
    command = test[0] if kind == "CMD-SHELL" else json.dumps(test)
    times = [f"--health-{name}={value[name]}" for name in ("interval", "timeout", "retries")]
    return [f"--health-cmd={command}", *times]


def _grace(value: str) -> list[str]:
    seconds = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", value)
    assert seconds
    return [f"--stop-timeout={int(seconds[1] or 0) * 60 + int(seconds[2] or 0)}"]


_OPTIONS: Mapping[str, Callable[[Any], list[str]]] = {
    "user": _one("--user"),
    "cap_drop": _each("--cap-drop"),
    "cap_add": _each("--cap-add"),
    "network_mode": _one("--network"),
    "environment": _pairs,
    "ports": _each("--publish"),
    "ulimits": _limits,
    "read_only": lambda value: [f"--read-only={str(value).lower()}"],
    "security_opt": lambda values: [f"--security-opt={value.removesuffix(':true')}" for value in values],
    "tmpfs": _each("--tmpfs"),
    "restart": _one("--restart"),
    "stop_grace_period": _grace,
    "healthcheck": _health,
}


def project(podman: Engine, folder: Path, profile: str) -> Project:
    """The services of a profile of the file in a folder, with the variables of the `.env` there."""
    variables = dotenv((folder / ".env").read_text())
    content = yaml.safe_load(substituted((folder / "docker-compose.yml").read_text(), variables))
    services = {name: one for name, one in content["services"].items() if profile in one.get("profiles", [profile])}
    used = {network for one in services.values() for network in one.get("networks", [])}
    networks = {name: content["networks"][name] or {} for name in content["networks"] if name in used}
    return Project(podman, folder, content["name"], services, networks)
