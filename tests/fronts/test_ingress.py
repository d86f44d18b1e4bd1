"""Manifests. tests/real/test_fronts_fuzz.py tries their expressions in the programs that controllers run."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from proxy.errors import ConfigError
from proxy.fronts.ingress import Manifest, service, text
from proxy.fronts.model import Front
from proxy.fronts.ordinary import HINTS, SNIFFING, WITHOUT_PIECE
from tests.fronts.samples import FULL, PLAIN, PROXY_HEADER, TEXTS, TLS, at, golden


@pytest.mark.parametrize("name", ["gateway.yaml", "ingress-nginx.yaml"])
def test_the_text_is_the_golden_one(name: str) -> None:
    assert TEXTS[name] == golden(name)
    assert "&id" not in TEXTS[name], "people read it"


def test_a_route_leads_what_is_left_to_startgate() -> None:
    made = yaml.safe_load(text(PLAIN, Manifest(gateway="front", startgate=at("gate", 1), nodes=at("es", 2))))
    expects, first, second = made["spec"]["rules"]
    (match,) = expects["matches"]
    assert (match["path"], match["headers"][0]["name"]) == (first["matches"][0]["path"], "Expect")
    assert expects["backendRefs"] == [{"name": "gate", "port": 1}]
    assert first["matches"] == [{"path": {"type": "RegularExpression", "value": WITHOUT_PIECE}}]
    assert first["backendRefs"] == [{"name": "es", "port": 2}]
    assert second["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert second["backendRefs"] == [{"name": "gate", "port": 1}]
    assert made["spec"]["parentRefs"] == [{"name": "front"}]
    assert "hostnames" not in made["spec"]


def test_an_ingress_is_anchored_and_looked_at_before_what_is_left() -> None:
    made = yaml.safe_load(text(PLAIN, Manifest(controller="nginx", tls_secret="s")))
    first, second = made["spec"]["rules"][0]["http"]["paths"]
    # The controller orders expressions by their length, the longest first, and puts ^ before each.
    assert first["path"] == f"{WITHOUT_PIECE}$"
    assert len(first["path"]) > len(second["path"])
    assert re.match(f"^{first['path']}", "/_ml/data_frame/analytics", re.IGNORECASE) is None
    assert re.match(f"^{first['path']}", "/logs/_search", re.IGNORECASE)
    assert second["path"] == "/"
    assert made["spec"]["tls"] == [{"secretName": "s"}]


@pytest.mark.parametrize(
    ("front", "controller", "told"),
    [
        (replace(PLAIN, hints=(*HINTS, SNIFFING)), "gateway", "cluster.sniffing: rewrite"),
        (replace(PROXY_HEADER, hints=HINTS), "gateway", "listen.proxy_protocol: "),
        (replace(PLAIN, remove=("X-User",)), "nginx", "identity.trusted_header: an Ingress takes no headers out"),
        (replace(PLAIN, nodes=replace(PLAIN.nodes, tls=TLS)), "nginx", "listen.tls: an Ingress speaks to all services"),
        (replace(PLAIN, remove=("a b",)), "gateway", "a b: holds a character"),
    ],
)
def test_what_a_controller_cannot_do_is_refused(front: Front, controller: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        text(front, Manifest(controller=controller))
    assert str(caught.value).startswith(told)


def test_tls_to_the_services() -> None:
    secure = replace(FULL, hints=HINTS, remove=())
    assert "backend-protocol: HTTPS" in text(secure, Manifest(controller="nginx"))
    assert "BackendTLSPolicy" in text(secure, Manifest())


@pytest.mark.parametrize("bad", ["es", "es:", ":1", "es:0", "es:65536", "es:x", "es:²"])
def test_what_is_no_service_is_told(bad: str) -> None:
    with pytest.raises(ConfigError, match=r"^--nodes-service: must be NAME:PORT of a service, and is '"):
        service(bad, "--nodes-service")


def test_services() -> None:
    assert service("es:9200", "--nodes-service") == at("es", 9200)


@pytest.mark.parametrize("bad", ["a b", "A", "-a", "a-", "", "a_b", "a\n", "a" * 254])
def test_names_are_those_of_kubernetes(bad: str) -> None:
    good = Manifest(host="*.example.org", tls_secret="es.tls")
    text(PLAIN, good)
    for wrong in (
        replace(good, name=bad),
        replace(good, namespace=bad),
        replace(good, gateway=bad),
        replace(good, ingress_class=bad),
        replace(good, host=bad),
        replace(good, tls_secret=bad),
        replace(good, nodes=at(bad, 1)),
        replace(good, startgate=at(bad, 1)),
    ):
        with pytest.raises(ConfigError, match=r"must be a (name|host)"):
            text(PLAIN, wrong)


@pytest.mark.parametrize(
    ("wrong", "shape"),
    [
        ({"namespace": "a.b"}, "name of a namespace"),
        ({"namespace": "a" * 64}, "name of a namespace"),
        ({"nodes": at("es.search", 1)}, "name of a service"),
        ({"startgate": at("1gate", 1)}, "name of a service"),
        ({"startgate": at("a" * 64, 1)}, "name of a service"),
        ({"host": "a..b"}, "host"),
        ({"host": "*.*.b"}, "host"),
        ({"host": f"{'a' * 64}.b"}, "host"),
        ({"name": "a.-b"}, "name of Kubernetes"),
    ],
)
def test_each_kind_of_name_has_its_own_shape(wrong: dict[str, Any], shape: str) -> None:
    with pytest.raises(ConfigError, match=f"must be a {shape}"):
        text(PLAIN, replace(Manifest(), **wrong))


def test_names_as_long_as_they_may_be() -> None:
    label = "a" * 63
    longest = ".".join([label, label, label, "a" * 61])
    manifest = Manifest(name=longest, namespace=label, host=longest, nodes=at(label, 1), startgate=at(label, 1))
    assert yaml.safe_load(text(PLAIN, manifest))["metadata"] == {"name": longest, "namespace": label}
