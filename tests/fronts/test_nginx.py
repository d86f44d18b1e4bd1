"""The text for nginx. tests/real/test_fronts.py has nginx itself read it."""

from dataclasses import replace

import pytest

from proxy.errors import ConfigError
from proxy.fronts.model import Front
from proxy.fronts.nginx import text
from proxy.settings import EdgeLimits
from tests.fronts.samples import FULL, PLAIN, PROXY_HEADER, TEXTS, TLS, golden


@pytest.mark.parametrize("name", ["nginx-plain.conf", "nginx-full.conf"])
def test_the_text_is_the_golden_one(name: str) -> None:
    assert TEXTS[name] == golden(name)


@pytest.mark.parametrize(
    ("front", "told"),
    [
        (PROXY_HEADER, "listen.proxy_protocol: nginx sends no PROXY header with HTTP"),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, verify="certificate"))), "`certificate` it cannot"),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, verify="fingerprint"))), "`fingerprint` it cannot"),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, fingerprints=("ab",)))), "`fingerprint` it cannot"),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, names=("a", "b")))), "cluster.tls.server_name: "),
        (
            replace(PLAIN, startgate=replace(PLAIN.startgate, tls=replace(TLS, names=("::1",)))),
            "listen.tls.server_name",
        ),
        (replace(PLAIN, certificate="a b", key="k"), "a b: holds a character"),
    ],
)
def test_what_nginx_cannot_do_is_refused(front: Front, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        text(front)
    assert told in str(caught.value)


def test_without_checking_the_nodes() -> None:
    made = text(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, verify="unsafe_none"))))
    assert "proxy_ssl_verify off;" in made
    assert "Anybody may pose as the cluster" in made
    assert "proxy_ssl_trusted_certificate" not in made


def test_the_systems_authorities() -> None:
    made = text(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, ca=None))))
    assert "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;" in made


def test_limits_are_startgates_own() -> None:
    made = text(replace(PLAIN, limits=EdgeLimits(client_head_s=2.5, request_head_bytes=1, upstream_age_s=0)))
    assert "client_header_timeout 2500ms;" in made
    assert "large_client_header_buffers 4 16k;" in made, "a request line has room, too"
    assert "keepalive_time " not in made


def test_the_decision_is_about_the_target_as_it_came() -> None:
    made = text(FULL)
    assert "$request_uri" in made
    for name in ("$uri", "rewrite", "merge_slashes"):
        assert name not in made
    assert all(
        line.endswith(("://startgate_nodes;", "://startgate_edges;"))
        for line in made.splitlines()
        if "proxy_pass" in line
    )
