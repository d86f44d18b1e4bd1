"""TLS contexts, made from files that an operator named. Whatever is wrong with a file is a fault that names it.

How they are kept up to date while connections come and go is in `proxy.renewal`.
"""

import hashlib
import ssl
from pathlib import Path
from typing import Any, Final

from proxy.errors import ConfigError, Fault, nearest
from proxy.settings import ClusterTls, ListenTls

VERIFY_MODES = ("full", "certificate", "fingerprint", "unsafe_none")
CLIENT_CERTIFICATES = ("required", "optional")
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# For TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 §4.2); 1.3 has nothing else. Everything that
# speaks TLS 1.2 to Elasticsearch has them: Java since 8, Python's ssl, Node, Go.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
ALPN: Final = ("http/1.1",)


class _Locked(Exception):
    """A private key asks for its pass phrase."""


def listener_context(tls: ListenTls) -> ssl.SSLContext:
    """The context of a listening address: that of the first certificate, which hands clients that ask for a name of
    another one over to that one's.

    Raises:
        ConfigError: a certificate or key cannot be used, or they do not belong together, or the clients' authorities
            or the versions cannot be used; every fault found.
    """
    faults = [fault for path in listener_files(tls) if (fault := _unreadable(path)) is not None]
    if faults:
        raise ConfigError(faults)
    first = _one_listener(tls, tls.certificate, tls.key)
    if tls.more:
        by_name: dict[str, ssl.SSLContext] = {}
        for certificate, key in tls.more:
            context = _one_listener(tls, certificate, key)
            for name in certificate_names(certificate):
                by_name.setdefault(name, context)
        # What the first one is for, it serves, whatever else has the name.
        for name in certificate_names(tls.certificate):
            by_name.pop(name, None)
        first.sni_callback = _chooser(by_name)
    return first


def listener_files(tls: ListenTls) -> tuple[str, ...]:
    """Every file that a listener's context is made from."""
    pairs = ((tls.certificate, tls.key), *tls.more)
    asked = [path for path in (tls.client_ca, tls.client_crl) if path is not None]
    return (*(path for pair in pairs for path in pair), *asked)


def _one_listener(tls: ListenTls, certificate: str, key: str) -> ssl.SSLContext:
    kind = ssl.SSLContext if tls.client_ca is None else AskingContext
    context = kind(ssl.PROTOCOL_TLS_SERVER)
    _set_versions(context, tls, "listen.tls")
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(ALPN)
    # A client of TLS 1.2 could make the server do the costly half of a handshake again and again.
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_pair(context, certificate, key)
    if tls.client_ca is not None:
        _ask_for_certificate(context, tls.client_ca, tls.client_certificates)
        if tls.client_crl is not None:
            _refuse_revoked(context, tls.client_crl)
    return context


def _chooser(by_name: dict[str, ssl.SSLContext]) -> Any:  # noqa: ANN401 -- typeshed's own type of sni_callback
    """Picks a context by the name that a client asks for (RFC 6066 §3). A name that nobody has, and none at all, get
    the first certificate: the client says for itself whether it is content with that."""

    def choose(connection: ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> None:
        if name is not None:
            asked = name.lower().rstrip(".")
            # RFC 9525 §6.3: a star stands for the whole leftmost label.
            found = by_name.get(asked) or by_name.get("*." + asked.partition(".")[2])
            if found is not None:
                connection.context = found

    return choose


def certificate_names(path: str) -> list[str]:
    """The DNS names that the first certificate of a PEM file is for, in lower case. Raises ConfigError."""
    # No small library, and only listeners with several certificates need it.
    from cryptography import x509  # noqa: PLC0415 -- see above

    try:
        leaf = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as failure:
        # OSError: a file can have gone since it was loaded; a renewal must not end of that.
        raise ConfigError([Fault(path, f"holds a certificate that cannot be read ({failure})")]) from None
    return [name.lower() for name in names.value.get_values_for_type(x509.DNSName)]


def _ask_for_certificate(context: ssl.SSLContext, authorities: str, wanted: str) -> None:
    """Clients must show a certificate of one of these authorities, or may; a bad one ends the handshake in any case."""
    if wanted not in CLIENT_CERTIFICATES:
        allowed = ", ".join(CLIENT_CERTIFICATES)
        hint = nearest(wanted, CLIENT_CERTIFICATES)
        message = f"unknown mode {wanted!r}{hint}; allowed: {allowed}"
        raise ConfigError([Fault("listen.tls.client_certificates", message)])
    _trust(context, authorities)
    context.verify_mode = ssl.CERT_REQUIRED if wanted == "required" else ssl.CERT_OPTIONAL
    # See AskingContext.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


class AskingContext(ssl.SSLContext):
    """The context of a listener that asks clients for certificates. No session of it is ever resumed: that would bring
    the certificate of the first handshake along, however long ago it has ended or been revoked.

    Without tickets OpenSSL still resumes a session of TLS 1.2 by its number (RFC 5246 §7.3): it keeps sessions in the
    context, and Python cannot tell it not to. So each connection begins in a context of its own, in which no session
    can be, and is handed over to this one, with its certificate and authorities, before anything depends on them. That
    costs a tenth of a millisecond a connection.
    """

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the base class; event loops make all connections by it."""
        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        first.minimum_version, first.maximum_version = self.minimum_version, self.maximum_version
        first.set_ciphers(CIPHERS)
        first.set_alpn_protocols(ALPN)
        # Handed over are certificates and authorities alone (SSL_set_SSL_CTX): what is asked for stays that of `first`.
        first.options, first.num_tickets = self.options, self.num_tickets
        first.verify_mode, first.verify_flags = self.verify_mode, self.verify_flags
        choose: Any = self.sni_callback  # typeshed has it that a client always names somebody

        def hand_over(connection: ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> Any:  # noqa: ANN401 -- as above
            # Called for clients that name nobody, too.
            connection.context = self
            return None if choose is None else choose(connection, name, self)

        first.sni_callback = hand_over
        made = first.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        # OpenSSL calls `hand_over` once more if it has to ask for another hello, and holds no reference to `first`.
        made._first = first  # type: ignore[attr-defined]
        return made


def _refuse_revoked(context: ssl.SSLContext, lists: str) -> None:
    """Certificates on these lists end the handshake, and so does one whose authority has no list here, or one that is
    over (RFC 5280 §6.3): what is not known not to be revoked is not let in. See
    docs/decisions/131-how-certificates-are-revoked.md."""
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        alone.load_verify_locations(lists)
        held = alone.cert_store_stats()
        if not held["x509"]:
            context.load_verify_locations(lists)
    except OSError as failure:  # as in _trust
        if (gone := _unreadable(lists)) is not None:
            raise ConfigError([gone]) from None
        raise ConfigError([Fault(lists, f"holds no CRL in PEM form{_why(failure)}")]) from None
    if held["x509"]:
        # OpenSSL would trust them.
        raise ConfigError([Fault(lists, "holds certificates; a file of CRLs must hold nothing else")])
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


class _PinnedObject(ssl.SSLObject):
    """A handshake that ends well only for a certificate whose fingerprint is known."""

    def do_handshake(self) -> None:
        """As the base class; raises SSLCertVerificationError for any other certificate. Nothing of a request has been
        sent by then."""
        super().do_handshake()
        context, shown = self.context, self.getpeercert(binary_form=True)
        digest = hashlib.sha256(shown or b"").hexdigest()
        if isinstance(context, ClusterContext) and digest not in context.fingerprints:
            raise ssl.SSLCertVerificationError(
                f"certificate verify failed: its SHA-256 fingerprint is {digest}, which cluster.tls.fingerprint does "
                "not name"
            )


class ClusterContext(ssl.SSLContext):
    """The context of connections to nodes. Whoever connects names the host; what is asked for and checked instead, and
    which fingerprints are known, is kept here, so that it holds for all callers, whatever library they use."""

    server_name: str | None = None
    fingerprints: frozenset[str] = frozenset()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the base class, with `server_name` in the place of the host where there is one."""
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name or server_hostname, session)


def cluster_context(tls: ClusterTls) -> ClusterContext:
    """The context of connections to https nodes.

    Raises:
        ConfigError: a file cannot be used, `verify` is no known word, or a version is none.
    """
    if tls.verify not in VERIFY_MODES:
        allowed = ", ".join(VERIFY_MODES)
        hint = nearest(tls.verify, VERIFY_MODES)
        raise ConfigError([Fault("cluster.tls.verify", f"unknown mode {tls.verify!r}{hint}; allowed: {allowed}")])
    if tls.verify == "fingerprint" and not tls.fingerprints:
        raise ConfigError([Fault("cluster.tls.fingerprint", "is missing: verify: fingerprint checks nothing else")])
    faults = [fault for path in cluster_files(tls) if (fault := _unreadable(path)) is not None]
    if faults:
        raise ConfigError(faults)
    context = ClusterContext(ssl.PROTOCOL_TLS_CLIENT)
    _set_versions(context, tls, "cluster.tls")
    context.set_alpn_protocols(["http/1.1"])
    context.check_hostname = tls.verify == "full"
    if tls.verify in ("fingerprint", "unsafe_none"):
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is not None:
        _trust(context, tls.ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if tls.certificate is not None and tls.key is not None:
        _load_pair(context, tls.certificate, tls.key)
    context.server_name = tls.server_name
    if tls.fingerprints:
        context.fingerprints = frozenset(tls.fingerprints)
        context.sslobject_class = _PinnedObject
    return context


def cluster_files(tls: ClusterTls) -> tuple[str, ...]:
    """Every file that the context of connections to nodes is made from."""
    return tuple(path for path in (tls.ca, tls.certificate, tls.key) if path is not None)


def _set_versions(context: ssl.SSLContext, tls: ListenTls | ClusterTls, section: str) -> None:
    for name, written in (("min_version", tls.min_version), ("max_version", tls.max_version)):
        if written not in VERSIONS:
            message = f"unknown version {written!r}; allowed: {', '.join(VERSIONS)}"
            raise ConfigError([Fault(f"{section}.{name}", message)])
    if tls.min_version > tls.max_version:
        message = f"is above max_version: there is no version from {tls.min_version} to {tls.max_version}"
        raise ConfigError([Fault(f"{section}.min_version", message)])
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]


def _trust(context: ssl.SSLContext, authorities: str) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as failure:  # of which SSLError is one; a file can have gone since it was tried
        if (gone := _unreadable(authorities)) is not None:
            raise ConfigError([gone]) from None
        raise ConfigError([Fault(authorities, f"holds no CA certificate in PEM form{_why(failure)}")]) from None


def _unreadable(path: str) -> Fault | None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as failure:
        return Fault(path, f"cannot be read: {failure.strerror or failure}")
    return None


def _no_pass_phrase() -> str:
    """Without this, OpenSSL would ask for the pass phrase on the terminal, and the process would wait there."""
    raise _Locked


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except OSError as failure:  # of which SSLError is one; a file can have gone since it was tried
        raise ConfigError([_pair_fault(certificate, key, failure)]) from None
    except (_Locked, ValueError) as failure:
        raise ConfigError([_pair_fault(certificate, key, failure)]) from None


def _pair_fault(certificate: str, key: str, failure: Exception) -> Fault:
    """Which of the two files is to blame: the certificate is tried alone, as an authority of a client."""
    for gone in (fault for path in (certificate, key) if (fault := _unreadable(path)) is not None):
        return gone
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except OSError:  # as in _trust
        return Fault(certificate, "holds no certificate in PEM form")
    if isinstance(failure, _Locked):
        return Fault(key, "is protected by a pass phrase; give a key without, readable by Startgate's user only")
    if isinstance(failure, ssl.SSLError) and failure.reason == "KEY_VALUES_MISMATCH":
        return Fault(key, f"is not the key of the certificate in {certificate}")
    return Fault(key, f"holds no private key in PEM form{_why(failure)}")


def _why(failure: Exception) -> str:
    """OpenSSL's reason in brackets; empty where it names none but its own library."""
    reason = failure.reason if isinstance(failure, ssl.SSLError) else str(failure)
    return f" ({reason.replace('_', ' ').lower()})" if reason else ""
