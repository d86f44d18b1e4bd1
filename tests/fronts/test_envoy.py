"""The text for Envoy. tests/real/test_fronts.py has Envoy itself read it."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from proxy.errors import ConfigError
from proxy.fronts.envoy import bootstrap, text
from proxy.fronts.model import Front
from proxy.settings import EdgeLimits
from tests.fronts.samples import FULL, PLAIN, PROXY_HEADER, TEXTS, TLS, golden


@pytest.mark.parametrize("name", ["envoy-plain.yaml", "envoy-full.yaml"])
def test_the_text_is_the_golden_one(name: str) -> None:
    assert TEXTS[name] == golden(name)


def test_the_text_is_the_bootstrap() -> None:
    assert yaml.safe_load(text(PROXY_HEADER)) == bootstrap(PROXY_HEADER)


def manager(front: Front) -> Any:
    """The part that reads requests."""
    return bootstrap(front)["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


def nodes_tls(front: Front) -> Any:
    """How nodes are checked."""
    cluster = bootstrap(front)["static_resources"]["clusters"][0]
    return cluster["transport_socket"]["typed_config"]


def test_paths_are_left_as_they_come() -> None:
    found = manager(PLAIN)
    assert (found["normalize_path"], found["merge_slashes"]) == (False, False)
    assert found["path_with_escaped_slashes_action"] == "KEEP_UNCHANGED"


def test_the_last_route_and_every_hint_lead_to_startgate() -> None:
    (host,) = manager(FULL)["route_config"]["virtual_hosts"]
    assert [one["route"]["cluster"] for one in host["routes"]] == ["startgate"] * 3 + ["nodes", "startgate"]
    assert host["routes"][2]["match"]["headers"] == [{"name": "expect", "present_match": True}]
    assert "headers" not in host["routes"][-1]["match"]
    assert manager(FULL)["route_config"]["request_headers_to_remove"] == ["forwarded", "X-User", "X-Roles"]


@pytest.mark.parametrize(("http2", "codec"), [(False, "HTTP1"), (True, "AUTO")])
def test_http2_is_not_spoken_unasked(http2: bool, codec: str) -> None:
    assert manager(replace(FULL, http2=http2))["codec_type"] == codec


@pytest.mark.parametrize(
    ("verify", "keys"),
    [
        ("full", {"trusted_ca", "match_typed_subject_alt_names"}),
        ("certificate", {"trusted_ca"}),
        ("fingerprint", {"verify_certificate_hash"}),
        ("unsafe_none", set()),
    ],
)
def test_how_nodes_are_checked(verify: str, keys: set[str]) -> None:
    tls = replace(TLS, verify=verify, fingerprints=("ab" * 32,) if verify == "fingerprint" else ())
    context = nodes_tls(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=tls)))["common_tls_context"]
    assert set(context.get("validation_context", {})) == keys


def test_addresses_and_names_are_checked_as_such() -> None:
    tls = replace(TLS, ca=None, names=("es", "10.0.0.1"), server_name=None)
    found = nodes_tls(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=tls)))
    context = found["common_tls_context"]["validation_context"]
    assert [one["san_type"] for one in context["match_typed_subject_alt_names"]] == ["DNS", "IP_ADDRESS"]
    assert context["trusted_ca"] == {"filename": "/etc/ssl/certs/ca-certificates.crt"}
    assert "sni" not in found


def test_a_name_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"cluster\.tls\.server_name: a name is needed"):
        text(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, names=()))))
    with pytest.raises(ConfigError, match="a b: holds a character"):
        text(replace(PLAIN, remove=("a b",)))


def test_limits_are_startgates_own() -> None:
    limits = EdgeLimits(request_head_bytes=10_000_000, client_head_s=2.5, upstream_age_s=0)
    found = manager(replace(PLAIN, limits=limits))
    assert found["max_request_headers_kb"] == 8192, "more it does not take"
    assert found["request_headers_timeout"] == "2.5s"
    cluster = bootstrap(replace(PLAIN, limits=limits))["static_resources"]["clusters"][0]
    (options,) = cluster["typed_extension_protocol_options"].values()
    assert "max_connection_duration" not in options["common_http_protocol_options"]


def test_a_proxy_header_stands_before_tls_or_without_it() -> None:
    for front, inner in (
        (PROXY_HEADER, "tls"),
        (replace(PROXY_HEADER, startgate=replace(PLAIN.startgate, proxy_header=True)), "raw"),
    ):
        socket = bootstrap(front)["static_resources"]["clusters"][1]["transport_socket"]
        assert socket["name"] == "proxy_header"
        assert socket["typed_config"]["transport_socket"]["name"] == inner
