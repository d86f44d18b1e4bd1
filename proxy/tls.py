"""TLS contexts, made once from files that an operator named; each broken file is a fault that says what is wrong."""

import ssl
from pathlib import Path

from proxy.errors import ConfigError, Fault
from proxy.settings import ClusterTls, ListenTls


def cluster_context(tls: ClusterTls) -> ssl.SSLContext:
    """The context of connections to the cluster.

    Raises:
        ConfigError: the CA file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as failure:
        raise ConfigError(
            [_fault(tls.ca or "", "cluster.tls.ca", "a PEM file of CA certificates", failure)]
        ) from failure
    if tls.verify != "full":
        context.check_hostname = False
    if tls.verify == "unsafe_none":
        context.verify_mode = ssl.CERT_NONE
    return context


def listening_context(tls: ListenTls) -> ssl.SSLContext:
    """The context of a listening address.

    Raises:
        ConfigError: certificate or key cannot be used, or they do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    for path in (tls.certificate, tls.key):
        try:
            Path(path).read_bytes()
        except OSError as failure:
            raise ConfigError([_fault(path, "listen.tls", "a readable PEM file", failure)]) from failure
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ssl.SSLError) as failure:
        what = f"a certificate chain and the key that belongs to it ({tls.key})"
        raise ConfigError([_fault(tls.certificate, "listen.tls", what, failure)]) from failure
    return context


def _no_password() -> str:
    """Without this, a key with a password would be asked for on the terminal, and the process would wait there."""
    raise OSError("the key has a password; give one without, readable by this user only")


def _fault(path: str, key: str, wanted: str, failure: Exception) -> Fault:
    reason = getattr(failure, "strerror", None) or getattr(failure, "reason", None) or failure
    return Fault(where=path, message=f"{key} must name {wanted}: {reason}")
