"""The text for HAProxy: a whole configuration. Tried with 2.6.

HAProxy hands a target on as it came, and decides by it. `pathq` is the target from its first slash on, also where
HTTP/2 brought it in parts; an absolute form over HTTP/1.1 is never ordinary.
"""

from collections.abc import Iterator
from typing import Final

from proxy.fronts.lines import heading, milliseconds, plain_text, refuse, written
from proxy.fronts.model import Address, Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import BEGINS
from proxy.fronts.plan import is_address

PROGRAM: Final = "haproxy"
# Beside a head there must be room for the headers that are added.
_ROOM: Final = 4096
# tune.http.maxhdr has this bound.
_MOST_HEADERS: Final = 32767


def text(front: Front) -> str:
    """The configuration. Raises ConfigError where HAProxy cannot do what is asked for."""
    written(front)
    found = [*_cannot(front.nodes, "cluster.tls"), *_cannot(front.startgate, "listen.tls")]
    if not _together(front.certificate, front.key):
        found.append(("--key", _TOGETHER))
    refuse(PROGRAM, found)
    parts = (
        *_globals(front),
        *_frontend(front),
        *_backend("nodes", front.nodes),
        *_backend("startgate", front.startgate),
    )
    return "\n".join([*heading(front, PROGRAM, tuple(_needs(front))), "", *parts]) + "\n"


_TOGETHER: Final = "HAProxy wants the key in the certificate's own file, or in a file of that name with .key behind it"


def _together(certificate: str | None, key: str | None) -> bool:
    return certificate is None or key in {certificate, f"{certificate}.key"}


def _cannot(upstream: Upstream, where: str) -> Iterator[tuple[str, str]]:
    tls = upstream.tls
    if tls is None:
        return
    if tls.verify == "fingerprint" or tls.fingerprints:
        yield f"{where}.fingerprint", "HAProxy checks no fingerprints of servers"
    elif tls.verify == "full" and any(map(is_address, tls.names)):
        yield f"{where}.server_name", "HAProxy checks names and no addresses: name one that the certificates are for"
    if not _together(tls.certificate, tls.key):
        yield f"{where}.key", _TOGETHER


def _needs(front: Front) -> Iterator[str]:
    if front.startgate.proxy_header:
        yield "Startgate learns clients' addresses from a PROXY header: listen.proxy_protocol must name this front."
    else:
        yield (
            "Startgate sees this front as its peer, and clients' addresses in X-Forwarded-For: only this front may "
            "reach it then. With listen.proxy_protocol it would see clients as its peers."
        )
    yield from plain_text(front.nodes, "The cluster")
    yield from plain_text(front.startgate, "Startgate")


def _globals(front: Front) -> Iterator[str]:
    limits = front.limits
    # A head must fit into one buffer.
    yield "global"
    yield f"    tune.bufsize {limits.request_line_bytes + limits.request_head_bytes + _ROOM}"
    yield f"    tune.maxrewrite {_ROOM}"
    yield f"    tune.http.maxhdr {min(limits.headers, _MOST_HEADERS)}"
    yield "defaults"
    yield "    mode http"
    yield "    option http-keep-alive"
    yield "    option redispatch"
    yield "    retries 2"
    # A request that was sent is never sent again.
    yield "    retry-on conn-failure"
    yield f"    timeout connect {milliseconds(limits.upstream_connect_s)}"
    yield f"    timeout client {milliseconds(limits.client_stall_s)}"
    yield f"    timeout http-request {milliseconds(limits.client_head_s)}"
    yield f"    timeout http-keep-alive {milliseconds(limits.client_idle_s)}"
    yield f"    timeout server {milliseconds(front.answer_s)}"


def _frontend(front: Front) -> Iterator[str]:
    secure = f" ssl crt {front.certificate} ssl-min-ver TLSv1.2" if front.certificate is not None else ""
    spoken = f" alpn {'h2,' * front.http2}http/1.1" if secure else ""
    yield "frontend startgate_front"
    yield f"    bind {front.listen}{secure}{spoken}"
    if not front.http2:
        yield "    # Otherwise whoever begins with the preface of HTTP/2 speaks it."
        yield "    option disable-h2-upgrade"
    # What clients say of themselves is not believed, and not handed on.
    yield "    http-request set-header X-Forwarded-For %[src]"
    yield f"    http-request set-header X-Forwarded-Proto {'https' if secure else 'http'}"
    yield "    http-request del-header Forwarded"
    yield from (f"    http-request del-header {name}" for name in front.remove)
    yield from (f"    acl hinted url -m sub -i {hint}" for hint in front.hints)
    yield f"    acl ordinary pathq -m reg '{BEGINS}'"
    yield "    acl origin_form url -m beg /"
    yield from ["    acl origin_form fc_http_major 2"] * front.http2
    # A node that answers such a request early reads its body as further requests, and HAProxy would send it on.
    yield "    acl expects req.hdr(expect) -m found"
    yield "    use_backend nodes if ordinary origin_form !hinted !expects"
    yield "    default_backend startgate"


def _backend(name: str, upstream: Upstream) -> Iterator[str]:
    yield f"backend {name}"
    yield "    balance leastconn"
    header = " send-proxy-v2 check-send-proxy" if upstream.proxy_header else ""
    for at, server in enumerate(upstream.servers, 1):
        yield f"    server {name}-{at} {server} check{header}{_secure(server, upstream.tls)}"


def _secure(server: Address, tls: UpstreamTls | None) -> str:
    if tls is None:
        return ""
    said = f" ssl ssl-min-ver TLSv{tls.min_version} ssl-max-ver TLSv{tls.max_version}"
    if tls.verify == "unsafe_none":
        said += " verify none"
    else:
        said += f" verify required ca-file {tls.ca or '@system-ca'}"
    if tls.verify == "full":
        name = tls.server_name or server.host
        said += f" verifyhost {name} sni str({name}) check-sni {name}"
    elif tls.server_name is not None:
        said += f" sni str({tls.server_name}) check-sni {tls.server_name}"
    return said + (f" crt {tls.certificate}" if tls.certificate is not None else "")
