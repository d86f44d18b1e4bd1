"""The text for nginx: a file for `conf.d/`, within its `http` block. Tried with 1.22.

nginx decides by `$request_uri`, the target as it came, and hands on the same: `proxy_pass` without a path, and nothing
in between rewrites. What it makes of the path for itself (`$uri`: decoded, merged, resolved) is used nowhere. `Expect`
it answers by itself, and never hands on.
"""

from collections.abc import Iterator
from typing import Final

from proxy.fronts.lines import SYSTEM_CA, heading, kilobytes, milliseconds, plain_text, refuse, written
from proxy.fronts.model import Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import BEGINS
from proxy.fronts.plan import is_address

PROGRAM: Final = "nginx"
# Of an answer's head, which may hold hundreds of warnings; each connection under way has one.
_ANSWER_HEAD_KB: Final = 128


def text(front: Front) -> str:
    """The configuration. Raises ConfigError where nginx cannot do what is asked for."""
    written(front)
    refuse(PROGRAM, [*_cannot(front.nodes, "cluster.tls"), *_cannot(front.startgate, "listen.tls")])
    return "\n".join([*heading(front, PROGRAM, tuple(_needs(front))), "", *_maps(front), *_server(front)]) + "\n"


def _cannot(upstream: Upstream, where: str) -> Iterator[tuple[str, str]]:
    if upstream.proxy_header:
        yield "listen.proxy_protocol", "nginx sends no PROXY header with HTTP: give Startgate an address without it"
    tls = upstream.tls
    if tls is None:
        return
    if tls.verify in {"certificate", "fingerprint"} or tls.fingerprints:
        wanted = "fingerprint" if tls.fingerprints else tls.verify
        yield f"{where}.verify", f"nginx checks chain and name, or nothing; `{wanted}` it cannot"
    elif tls.verify == "full" and (len(tls.names) != 1 or is_address(tls.names[0])):
        why = "nginx checks one name for all of them, and no addresses: name one that every certificate is for"
        yield f"{where}.server_name", why


def _needs(front: Front) -> Iterator[str]:
    yield (
        "Startgate sees this front as its peer, and clients' addresses in X-Forwarded-For: only this front may reach "
        "it then. Names of nodes are resolved when nginx reads this file."
    )
    yield from plain_text(front.nodes, "The cluster")
    yield from plain_text(front.startgate, "Startgate")


def _maps(front: Front) -> Iterator[str]:
    yield "map $request_uri $startgate_route {"
    yield "    default startgate;"
    yield from (f'    "~*{hint}" startgate;' for hint in front.hints)
    yield f'    "~{BEGINS}" nodes;'
    yield "}"
    yield "# HTTP/1.0 has no Host."
    yield 'map $http_host $startgate_host { default $http_host; "" $host; }'
    for name, upstream in (("startgate_nodes", front.nodes), ("startgate_edges", front.startgate)):
        yield f"upstream {name} {{"
        yield "    least_conn;"
        yield from (f"    server {server};" for server in upstream.servers)
        yield "    keepalive 256;"
        yield "    keepalive_requests 1000000;"
        yield f"    keepalive_timeout {milliseconds(front.limits.upstream_idle_s)};"
        if front.limits.upstream_age_s:
            yield f"    keepalive_time {milliseconds(front.limits.upstream_age_s)};"
        yield "}"


def _server(front: Front) -> Iterator[str]:
    yield "server {"
    yield f"    listen {front.listen}{' ssl' * (front.certificate is not None)}{' http2' * front.http2};"
    yield "    server_name _;"
    if front.certificate is not None:
        yield f"    ssl_certificate {front.certificate};"
        yield f"    ssl_certificate_key {front.key};"
        yield "    ssl_protocols TLSv1.2 TLSv1.3;"
    yield from (f"    {line}" for line in (*_bounds(front), *_passing(front)))
    yield "    location / {"
    # `return` alone is safe within `if`. The status is never seen: it leads to the other location, which keeps method,
    # target and body.
    yield "        error_page 418 = @startgate;"
    yield "        if ($startgate_route != nodes) { return 418; }"
    yield from (f"        {line}" for line in _towards("startgate_nodes", front.nodes.tls))
    yield "    }"
    yield "    location @startgate {"
    yield from (f"        {line}" for line in _towards("startgate_edges", front.startgate.tls))
    yield "    }"
    yield "}"


def _bounds(front: Front) -> Iterator[str]:
    limits = front.limits
    yield "server_tokens off;"
    yield "gzip off;"
    yield "client_max_body_size 0;"
    yield f"client_header_timeout {milliseconds(limits.client_head_s)};"
    yield f"client_body_timeout {milliseconds(limits.client_stall_s)};"
    yield f"send_timeout {milliseconds(limits.client_stall_s)};"
    yield f"keepalive_timeout {milliseconds(limits.client_idle_s)};"
    yield f"lingering_time {milliseconds(limits.client_linger_s)};"
    yield "keepalive_requests 1000000;"
    size = max(kilobytes(limits.request_head_bytes), kilobytes(limits.request_line_bytes))
    yield f"large_client_header_buffers 4 {size}k;"


def _passing(front: Front) -> Iterator[str]:
    yield "proxy_http_version 1.1;"
    yield 'proxy_set_header Connection "";'
    yield "proxy_set_header Host $startgate_host;"
    # What clients say of themselves is not believed, and not handed on.
    yield "proxy_set_header X-Forwarded-For $remote_addr;"
    yield "proxy_set_header X-Forwarded-Proto $scheme;"
    yield 'proxy_set_header Forwarded "";'
    yield from (f'proxy_set_header {name} "";' for name in front.remove)
    yield "proxy_request_buffering off;"
    yield "proxy_max_temp_file_size 0;"
    yield f"proxy_buffer_size {_ANSWER_HEAD_KB}k;"
    yield f"proxy_buffers 4 {_ANSWER_HEAD_KB}k;"
    yield f"proxy_busy_buffers_size {2 * _ANSWER_HEAD_KB}k;"
    yield f"proxy_connect_timeout {milliseconds(front.limits.upstream_connect_s)};"
    yield f"proxy_send_timeout {milliseconds(front.answer_s)};"
    yield f"proxy_read_timeout {milliseconds(front.answer_s)};"
    # A POST that was sent is never sent again; that is nginx's own rule.
    yield "proxy_next_upstream error;"
    yield "proxy_redirect off;"
    yield "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;"


def _towards(name: str, tls: UpstreamTls | None) -> Iterator[str]:
    yield f"proxy_pass {'http' if tls is None else 'https'}://{name};"
    if tls is None:
        return
    versions = ("1.2", "1.3")
    spoken = versions[versions.index(tls.min_version) : versions.index(tls.max_version) + 1]
    yield f"proxy_ssl_protocols {' '.join(f'TLSv{version}' for version in spoken)};"
    if tls.verify == "full":
        yield "proxy_ssl_verify on;"
        yield "proxy_ssl_verify_depth 5;"
        yield f"proxy_ssl_trusted_certificate {tls.ca or SYSTEM_CA};"
        yield f"proxy_ssl_name {tls.names[0]};"
        yield "proxy_ssl_server_name on;"
    else:
        yield "# Anybody may pose as the cluster: cluster.tls.verify is unsafe_none."
        yield "proxy_ssl_verify off;"
    if tls.certificate is not None:
        yield f"proxy_ssl_certificate {tls.certificate};"
        yield f"proxy_ssl_certificate_key {tls.key};"
