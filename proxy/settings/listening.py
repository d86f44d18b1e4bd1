"""Where is listened, and how nodes are connected to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTls:
    """Certificate chain and private key files (PEM) of a listening address.

    `more` are further pairs of such files, for clients that ask for one of their names (SNI); everybody else gets the
    first. `client_ca` is a PEM file with the authorities of clients' certificates, None where none are asked for;
    `client_certificates` is then `required` or `optional`, and `client_crl` a PEM file with the lists of what those
    authorities have revoked. Versions are `1.2` or `1.3`.
    """

    certificate: str
    key: str
    more: tuple[tuple[str, str], ...] = ()
    client_ca: str | None = None
    client_certificates: str = "required"
    client_crl: str | None = None
    # RFC 8996: what is older must not be used.
    min_version: str = "1.2"
    max_version: str = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """One address to listen on; port 0 lets the system choose. `proxy_protocol` are the networks of fronts (CIDR form)
    that must begin each connection with a PROXY header; where it is empty, nobody may."""

    host: str
    port: int
    tls: ListenTls | None = None
    proxy_protocol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTls:
    """How the cluster's certificates are checked, and what is shown to the nodes.

    `ca` is a PEM file, or the system's store where None; `verify` is `full` (chain and host name), `certificate` (chain
    only), `fingerprint` (one of `fingerprints` only) or `unsafe_none`. `fingerprints` are SHA-256 digests of nodes' own
    certificates in lower-case hex; where there are any, no other certificate will do. `server_name` is the name that is
    asked for and checked instead of a node's own. `certificate` and `key` are this side's, as PEM files.
    """

    ca: str | None = None
    verify: str = "full"
    fingerprints: tuple[str, ...] = ()
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None
    min_version: str = "1.2"
    max_version: str = "1.3"
