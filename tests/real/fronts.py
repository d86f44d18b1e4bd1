"""The genuine nginx, HAProxy and Envoy with an exported configuration, each a process of its own."""

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from bench.peers import PEERS
from proxy.fronts import envoy, haproxy, ingress, nginx
from proxy.fronts.ingress import Manifest
from proxy.fronts.model import Front

# A machine that is very busy; nothing is judged by it.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20

# As root, nginx would hand its worker to a user who cannot write to the folder.
_OWNER = "user root root;\n" if os.geteuid() == 0 else ""
_NGINX = """\
daemon off;
{owner}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/front.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One of the fronts: the program, how its text is made, and the commands that check it and run it, given the folder
    with it."""

    name: str
    program: str
    text: Callable[[Front], str]
    file: str
    check: tuple[str, ...]
    run: tuple[str, ...]

    def path(self) -> str:
        """Where the program is. Skips the test where it is not there; fails it where that must not be."""
        found = next(peer.find() for peer in PEERS if peer.name == self.program)
        if found is None:
            missing = f"{self.program} is not installed: make bench-peers, and requirements-bench.lock for Envoy"
            if os.environ.get("STARTGATE_REQUIRE_REAL") == "1":
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)
        return found

    def write(self, text: str, folder: Path) -> None:
        """Put the configuration into the folder, and what it needs around it."""
        (folder / self.file).write_text(text)
        if self.program == "nginx":
            (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, owner=_OWNER))

    def checked(self, text: str, folder: Path) -> str:
        """What the program itself says about the configuration; empty where it takes it without a word of complaint."""
        self.write(text, folder)
        command = [self.path(), *(part.format(folder=folder) for part in self.check)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S)
        said = run.stdout + run.stderr
        complaints = [line for line in said.splitlines() if "[warn" in line.lower() or "[alert" in line.lower()]
        return said if run.returncode else "\n".join(complaints)


_NGINX_RUN = ("-p", "{folder}", "-c", "{folder}/nginx.conf")
_HAPROXY_RUN = ("-f", "{folder}/haproxy.cfg")
_ENVOY_RUN = ("-c", "{folder}/envoy.yaml", "--log-level", "error")
_ENVOY_ALONE = (*_ENVOY_RUN, "--concurrency", "1", "--disable-hot-restart")
_VALIDATE = ("--mode", "validate", *_ENVOY_RUN)

NGINX = Program("nginx", "nginx", nginx.text, "front.conf", ("-t", *_NGINX_RUN), _NGINX_RUN)
HAPROXY = Program("haproxy", "haproxy", haproxy.text, "haproxy.cfg", ("-c", *_HAPROXY_RUN), ("-db", *_HAPROXY_RUN))
ENVOY = Program("envoy", "envoy", envoy.text, "envoy.yaml", _VALIDATE, _ENVOY_ALONE)
PROGRAMS = (NGINX, HAPROXY, ENVOY)


def _as_ingress_nginx(front: Front) -> str:
    """What ingress-nginx makes of the Ingress: a location for each path, expressions without case, the longest first,
    matched against the path as nginx has decoded and merged it; what is handed on is the target as it came."""
    made = yaml.safe_load(ingress.text(front, Manifest(controller="nginx")))
    paths = sorted(made["spec"]["rules"][0]["http"]["paths"], key=lambda one: -len(one["path"]))
    servers = {"elasticsearch": front.nodes.servers[0], "startgate": front.startgate.servers[0]}
    lines = []
    for one in paths:
        where = servers[one["backend"]["service"]["name"]]
        lines += [f'location ~* "^{one["path"]}" {{', "proxy_set_header Host $http_host;", "proxy_http_version 1.1;"]
        lines += ['proxy_set_header Connection "";', f"proxy_pass http://{where};", "proxy_request_buffering off;", "}"]
    limits = front.limits
    lines += [f"client_header_timeout {limits.client_head_s}s;", f"client_body_timeout {limits.client_stall_s}s;"]
    lines += [f"keepalive_timeout {limits.client_idle_s}s;", f"proxy_read_timeout {front.answer_s}s;"]
    return "\n".join([f"server {{ listen {front.listen};", *lines, "}"]).replace(".0s;", "s;")


def _as_gateway(front: Front) -> str:
    """What Envoy Gateway makes of the HTTPRoute: expressions match the whole path, before prefixes; paths are decoded,
    merged and resolved before, and handed on so."""
    made = yaml.safe_load(ingress.text(front, Manifest()))
    served = {"elasticsearch": "nodes", "startgate": "startgate"}
    routes = []
    for rule in made["spec"]["rules"]:
        path = rule["matches"][0]["path"]
        regular = path["type"] == "RegularExpression"
        match: dict[str, Any] = {"safe_regex": {"regex": path["value"]}} if regular else {"prefix": path["value"]}
        if "headers" in rule["matches"][0]:
            match["headers"] = [{"name": "expect", "present_match": True}]
        routes.append({"match": match, "route": {"cluster": served[rule["backendRefs"][0]["name"]], "timeout": "0s"}})
    whole = envoy.bootstrap(front)
    manager = whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager |= {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    }
    manager["route_config"]["virtual_hosts"][0]["routes"] = routes
    return yaml.safe_dump(whole)


# The expressions of the manifests, in the programs that controllers run.
CONTROLLERS = (
    Program("ingress-nginx", "nginx", _as_ingress_nginx, "front.conf", NGINX.check, NGINX.run),
    Program("gateway", "envoy", _as_gateway, "envoy.yaml", ENVOY.check, ENVOY.run),
)


# Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range): none of them takes such a port between
# a look at it and its use. Each call goes on where the last one ended.
_PORTS = itertools.cycle(range(20_000, 32_000))
_LOOKED_AT = itertools.islice(_PORTS, os.getpid() % 12_000, None)


def free_port() -> int:
    """A port that nobody listens on, and that is given to nobody else."""
    for port in _LOOKED_AT:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("the ports are a circle")


class Running:
    """A front that runs while the `with` block does, at the port in its configuration."""

    def __init__(self, program: Program, text: str, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder
        program.write(text, folder)
        self._command = [program.path(), *(part.format(folder=folder) for part in program.run)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self._folder / "output.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError(f"the front did not start: {(self._folder / 'output.log').read_text()}")
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def __exit__(self, *failure: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
