"""From the configuration to a front, or to every fault."""

from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.fronts.model import Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import HINTS
from proxy.fronts.plan import Site, Wishes, is_address, planned
from proxy.settings import CertificateNames, ClusterTls, IdentitySettings, Listen, ListenTls, TrustedHeader
from tests.fronts.samples import at

SECURE = ListenTls(certificate="c", key="k")


def site(**more: Any) -> Site:
    """Startgate on the loopback."""
    return Site(**{"listen": (Listen(host="127.0.0.1", port=9400),), "nodes": ("http://127.0.0.1:9200",), **more})


def listening(**more: Any) -> tuple[Listen, ...]:
    """One address of Startgate's."""
    return (Listen(**{"host": "127.0.0.1", "port": 9400, **more}),)


def faults(site: Site, wishes: Wishes) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        planned(site, wishes)
    return [str(fault) for fault in caught.value.faults]


def test_the_defaults() -> None:
    front = planned(site(), Wishes())
    assert front == Front(
        listen=at("0.0.0.0", 9200),
        nodes=Upstream(servers=(at("127.0.0.1", 9200),)),
        startgate=Upstream(servers=(at("127.0.0.1", 9400),)),
    )
    assert front.hints == HINTS


def test_tls_to_the_nodes_is_the_clusters() -> None:
    tls = ClusterTls(ca="/ca", certificate="/c", key="/k", min_version="1.3")
    nodes = ("https://es-1:9200", "https://[fd00::1]:9201")
    upstream = planned(site(nodes=nodes, cluster_tls=tls), Wishes()).nodes
    assert upstream.servers == (at("es-1", 9200), at("fd00::1", 9201))
    assert upstream.tls == UpstreamTls(
        ca="/ca", names=("es-1", "fd00::1"), certificate="/c", key="/k", min_version="1.3"
    )


@pytest.mark.parametrize(
    ("nodes", "tls", "names", "server_name"),
    [
        (("https://es:1", "https://es:2"), ClusterTls(), ("es",), "es"),
        (("https://10.0.0.1:1",), ClusterTls(), ("10.0.0.1",), None),
        (("https://10.0.0.1:1",), ClusterTls(server_name="es"), ("es",), "es"),
        (("https://es:1",), ClusterTls(verify="certificate"), (), "es"),
        (("https://a:1", "https://b:1"), ClusterTls(), ("a", "b"), None),
    ],
)
def test_which_names_are_checked(
    nodes: tuple[str, ...], tls: ClusterTls, names: tuple[str, ...], server_name: str | None
) -> None:
    made = planned(site(nodes=nodes, cluster_tls=tls), Wishes()).nodes.tls
    assert made is not None
    assert (made.names, made.server_name, made.verify) == (names, server_name, tls.verify)


def test_startgate_is_where_it_is_said_to_be() -> None:
    listen = (*listening(host="0.0.0.0"), *listening(port=9443, tls=SECURE, proxy_protocol=("10.0.0.0/8",)))
    wishes = Wishes(startgate=(at("gate-1", 9443), at("gate-2", 9443)), startgate_ca="/ca")
    upstream = planned(site(listen=listen), wishes).startgate
    assert upstream.servers == wishes.startgate
    assert upstream.proxy_header, "the address with that port has it"
    assert upstream.tls == UpstreamTls(ca="/ca", names=("gate-1", "gate-2"))


def test_a_name_for_all_of_startgate() -> None:
    wishes = Wishes(
        startgate=(at("10.0.0.1", 9400),), startgate_name="gate", startgate_certificate="/c", startgate_key="/k"
    )
    wanted = ListenTls(certificate="c", key="k", client_ca="ca", min_version="1.3")
    upstream = planned(site(listen=listening(tls=wanted)), wishes).startgate
    assert upstream.tls == UpstreamTls(
        names=("gate",), server_name="gate", certificate="/c", key="/k", min_version="1.3"
    )


def test_sniffing_that_is_rewritten_is_left_to_startgate() -> None:
    assert planned(site(sniffing="rewrite"), Wishes()).hints == ("data_frame", "_nodes")


@pytest.mark.parametrize(("roles", "names"), [(None, ("X-User",)), ("X-Roles", ("X-User", "X-Roles"))])
def test_headers_that_are_believed_are_taken_out(roles: str | None, names: tuple[str, ...]) -> None:
    header = TrustedHeader(name="X-User", peers=("10.0.0.5/32",), roles_header=roles)
    assert planned(site(identity=IdentitySettings(header=header)), Wishes()).remove == names


@pytest.mark.parametrize(
    ("given", "wishes", "told"),
    [
        ({"listen": listening(host="0.0.0.0")}, Wishes(), "listen: 0.0.0.0:9400 stands for every address"),
        ({"listen": listening(host="::")}, Wishes(), "listen: [::]:9400 stands for every address"),
        ({}, Wishes(startgate=(at("::", 9400),)), "--startgate: [::]:9400 stands for every address"),
        ({"listen": listening(port=0)}, Wishes(), "listen: has port 0: a front must know the port"),
        ({}, Wishes(listen=at("::1", 0)), "--listen: must name a port"),
        ({"nodes": ("http://a:1", "https://b:1")}, Wishes(), "cluster.nodes: are partly http:// and partly https://"),
        ({}, Wishes(certificate="/c"), "--certificate: needs --key"),
        ({}, Wishes(key="/k"), "--certificate: needs --key"),
        ({}, Wishes(http2=True), "--http2: needs --certificate"),
        ({}, Wishes(startgate_ca="/ca"), "--startgate-ca: means nothing: Startgate speaks without TLS"),
        ({}, Wishes(startgate_name="gate"), "--startgate-name: means nothing"),
        (
            {"listen": listening(host="gate", tls=SECURE)},
            Wishes(startgate_certificate="/c"),
            "--startgate-certificate: needs --startgate-key",
        ),
        ({"listen": listening(tls=SECURE)}, Wishes(), "--startgate: 127.0.0.1:9400 has TLS and is no name"),
        (
            {"listen": listening(host="gate", tls=ListenTls(certificate="c", key="k", client_ca="ca"))},
            Wishes(),
            "listen.tls.client_ca: asks every client for a certificate: give --startgate-certificate",
        ),
        (
            {"identity": IdentitySettings(certificates=CertificateNames(username="cn"))},
            Wishes(),
            "identity.client_certificates: cannot be used behind a front",
        ),
    ],
)
def test_what_cannot_be_is_told(given: dict[str, Any], wishes: Wishes, told: str) -> None:
    (fault,) = faults(site(**given), wishes)
    assert fault.startswith(told)


def test_optional_client_certificates_need_none() -> None:
    tls = ListenTls(certificate="c", key="k", client_ca="ca", client_certificates="optional")
    assert planned(site(listen=listening(host="gate", tls=tls)), Wishes()).startgate.tls is not None


def test_all_faults_are_told_at_once() -> None:
    given = site(listen=listening(port=0), nodes=("http://a:1", "https://b:1"))
    assert len(faults(given, Wishes(certificate="/c", http2=False))) == 3


@pytest.mark.parametrize(("host", "answer"), [("10.0.0.1", True), ("fd00::1", True), ("es", False), ("10.0.0", False)])
def test_names_and_addresses(host: str, answer: bool) -> None:
    assert is_address(host) is answer
