"""Manifests for Kubernetes: a Gateway API HTTPRoute, or an Ingress for ingress-nginx.

Both match paths by one expression without a negation, and what they match is the path as the controller has made it:
decoded or not, merged or not. `WITHOUT_PIECE` holds for each of these: what a special call is made of survives whatever
a controller does to its path, and what a controller makes out of other targets is judged after it is made.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from proxy.errors import ConfigError, Fault
from proxy.fronts.lines import duration, heading, refuse, written
from proxy.fronts.model import Address, Front
from proxy.fronts.ordinary import SNIFFING, WITHOUT_PIECE

PROGRAM: Final = "ingress"
CONTROLLERS: Final = ("gateway", "nginx")
NODES: Final = Address(host="elasticsearch", port=9200)
STARTGATE: Final = Address(host="startgate", port=9400)

# What Kubernetes takes (apimachinery's `validation`): a label of RFC 1123 for a namespace, one of RFC 1035 for a
# service, labels with dots between them for other names, and such a name with a star before it for a host.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL)
_SERVICE: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_SHAPES: Final = {
    _NAMESPACE: "must be a name of a namespace: at most 63 lower-case letters, digits and '-' (RFC 1123)",
    _SERVICE: "must be a name of a service: at most 63 lower-case letters, digits and '-', a letter first (RFC 1035)",
    _NAME: "must be a name of Kubernetes: lower-case letters, digits, '-' and '.' (RFC 1123)",
    _HOST: "must be a host: lower-case letters, digits, '-' and '.', a leading '*.' for all within (RFC 1123)",
}

Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest names: the controller, the object and its namespace, the host that clients ask for (None: any),
    the Gateway to attach to, the class of an Ingress, the secret with its certificate, and the two services."""

    controller: str = "gateway"
    name: str = "startgate"
    namespace: str = "default"
    host: str | None = None
    gateway: str = "elasticsearch"
    ingress_class: str = "nginx"
    tls_secret: str | None = None
    nodes: Address = NODES
    startgate: Address = STARTGATE


def text(front: Front, manifest: Manifest) -> str:
    """The manifest. Raises ConfigError where the controller cannot do what is asked for."""
    written(front)
    _named(manifest)
    refuse(PROGRAM, list(_cannot(front, manifest)))
    made = _http_route(front, manifest) if manifest.controller == "gateway" else _ingress(front, manifest)
    needs = tuple(_needs(front, manifest))
    return "\n".join([*heading(front, PROGRAM, needs), ""]) + "\n" + yaml.safe_dump(made, sort_keys=False, width=400)


def _named(manifest: Manifest) -> None:
    named = [(_NAME, name) for name in (manifest.name, manifest.gateway, manifest.ingress_class)]
    named += [(_NAMESPACE, manifest.namespace), (_SERVICE, manifest.nodes.host), (_SERVICE, manifest.startgate.host)]
    named += [(_NAME, manifest.tls_secret)] if manifest.tls_secret is not None else []
    named += [(_HOST, manifest.host)] if manifest.host is not None else []
    wrong = {name: _SHAPES[shape] for shape, name in named if not shape.fullmatch(name)}
    if wrong:
        raise ConfigError([Fault(name, shape) for name, shape in wrong.items()])


def _cannot(front: Front, manifest: Manifest) -> Iterator[tuple[str, str]]:
    if SNIFFING in front.hints:
        yield "cluster.sniffing", "rewrite: a manifest cannot lead what sniffing clients ask for to Startgate"
    if front.startgate.proxy_header:
        yield "listen.proxy_protocol", "controllers send no PROXY header: give Startgate an address without it"
    if manifest.controller == "nginx":
        if front.remove:
            why = "an Ingress takes no headers out, so that anybody could say who they are; use the controller gateway"
            yield "identity.trusted_header", why
        if (front.nodes.tls is None) != (front.startgate.tls is None):
            why = "an Ingress speaks to all services in one way: nodes and Startgate must both have TLS, or neither"
            yield "listen.tls", why


def _needs(front: Front, manifest: Manifest) -> Iterator[str]:
    yield (
        f"A NetworkPolicy must let only the controller and Startgate reach {manifest.nodes.host}. Startgate sees the "
        "controller as its peer."
    )
    if manifest.controller == "nginx":
        yield "For ingress-nginx: its paths are expressions of nginx, looked at before the prefix."
        return
    yield (
        "For controllers that support paths of the type RegularExpression, match the whole path, and put them before "
        "prefixes, as Envoy Gateway does."
    )
    if front.nodes.tls is not None or front.startgate.tls is not None:
        yield "How the services' certificates are checked is for a BackendTLSPolicy."


def _http_route(front: Front, manifest: Manifest) -> Block:
    path: Block = {"type": "RegularExpression", "value": WITHOUT_PIECE}
    # A node that answers such a request early reads its body as further requests; some controllers send it on. Of two
    # matches with the same path the one with more headers is looked at first.
    expects = {"type": "RegularExpression", "name": "Expect", "value": ".*"}
    rules = [
        {
            "matches": [match],
            "filters": [
                {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["forwarded", *front.remove]}}
            ],
            "timeouts": {"request": "0s", "backendRequest": "0s"},
            "backendRefs": [{"name": service.host, "port": service.port}],
        }
        for match, service in (
            ({"path": dict(path), "headers": [expects]}, manifest.startgate),
            ({"path": path}, manifest.nodes),
            ({"path": {"type": "PathPrefix", "value": "/"}}, manifest.startgate),
        )
    ]
    spec: Block = {"parentRefs": [{"name": manifest.gateway}]}
    if manifest.host is not None:
        spec["hostnames"] = [manifest.host]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": manifest.name, "namespace": manifest.namespace},
        "spec": {**spec, "rules": rules},
    }


def _ingress(front: Front, manifest: Manifest) -> Block:
    seconds = duration(front.answer_s).removesuffix("s")
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = {
        "use-regex": "true",
        "backend-protocol": "HTTPS" if front.nodes.tls is not None else "HTTP",
        "proxy-body-size": "0",
        "proxy-request-buffering": "off",
        "proxy-read-timeout": seconds,
        "proxy-send-timeout": seconds,
        "proxy-next-upstream": "error",
        "proxy-buffer-size": "128k",
    }
    paths = [
        {
            "path": path,
            "pathType": "ImplementationSpecific",
            "backend": {"service": {"name": service.host, "port": {"number": service.port}}},
        }
        for path, service in ((f"{WITHOUT_PIECE}$", manifest.nodes), ("/", manifest.startgate))
    ]
    rule: Block = {"http": {"paths": paths}}
    spec: Block = {"ingressClassName": manifest.ingress_class}
    if manifest.host is not None:
        rule = {"host": manifest.host, **rule}
    if manifest.tls_secret is not None:
        hosts = {"hosts": [manifest.host]} if manifest.host is not None else {}
        spec["tls"] = [{**hosts, "secretName": manifest.tls_secret}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": manifest.name,
            "namespace": manifest.namespace,
            "annotations": {prefix + name: value for name, value in annotations.items()},
        },
        "spec": {**spec, "rules": [rule]},
    }


def service(written_as: str, option: str) -> Address:
    """`name:port` of a service. Raises ConfigError."""
    name, colon, port = written_as.rpartition(":")
    if not colon or not name or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError([Fault(option, f"must be NAME:PORT of a service, and is {written_as!r}")])
    return Address(host=name, port=int(port))
