"""`startgate export ingress`: the API's own types take its manifests strictly, whatever is asked for."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.commands.running import invoke
from tests.deploy.chart.checker import NEWEST, Outcome, Question, answered, marked
from tests.deploy.neighbours import certificate

# The first that serves NetworkPolicies and Ingresses as this repository's chart asks for them, and the newest.
VERSIONS = ("1.27.0", NEWEST)
NAMED = "--name es-gate --namespace search --nodes-service es-http:9201 --startgate-service gate:443"
OPTIONS = {
    "gateway": "",
    "gateway for a host": "--host es.example.org",
    "gateway for many hosts": "--host *.example.org",
    "gateway named": f"{NAMED} --gateway front --host es.example.org",
    "ingress": "--controller nginx",
    "ingress for a host": "--controller nginx --host es.example.org",
    "ingress for many hosts": "--controller nginx --host *.example.org --tls-secret es-tls",
    "ingress with a certificate": "--controller nginx --tls-secret es-tls",
    "ingress named": f"{NAMED} --controller nginx --class inner --host es.example.org --tls-secret es.tls",
}
_TLS = """\
listen:
  - {address: 0.0.0.0:9400, tls: {certificate: tls.crt, key: tls.key}}
cluster: {nodes: [https://es:9200]}
"""
# With another configuration there is more in the text, or something else.
CONFIGURED = {
    "gateway with headers": (
        "",
        "identity: {trusted_header: {name: X-User, roles_header: X-Roles, peers: [10.0.0.0/8]}}",
    ),
    "gateway with TLS behind": ("", _TLS),
    "ingress with TLS behind": ("--controller nginx", _TLS),
}
GOOD = [*OPTIONS, *CONFIGURED]


class Slip(NamedTuple):
    """What is changed in a good manifest, and what has to be told of it."""

    good: str
    was: str
    becomes: str
    told: str
    version: str = NEWEST


SLIPS = {
    "unknown field": Slip("ingress", "ingressClassName:", "ingressClass:", 'unknown field "spec.ingressClass"'),
    "case": Slip("ingress", "pathType:", "pathtype:", "pathtype"),
    "deep field": Slip("ingress", "            number:", "            nummer:", "service.port.nummer"),
    "text for a number": Slip("ingress", "number: 9200", "number: '9200'", "cannot unmarshal string"),
    "bool for a text": Slip("ingress", "use-regex: 'true'", "use-regex: true", "cannot unmarshal bool"),
    "doubled": Slip("ingress", "  name: startgate\n", "  name: startgate\n  name: es\n", 'key "name" already set'),
    "kind": Slip("ingress", "kind: Ingress", "kind: Ingres", 'no kind "Ingres" is registered'),
    "no such version": Slip("ingress", "k8s.io/v1", "k8s.io/v2", "is registered for version"),
    "removed version": Slip("ingress class", "k8s.io/v1\n", "k8s.io/v1beta1\n", "unavailable in v1.22+"),
    "not there yet": Slip("service cidr", "name: a", "name: b", "is served from 1.33 on", version="1.32.0"),
    "path type": Slip("ingress", "ImplementationSpecific", "Regex", "pathType: Regex is none"),
    "path": Slip("ingress", "path: /\n", "path: all\n", 'path: "all" does not begin with /'),
    "host": Slip("ingress for a host", "host: es.example.org", "host: es..org", "host: a lowercase RFC 1123"),
    "service": Slip("ingress", "name: elasticsearch", "name: es.search", "backend.service.name: a DNS-1035 label"),
    "namespace": Slip("ingress", "namespace: default", "namespace: a.b", "metadata.namespace: must not contain dots"),
    "port": Slip("ingress", "number: 9200", "number: 92000", "backend.service.port: must be between"),
    "route's unknown field": Slip("gateway", "parentRefs:", "parents:", 'unknown field "spec.parents"'),
    "route's deep field": Slip("gateway", "backendRequest:", "backend:", "timeouts.backend"),
    "route's type": Slip("gateway", "port: 9200", "port: '9200'", "cannot unmarshal string"),
    "route's doubled": Slip("gateway", "      request: 0s\n", "      request: 0s\n      request: 1s\n", "already set"),
    "route's group": Slip("gateway", "gateway.networking.k8s.io/v1", "networking.k8s.io/v1", 'no kind "HTTPRoute"'),
    "route's path type": Slip("gateway", "type: RegularExpression", "type: Regex", 'path.type: "Regex" is none of'),
    "route's path": Slip("gateway", "value: /[", f"value: /{'a' * 1024}[", "path.value: must be 1 to 1024 long"),
    "route's header": Slip("gateway", "name: Expect", "name: Ex pect", "headers.name: "),
    "route's filter": Slip("gateway", "type: RequestHeaderModifier", "type: RequestHeaders", "filters.type: "),
    "route's filter's field": Slip("gateway", "requestHeaderModifier:", "requestHeader:", "filters[0].requestHeader"),
    "route's time": Slip("gateway", "request: 0s", "request: '0'", 'timeouts: "0" does not match'),
    "route's port": Slip("gateway", "      port: 9200\n", "", "backendRefs.port is needed"),
    "route's host": Slip("gateway for a host", "- es.example.org", "- es_example", "hostnames: a lowercase RFC 1123"),
}
# Good where they are of use, and never exported.
OTHERS = {
    "ingress class": "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: a}\n",
    "service cidr": "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a}\n",
}


def exported(name: str, folder: Path) -> str:
    """The text that the command prints."""
    options, config = CONFIGURED[name] if name in CONFIGURED else (OPTIONS[name], "listen: 0.0.0.0:9400\n")
    path = folder / "startgate.yml"
    path.write_text(config)
    certificate(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    result = invoke("export", "ingress", "--config", str(path), *options.split())
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(name="made", scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """What came of each manifest, by its name and the version; and of the slips."""
    texts = OTHERS | {name: exported(name, tmp_path_factory.mktemp("config")) for name in GOOD}
    questions = {
        f"{name} {version}": Question(manifest=texts[name], version=version)
        for name, version in itertools.product(texts, VERSIONS)
    }
    for name, slip in SLIPS.items():
        assert slip.was in texts[slip.good], slip
        spoilt = texts[slip.good].replace(slip.was, slip.becomes, 1)
        questions[name] = Question(manifest=spoilt, version=slip.version)
    return answered(questions)


@marked
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", GOOD)
def test_the_api_takes_what_is_exported(made: Mapping[str, Outcome], name: str, version: str) -> None:
    found = made[f"{name} {version}"]
    assert found.faults == []
    assert found.kinds == {"Ingress" if name.startswith("ingress") else "HTTPRoute"}


@marked
@pytest.mark.parametrize("name", OTHERS)
def test_the_api_takes_what_slips_are_made_of(made: Mapping[str, Outcome], name: str) -> None:
    assert made[f"{name} {NEWEST}"].faults == []


@marked
def test_what_is_asked_for_is_in_it(made: Mapping[str, Outcome]) -> None:
    for name, kind in (("gateway named", "HTTPRoute"), ("ingress named", "Ingress")):
        found = made[f"{name} {NEWEST}"].one(kind)
        assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("es-gate", "search")
    (removed,) = {
        tuple(one["requestHeaderModifier"]["remove"])
        for rule in made[f"gateway with headers {NEWEST}"].one("HTTPRoute")["spec"]["rules"]
        for one in rule["filters"]
    }
    assert {"X-User", "X-Roles"} <= set(removed)
    annotations = made[f"ingress with TLS behind {NEWEST}"].one("Ingress")["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/backend-protocol"] == "HTTPS"


@marked
@pytest.mark.parametrize("slip", SLIPS)
def test_slips_would_be_found(made: Mapping[str, Outcome], slip: str) -> None:
    assert made[slip].objects == []
    assert SLIPS[slip].told in "\n".join(made[slip].faults)
