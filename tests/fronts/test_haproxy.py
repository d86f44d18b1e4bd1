"""The text for HAProxy. tests/real/test_fronts.py has HAProxy itself read it."""

from dataclasses import replace

import pytest

from proxy.errors import ConfigError
from proxy.fronts.haproxy import text
from proxy.fronts.model import Front
from proxy.settings import EdgeLimits
from tests.fronts.samples import FULL, PLAIN, TEXTS, TLS, golden


@pytest.mark.parametrize("name", ["haproxy-plain.cfg", "haproxy-full.cfg"])
def test_the_text_is_the_golden_one(name: str) -> None:
    assert TEXTS[name] == golden(name)


@pytest.mark.parametrize(
    ("front", "told"),
    [
        (
            replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, verify="fingerprint"))),
            "cluster.tls.fingerprint: ",
        ),
        (
            replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, fingerprints=("a",)))),
            "cluster.tls.fingerprint: ",
        ),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, names=("a", "::1")))), "cluster.tls.server_name: "),
        (replace(FULL, key="/elsewhere"), "--key: HAProxy wants the key in the certificate's own file"),
        (
            replace(PLAIN, startgate=replace(PLAIN.startgate, tls=replace(TLS, certificate="/c", key="/k"))),
            "listen.tls.key: HAProxy wants the key",
        ),
        (replace(PLAIN, remove=("a b",)), "a b: holds a character"),
    ],
)
def test_what_haproxy_cannot_do_is_refused(front: Front, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        text(front)
    assert told in str(caught.value)


@pytest.mark.parametrize("key", ["/c", "/c.key"])
def test_where_a_key_may_lie(key: str) -> None:
    assert "ssl crt /c ssl-min-ver" in text(replace(PLAIN, certificate="/c", key=key))


@pytest.mark.parametrize(
    ("verify", "said"),
    [
        ("full", "verify required ca-file /etc/es/ca.crt verifyhost es.example.org sni str(es.example.org)"),
        ("certificate", "verify required ca-file /etc/es/ca.crt sni str(es.example.org)"),
        ("unsafe_none", "verify none sni str(es.example.org)"),
    ],
)
def test_how_nodes_are_checked(verify: str, said: str) -> None:
    assert said in text(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, verify=verify))))


def test_the_systems_authorities() -> None:
    assert "ca-file @system-ca" in text(replace(PLAIN, nodes=replace(PLAIN.nodes, tls=replace(TLS, ca=None))))


def test_http2_is_not_spoken_unasked() -> None:
    assert "option disable-h2-upgrade" in text(PLAIN)
    assert "alpn http/1.1" in text(replace(PLAIN, certificate="/c", key="/c"))
    made = text(replace(PLAIN, certificate="/c", key="/c", http2=True))
    assert "alpn h2,http/1.1" in made
    assert "acl origin_form fc_http_major 2" in made
    assert "disable-h2-upgrade" not in made


def test_a_head_has_room() -> None:
    made = text(replace(PLAIN, limits=EdgeLimits(request_head_bytes=100_000, request_line_bytes=5_000, headers=50_000)))
    assert "tune.bufsize 109096" in made
    assert "tune.http.maxhdr 32767" in made, "more it does not take"
