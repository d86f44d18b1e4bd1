"""From Startgate's own settings, and what an operator asks for, to a `Front`; with every fault at once."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxy.errors import ConfigError, Fault
from proxy.fronts.model import ANSWER_S, Address, Front, Upstream, UpstreamTls
from proxy.fronts.ordinary import HINTS, SNIFFING
from proxy.settings import ClusterTls, EdgeLimits, IdentitySettings, Listen, ListenTls

DEFAULT_LISTEN = Address(host="0.0.0.0", port=9200)  # noqa: S104 -- a front is for everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What Startgate is configured with, as far as a front has to do with it."""

    listen: tuple[Listen, ...]
    nodes: tuple[str, ...]
    cluster_tls: ClusterTls = field(default_factory=ClusterTls)
    sniffing: str = "pass"
    identity: IdentitySettings | None = None
    limits: EdgeLimits = field(default_factory=EdgeLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the operator asks for beside it. `startgate` are addresses as the front reaches them, empty for the one that
    Startgate listens on; `startgate_ca`, `startgate_name`, `startgate_certificate` and `startgate_key` are for TLS to
    it; `answer_s` is how long an answer may take."""

    listen: Address = DEFAULT_LISTEN
    certificate: str | None = None
    key: str | None = None
    http2: bool = False
    startgate: tuple[Address, ...] = ()
    startgate_ca: str | None = None
    startgate_name: str | None = None
    startgate_certificate: str | None = None
    startgate_key: str | None = None
    answer_s: float = ANSWER_S


def planned(site: Site, wishes: Wishes) -> Front:
    """The front that is asked for. Raises ConfigError with every fault."""
    faults = [*_pairs(wishes), *_of_clients(site, wishes), *_of_nodes(site)]
    listen = _listener(site.listen, wishes.startgate)
    servers = wishes.startgate or (Address(host=listen.host, port=listen.port),)
    faults += _of_startgate(listen, servers, wishes)
    if faults:
        raise ConfigError(faults)
    header = site.identity.header if site.identity is not None else None
    remove = () if header is None else tuple(filter(None, (header.name, header.roles_header)))
    return Front(
        listen=wishes.listen,
        nodes=_nodes(site),
        startgate=Upstream(
            servers=servers,
            tls=None if listen.tls is None else _startgate_tls(listen.tls, servers, wishes),
            proxy_header=bool(listen.proxy_protocol),
        ),
        certificate=wishes.certificate,
        key=wishes.key,
        http2=wishes.http2,
        remove=remove,
        hints=(*HINTS, SNIFFING) if site.sniffing == "rewrite" else HINTS,
        limits=site.limits,
        answer_s=wishes.answer_s,
    )


def is_address(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _listener(listen: tuple[Listen, ...], startgate: tuple[Address, ...]) -> Listen:
    """The address of Startgate's that the front connects to: the one with the port that is named, else the first."""
    ports = {address.port for address in startgate}
    return next((one for one in listen if one.port in ports), listen[0])


def _pairs(wishes: Wishes) -> Iterator[Fault]:
    pairs = (
        ("--certificate", wishes.certificate, "--key", wishes.key),
        ("--startgate-certificate", wishes.startgate_certificate, "--startgate-key", wishes.startgate_key),
    )
    for one, is_one, other, is_other in pairs:
        if (is_one is None) != (is_other is None):
            yield Fault(one, f"needs {other}, and {other} needs it")
    if wishes.http2 and wishes.certificate is None:
        yield Fault("--http2", "needs --certificate: clients speak HTTP/2 over TLS")


def _of_clients(site: Site, wishes: Wishes) -> Iterator[Fault]:
    if site.identity is not None and site.identity.certificates is not None:
        why = "TLS of clients ends at a front, so that Startgate never sees their certificates"
        yield Fault(
            "identity.client_certificates", f"cannot be used behind a front: {why}; use identity.trusted_header"
        )
    if not wishes.listen.port:
        yield Fault("--listen", "must name a port: clients have to know it")


def _of_nodes(site: Site) -> Iterator[Fault]:
    schemes = {urlsplit(node).scheme for node in site.nodes}
    if len(schemes) > 1:
        yield Fault("cluster.nodes", "are partly http:// and partly https://; a front speaks to all in one way")


def _of_startgate(listen: Listen, servers: tuple[Address, ...], wishes: Wishes) -> Iterator[Fault]:
    for server in servers:
        if is_address(server.host) and ipaddress.ip_address(server.host).is_unspecified:
            where, text = ("--startgate", "") if wishes.startgate else ("listen", "; --startgate HOST:PORT names it")
            yield Fault(where, f"{server} stands for every address: a front needs one that it can connect to{text}")
        if not server.port:
            yield Fault("listen", "has port 0: a front must know the port; --startgate HOST:PORT names it")
    yield from _without_tls(listen, wishes) if listen.tls is None else _with_tls(listen.tls, servers, wishes)


def _without_tls(listen: Listen, wishes: Wishes) -> Iterator[Fault]:
    given = (wishes.startgate_ca, wishes.startgate_name, wishes.startgate_certificate)
    for name, value in zip(("--startgate-ca", "--startgate-name", "--startgate-certificate"), given, strict=True):
        if value is not None:
            yield Fault(name, f"means nothing: Startgate speaks without TLS at {listen.host}:{listen.port}")


def _with_tls(tls: ListenTls, servers: tuple[Address, ...], wishes: Wishes) -> Iterator[Fault]:
    wanted = tls.client_ca is not None and tls.client_certificates == "required"
    if wanted and wishes.startgate_certificate is None:
        yield Fault("listen.tls.client_ca", "asks every client for a certificate: give --startgate-certificate")
    named = [str(one) for one in servers if is_address(one.host)]
    if named and wishes.startgate_name is None:
        text = "give --startgate-name, a name that its certificate is for"
        yield Fault("--startgate", f"{', '.join(named)} has TLS and is no name: {text}")


def _startgate_tls(listen: ListenTls, servers: tuple[Address, ...], wishes: Wishes) -> UpstreamTls:
    hosts = tuple(dict.fromkeys(server.host for server in servers))
    names = (wishes.startgate_name,) if wishes.startgate_name is not None else hosts
    return UpstreamTls(
        ca=wishes.startgate_ca,
        names=names,
        server_name=names[0] if len(names) == 1 else None,
        certificate=wishes.startgate_certificate,
        key=wishes.startgate_key,
        min_version=listen.min_version,
        max_version=listen.max_version,
    )


def _nodes(site: Site) -> Upstream:
    found = [urlsplit(node) for node in site.nodes]
    servers = tuple(Address(host=str(node.hostname), port=int(node.port or 0)) for node in found)
    if found[0].scheme == "http":
        return Upstream(servers=servers)
    tls = site.cluster_tls
    hosts = tuple(dict.fromkeys(server.host for server in servers))
    names = (tls.server_name,) if tls.server_name is not None else hosts
    single = names[0] if len(names) == 1 and not is_address(names[0]) else None
    made = UpstreamTls(
        ca=tls.ca,
        verify=tls.verify,
        fingerprints=tls.fingerprints,
        names=names if tls.verify == "full" else (),
        server_name=single,
        certificate=tls.certificate,
        key=tls.key,
        min_version=tls.min_version,
        max_version=tls.max_version,
    )
    return Upstream(servers=servers, tls=made)
