"""TLS contexts, made once from files that an operator named. Whatever is wrong with a file is a fault that names it."""

import ssl
from pathlib import Path

from proxy.errors import ConfigError, Fault, nearest
from proxy.settings import ClusterTls, ListenTls

VERIFY_MODES = ("full", "certificate", "unsafe_none")
CLIENT_CERTIFICATES = ("required", "optional")


class _Locked(Exception):
    """A private key asks for its pass phrase."""


def listener_context(tls: ListenTls) -> ssl.SSLContext:
    """The context of a listening address.

    Raises:
        ConfigError: certificate or key cannot be used, or they do not belong together, or the clients' authorities
            cannot be used; every fault found.
    """
    files = (tls.certificate, tls.key, *([tls.client_ca] if tls.client_ca is not None else []))
    faults = [fault for path in files if (fault := _unreadable(path)) is not None]
    if faults:
        raise ConfigError(faults)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_pass_phrase)
    except (_Locked, ssl.SSLError, ValueError) as failure:
        raise ConfigError([_pair_fault(tls, failure)]) from None
    if tls.client_ca is not None:
        _ask_for_certificate(context, tls.client_ca, tls.client_certificates)
    return context


def _ask_for_certificate(context: ssl.SSLContext, authorities: str, wanted: str) -> None:
    """Clients must show a certificate of one of these authorities, or may; a bad one ends the handshake in any case."""
    if wanted not in CLIENT_CERTIFICATES:
        allowed = ", ".join(CLIENT_CERTIFICATES)
        hint = nearest(wanted, CLIENT_CERTIFICATES)
        message = f"unknown mode {wanted!r}{hint}; allowed: {allowed}"
        raise ConfigError([Fault("listen.tls.client_certificates", message)])
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError as failure:
        raise ConfigError([Fault(authorities, f"holds no CA certificate in PEM form{_why(failure)}")]) from None
    context.verify_mode = ssl.CERT_REQUIRED if wanted == "required" else ssl.CERT_OPTIONAL
    # A session that is resumed brings the certificate of the first handshake along, however long ago it has ended.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def cluster_context(tls: ClusterTls) -> ssl.SSLContext:
    """The context of connections to https nodes.

    Raises:
        ConfigError: the file of authorities cannot be used, or `verify` is no known word.
    """
    if tls.verify not in VERIFY_MODES:
        allowed = ", ".join(VERIFY_MODES)
        hint = nearest(tls.verify, VERIFY_MODES)
        raise ConfigError([Fault("cluster.tls.verify", f"unknown mode {tls.verify!r}{hint}; allowed: {allowed}")])
    if tls.ca is not None and (fault := _unreadable(tls.ca)) is not None:
        raise ConfigError([fault])
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except ssl.SSLError as failure:
        raise ConfigError([Fault(tls.ca or "", f"holds no CA certificate in PEM form{_why(failure)}")]) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.verify == "full"
    if tls.verify == "unsafe_none":
        context.verify_mode = ssl.CERT_NONE
    return context


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


def _pair_fault(tls: ListenTls, failure: Exception) -> Fault:
    """Which of the two files is to blame: the certificate is tried alone, as an authority of a client."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(tls.certificate)
    except ssl.SSLError:
        return Fault(tls.certificate, "holds no certificate in PEM form")
    if isinstance(failure, _Locked):
        return Fault(tls.key, "is protected by a pass phrase; give a key without, readable by Startgate's user only")
    if isinstance(failure, ssl.SSLError) and failure.reason == "KEY_VALUES_MISMATCH":
        return Fault(tls.key, f"is not the key of the certificate in {tls.certificate}")
    return Fault(tls.key, f"holds no private key in PEM form{_why(failure)}")


def _why(failure: Exception) -> str:
    """OpenSSL's reason in brackets; empty where it names none but its own library."""
    reason = failure.reason if isinstance(failure, ssl.SSLError) else str(failure)
    return f" ({reason.replace('_', ' ').lower()})" if reason else ""
