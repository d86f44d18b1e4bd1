"""Fronts that the tests of each text share, and the golden files.

`python -m tests.fronts.samples` writes the golden files anew; look at the difference before it is committed.
"""

from dataclasses import replace
from pathlib import Path

from proxy.fronts import envoy, haproxy, ingress, nginx
from proxy.fronts.model import Address, Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import HINTS, SNIFFING

GOLDEN = Path(__file__).parent / "golden"


def at(host: str, port: int) -> Address:
    """An address."""
    return Address(host=host, port=port)


PLAIN = Front(
    listen=at("127.0.0.1", 9200),
    nodes=Upstream(servers=(at("127.0.0.1", 9201),)),
    startgate=Upstream(servers=(at("127.0.0.1", 9400),)),
)
TLS = UpstreamTls(ca="/etc/es/ca.crt", names=("es.example.org",), server_name="es.example.org")
# All that can be asked for at once, of all of them.
FULL = Front(
    listen=at("0.0.0.0", 9243),
    nodes=Upstream(
        servers=(at("10.0.0.1", 9200), at("10.0.0.2", 9200), at("fd00::3", 9200)),
        tls=replace(TLS, certificate="/etc/front/es.crt", key="/etc/front/es.crt.key", min_version="1.3"),
    ),
    startgate=Upstream(
        servers=(at("gate-1.example.org", 9443), at("gate-2.example.org", 9443)),
        tls=replace(TLS, ca="/etc/front/ca.crt", names=("gate.example.org",), server_name="gate.example.org"),
    ),
    certificate="/etc/front/site.pem",
    key="/etc/front/site.pem.key",
    http2=True,
    remove=("X-User", "X-Roles"),
    hints=(*HINTS, SNIFFING),
)
# With a PROXY header, which nginx cannot send.
PROXY_HEADER = replace(FULL, startgate=replace(FULL.startgate, proxy_header=True))

TEXTS = {
    "nginx-plain.conf": nginx.text(PLAIN),
    "nginx-full.conf": nginx.text(FULL),
    "haproxy-plain.cfg": haproxy.text(PLAIN),
    "haproxy-full.cfg": haproxy.text(PROXY_HEADER),
    "envoy-plain.yaml": envoy.text(PLAIN),
    "envoy-full.yaml": envoy.text(PROXY_HEADER),
    "gateway.yaml": ingress.text(replace(PLAIN, remove=("X-User",)), ingress.Manifest(host="es.example.org")),
    "ingress-nginx.yaml": ingress.text(
        PLAIN,
        ingress.Manifest(controller="nginx", host="es.example.org", tls_secret="es-tls", namespace="search"),
    ),
}


def golden(name: str) -> str:
    """What a text must be."""
    return (GOLDEN / name).read_text()


if __name__ == "__main__":
    for _name, _text in TEXTS.items():
        (GOLDEN / _name).write_text(_text)
