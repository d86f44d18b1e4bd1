"""The text for Envoy: a whole bootstrap, as YAML. Tried with 1.40.

Envoy is told to leave paths as they come, and decides by the `:path` header, which is the whole target. An absolute
form is taken apart by Envoy itself, which decides by its path and hands on no more.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from proxy.fronts.lines import SYSTEM_CA, duration, heading, kilobytes, plain_text, refuse, written
from proxy.fronts.model import Address, Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import WHOLE
from proxy.fronts.plan import is_address

PROGRAM: Final = "envoy"
_TYPES: Final = "type.googleapis.com/envoy.extensions"
_TLS: Final = f"{_TYPES}.transport_sockets.tls.v3"
# Envoy's own bounds (max_request_headers_kb, max_response_headers_kb).
_MOST_HEAD_KB: Final = 8192
# Startgate and the nodes bound what they take; Envoy's own default is 1024, with 503 for what is beyond.
_UNBOUNDED: Final = 1_000_000

# Envoy's own default.
_DRAIN_S: Final = 5.0

Block = dict[str, Any]


def text(front: Front) -> str:
    """The configuration. Raises ConfigError where Envoy cannot do what is asked for."""
    written(front)
    refuse(PROGRAM, list(_cannot(front)))
    body = yaml.safe_dump(bootstrap(front), sort_keys=False, width=120)
    return "\n".join([*heading(front, PROGRAM, tuple(_needs(front))), ""]) + "\n" + body


def bootstrap(front: Front) -> Block:
    """The configuration as what YAML stands for."""
    clusters = [_cluster("nodes", front.nodes, front), _cluster("startgate", front.startgate, front)]
    return {"static_resources": {"listeners": [_listener(front)], "clusters": clusters}}


def _cannot(front: Front) -> Iterator[tuple[str, str]]:
    for upstream, where in ((front.nodes, "cluster.tls"), (front.startgate, "listen.tls")):
        if upstream.tls is not None and upstream.tls.verify == "full" and not upstream.tls.names:
            yield f"{where}.server_name", "a name is needed that the certificates are for"


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


def _typed(kind: str, **values: Any) -> Block:  # noqa: ANN401 -- whatever a message of Envoy's holds
    return {"@type": f"{_TYPES}.{kind}", **values}


def _socket_address(address: Address) -> Block:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _listener(front: Front) -> Block:
    chain: Block = {"filters": [{"name": "http", "typed_config": _manager(front)}]}
    if front.certificate is not None:
        files = {"certificate_chain": {"filename": front.certificate}, "private_key": {"filename": front.key}}
        common = {
            "alpn_protocols": ["h2", "http/1.1"] if front.http2 else ["http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [files],
        }
        typed = {"@type": f"{_TLS}.DownstreamTlsContext", "common_tls_context": common}
        chain["transport_socket"] = {"name": "tls", "typed_config": typed}
    return {"name": "startgate_front", "address": _socket_address(front.listen), "filter_chains": [chain]}


def _manager(front: Front) -> Block:
    limits = front.limits
    router = {"name": "router", "typed_config": _typed("filters.http.router.v3.Router", suppress_envoy_headers=True)}
    return _typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="startgate_front",
        codec_type="AUTO" if front.http2 else "HTTP1",
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": "elasticsearch"},
        # What is decided about must be what is sent.
        normalize_path=False,
        merge_slashes=False,
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        generate_request_id=False,
        preserve_external_request_id=True,
        server_header_transformation="PASS_THROUGH",
        # Otherwise a client in a private network could steer this front with headers of its own (x-envoy-…).
        use_remote_address=True,
        skip_xff_append=True,
        internal_address_config={"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        max_request_headers_kb=min(kilobytes(limits.request_line_bytes + limits.request_head_bytes), _MOST_HEAD_KB),
        common_http_protocol_options={
            "idle_timeout": duration(limits.client_idle_s),
            "max_headers_count": limits.headers,
        },
        request_headers_timeout=duration(limits.client_head_s),
        stream_idle_timeout=duration(front.answer_s),
        # How long an idle connection that is to be closed still lives.
        drain_timeout=duration(min(limits.client_linger_s, _DRAIN_S)),
        http_filters=[router],
        route_config=_routes(front),
    )


def _routes(front: Front) -> Block:
    hinted: list[Block] = [_path_has({"contains": hint, "ignore_case": True}) for hint in front.hints]
    # A node that answers such a request early reads its body as further requests. Envoy takes `100-continue` out.
    hinted.append({"name": "expect", "present_match": True})
    ordinary = _path_has({"safe_regex": {"regex": WHOLE}})
    added = {"x-forwarded-for": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
    return {
        "request_headers_to_add": [
            {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for name, value in added.items()
        ],
        "request_headers_to_remove": ["forwarded", *front.remove],
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "routes": [
                    *(_route("startgate", [one], front) for one in hinted),
                    _route("nodes", [ordinary], front),
                    _route("startgate", [], front),
                ],
            }
        ],
    }


def _path_has(match: Block) -> Block:
    return {"name": ":path", "string_match": match}


def _route(cluster: str, headers: list[Block], front: Front) -> Block:
    match: Block = {"prefix": "/"}
    if headers:
        match["headers"] = headers
    # Only what was never sent is tried again.
    again = {"retry_on": "connect-failure", "num_retries": 2}
    ways = {"cluster": cluster, "timeout": "0s", "idle_timeout": duration(front.answer_s), "retry_policy": again}
    return {"match": match, "route": ways}


def _cluster(name: str, upstream: Upstream, front: Front) -> Block:
    limits = front.limits
    common: Block = {
        "idle_timeout": duration(limits.upstream_idle_s),
        "max_headers_count": limits.headers,
        "max_response_headers_kb": min(kilobytes(limits.answer_head_bytes), _MOST_HEAD_KB),
    }
    if limits.upstream_age_s:
        common["max_connection_duration"] = duration(limits.upstream_age_s)
    options = {
        "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": common,
        "explicit_http_config": {"http_protocol_options": {}},
    }
    bounds = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), _UNBOUNDED)
    made: Block = {
        "name": name,
        "type": "STRICT_DNS",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": duration(limits.upstream_connect_s),
        "circuit_breakers": {"thresholds": [bounds]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _socket_address(one)}} for one in upstream.servers]}
            ],
        },
    }
    socket = _transport(upstream)
    return made if socket is None else {**made, "transport_socket": socket}


def _transport(upstream: Upstream) -> Mapping[str, Any] | None:
    inner = None if upstream.tls is None else {"name": "tls", "typed_config": _upstream_tls(upstream.tls)}
    if not upstream.proxy_header:
        return inner
    plain = _typed("transport_sockets.raw_buffer.v3.RawBuffer")
    typed = _typed(
        "transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config={"version": "V2"},
        transport_socket=inner or {"name": "raw", "typed_config": plain},
    )
    return {"name": "proxy_header", "typed_config": typed}


def _upstream_tls(tls: UpstreamTls) -> Block:
    context: Block = {}
    if tls.verify in {"full", "certificate"}:
        context["trusted_ca"] = {"filename": tls.ca or SYSTEM_CA}
    if tls.verify == "full":
        context["match_typed_subject_alt_names"] = [
            {"san_type": "IP_ADDRESS" if is_address(name) else "DNS", "matcher": {"exact": name}} for name in tls.names
        ]
    if tls.fingerprints:
        context["verify_certificate_hash"] = list(tls.fingerprints)
    common: Block = {
        "tls_params": {
            "tls_minimum_protocol_version": f"TLSv{tls.min_version.replace('.', '_')}",
            "tls_maximum_protocol_version": f"TLSv{tls.max_version.replace('.', '_')}",
        }
    }
    if context:
        common["validation_context"] = context
    if tls.certificate is not None:
        files = {"certificate_chain": {"filename": tls.certificate}, "private_key": {"filename": tls.key}}
        common["tls_certificates"] = [files]
    made: Block = {"@type": f"{_TLS}.UpstreamTlsContext", "common_tls_context": common}
    return made if tls.server_name is None else {**made, "sni": tls.server_name}
