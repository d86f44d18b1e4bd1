"""TLS contexts for listening and for the cluster. Everything that is wrong with a file is a ConfigError naming it."""

import ssl
from pathlib import Path

from proxy.errors import ConfigError, Fault, nearest
from proxy.settings import ClusterTls, ListenTls

VERIFY_MODES = ("full", "certificate", "unsafe_none")


def listener_context(tls: ListenTls) -> ssl.SSLContext:
    """The context for a listening address. Raises ConfigError if a file is missing, unreadable or no match."""
    faults = [fault for path in (tls.certificate, tls.key) if (fault := _unreadable(path)) is not None]
    if faults:
        raise ConfigError(faults)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a pass phrase must fail here, not ask on a terminal that nobody watches.
        context.load_cert_chain(tls.certificate, tls.key, password=_no_pass_phrase)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError([_pair_fault(tls, error)]) from error
    return context


def cluster_context(tls: ClusterTls) -> ssl.SSLContext:
    """The context for connections to https nodes. Raises ConfigError for an unusable `ca` file or `verify` word."""
    if tls.verify not in VERIFY_MODES:
        allowed = ", ".join(VERIFY_MODES)
        hint = nearest(tls.verify, VERIFY_MODES)
        raise ConfigError([Fault("cluster.tls.verify", f"unknown mode {tls.verify!r}{hint}; allowed: {allowed}")])
    context = ssl.create_default_context(cafile=_checked_ca(tls.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.verify == "full"
    if tls.verify == "unsafe_none":
        context.verify_mode = ssl.CERT_NONE
    return context


def _checked_ca(path: str | None) -> str | None:
    if path is None:
        return None
    if (fault := _unreadable(path)) is not None:
        raise ConfigError([fault])
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise ConfigError([Fault(path, f"holds no usable CA certificate in PEM form ({_words(error)})")]) from error
    return path


def _unreadable(path: str) -> Fault | None:
    try:
        with Path(path).open("rb"):
            return None
    except OSError as error:
        return Fault(path, f"cannot be read ({error.strerror})")


def _pair_fault(tls: ListenTls, error: Exception) -> Fault:
    """Which of the two files is to blame: the certificate is tried alone against the store of a client context."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(tls.certificate)
    except ssl.SSLError:
        return Fault(tls.certificate, "holds no certificate in PEM form")
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return Fault(tls.key, f"is not the key of the certificate in {tls.certificate}")
    if isinstance(error, ValueError):
        return Fault(tls.key, "is protected by a pass phrase; an unencrypted key is needed")
    return Fault(tls.key, f"holds no private key in PEM form ({_words(error)})")


def _no_pass_phrase() -> str:
    raise ValueError("a pass phrase is needed")


def _words(error: Exception) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return (reason or str(error)).replace("_", " ").lower()
