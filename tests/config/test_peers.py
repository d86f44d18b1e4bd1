"""`cluster.tls` and `forwarded`: what is taken, and what contradicts itself is refused with its place."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import load
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, Forwarded
from tests.config.pem import Pem

DIGEST = "3c0e" * 16
COLONS = ":".join(["3C", "0E"] * 16)
HTTPS = "cluster: {nodes: ['https://a:1'], tls: {%s}}"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes `startgate.yml` into the test's folder."""

    def write(text: str) -> Path:
        path = tmp_path / "startgate.yml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


def faults(path: Path) -> list[str]:
    """Every fault, without the file."""
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def test_all_of_it(write: Write, pem: Pem) -> None:
    text = (
        f"fingerprint: ['{COLONS}', {DIGEST}], server_name: es.example.org, certificate: {pem.certificate}, "
        f"key: {pem.key}, min_version: 1.2, max_version: '1.3', verify: certificate, ca: {pem.ca}"
    )
    assert load(write(HTTPS % text), {}).cluster_tls == ClusterTls(
        ca=str(pem.ca),
        verify="certificate",
        fingerprints=(DIGEST, DIGEST),
        server_name="es.example.org",
        certificate=str(pem.certificate),
        key=str(pem.key),
        min_version="1.2",
        max_version="1.3",
    )


def test_a_fingerprint_alone(write: Write) -> None:
    tls = load(write(HTTPS % f"verify: fingerprint, fingerprint: {DIGEST}"), {}).cluster_tls
    assert (tls.verify, tls.fingerprints) == ("fingerprint", (DIGEST,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("verify: fingerprint", "cluster.tls.verify: fingerprint needs cluster.tls.fingerprint"),
        (
            "fingerprint: ab:cd",
            "cluster.tls.fingerprint: must be the SHA-256 fingerprint of a node's certificate",
        ),
        (f"fingerprint: {DIGEST[:-1]}g", "cluster.tls.fingerprint: must be the SHA-256"),
        (f"verify: unsafe_none, fingerprint: {DIGEST}", "cluster.tls.fingerprint: means nothing with verify"),
        (
            f"verify: fingerprint, fingerprint: {DIGEST}, ca: CA",
            "cluster.tls.ca: means nothing with verify: fingerprint",
        ),
        ("server_name: 'es:9200'", "cluster.tls.server_name: must be a host name without a port"),
        ("server_name: 'https://es'", "cluster.tls.server_name: must be a host name"),
        ("certificate: CERTIFICATE", "cluster.tls.certificate: needs cluster.tls.key"),
        ("key: KEY", "cluster.tls.key: needs cluster.tls.certificate"),
        ("certificate: nowhere.pem, key: KEY", "nowhere.pem cannot be read"),
        ("certificate: CERTIFICATE, key: OTHER", "is not the key of the certificate in"),
        ("certificate: KEY, key: KEY", "holds no certificate in PEM form"),
        ("min_version: 1.1", "cluster.tls.min_version: must be one of 1.2, 1.3, and is '1.1'"),
        ("max_version: TLSv1.3", "cluster.tls.max_version: must be one of 1.2, 1.3, and is 'TLSv1.3'"),
        ("min_version: 1.3, max_version: 1.2", "cluster.tls.min_version: is above max_version"),
    ],
)
def test_faults_of_the_way_to_the_cluster(write: Write, pem: Pem, text: str, told: str) -> None:
    places = {"CERTIFICATE": pem.certificate, "OTHER": pem.other_key, "KEY": pem.key, "CA": pem.ca}
    for name, path in places.items():
        text = text.replace(f" {name}", f" {path}")
    (only,) = faults(write(HTTPS % text))
    assert told in only
    assert re.match(r"1:\d+: ", only)


def test_every_key_of_it_needs_https(write: Write) -> None:
    found = faults(write("cluster: {nodes: ['http://a:1'], tls: {server_name: es, min_version: 1.3}}"))
    assert len(found) == 2
    assert all("means nothing here: no node of cluster.nodes begins with https://" in one for one in found)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{}", Forwarded()),
        ("{mode: keep}", Forwarded()),
        ("{mode: replace}", Forwarded(mode="replace")),
        (
            "{mode: append, peers: [10.0.0.5, 10.1.0.0/16]}",
            Forwarded(mode="append", peers=("10.0.0.5/32", "10.1.0.0/16")),
        ),
    ],
)
def test_forwarded(write: Write, text: str, made: Forwarded) -> None:
    assert load(write(f"forwarded: {text}"), {}).forwarded == made
    assert load(write(f"forwarded: {text}"), {}).edge_settings("/s").forwarded == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{mode: add}", "1:19: forwarded.mode: must be one of keep, append, replace, and is 'add'"),
        ("{mode: append}", "1:19: forwarded.mode: append needs forwarded.peers"),
        ("{peers: 10.0.0.5}", "1:20: forwarded.peers: means nothing with mode: keep"),
        ("{mode: append, peers: 0.0.0.0/0}", "is every address"),
        ("{mode: append, peers: front}", "must be an address or a network"),
        ("{mod: keep}", "unknown key 'forwarded.mod' (did you mean 'mode'?)"),
    ],
)
def test_faults_of_forwarded(write: Write, text: str, told: str) -> None:
    (only,) = faults(write(f"forwarded: {text}"))
    assert told in only


def test_listeners(write: Write, pem: Pem, tmp_path: Path) -> None:
    text = """
    listen:
      - address: 127.0.0.1:9443
        tls: {{certificate: [{c}, {c}], key: [{k}, {k}], min_version: 1.3}}
        proxy_protocol: [10.0.0.5]
    """
    (one,) = load(write(text.format(c=pem.certificate, k=pem.key)), {}).listen
    assert one.proxy_protocol == ("10.0.0.5/32",)
    assert one.tls is not None
    assert one.tls.more == ((str(pem.certificate), str(pem.key)),)
    assert (one.tls.min_version, one.tls.max_version) == ("1.3", "1.3")


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        (
            "certificate: [C, C], key: K",
            "certificate and key must name as many files, in the same order, and name 2 and 1",
        ),
        ("certificate: [C, C], key: [K, OTHER]", "is not the key of the certificate in"),
        ("certificate: C, key: K, min_version: 1.3, max_version: 1.2", "min_version is above max_version"),
        ("certificate: C, key: K, min_version: 1.0", "must be one of 1.2, 1.3, and is '1.0'"),
    ],
)
def test_faults_of_listeners(write: Write, pem: Pem, tls: str, told: str) -> None:
    for name, path in {"OTHER": pem.other_key, "C": pem.certificate, "K": pem.key}.items():
        tls = tls.replace(f" {name}", f" {path}").replace(f"[{name},", f"[{path},")
    (only,) = faults(write(f"listen: {{address: 'a:1', tls: {{{tls}}}}}"))
    assert told in only
    assert only.startswith("1:")


def test_fronts_must_be_named(write: Write) -> None:
    (only,) = faults(write("listen: {address: 'a:1', proxy_protocol: ['0.0.0.0/0']}"))
    assert only.startswith("1:43: listen: 0.0.0.0/0 is every address")
