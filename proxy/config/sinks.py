"""`journal.sinks`: where the record is shipped to. A sink is there where its first key is written."""

import base64
import binascii
import re
from dataclasses import replace
from urllib.parse import urlsplit

from proxy import tls
from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ShipLimits, Sinks, StreamSink, SyslogSink, WebhookSink

SECTION = "journal.sinks"
TRANSPORTS = ("tls", "tcp")
# Standard output, which the supervisor hands to the gate.
STDOUT = 1
# What Elasticsearch takes as the name of a data stream (MetadataCreateIndexService, and no leading dot: those are
# hidden), and what needs no escaping anywhere.
_STREAM = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DAYS_MAX = 36_500
# Below this, the secret can be tried out by whoever sees a signed message (RFC 2104 §3 asks for the hash's length).
_SECRET_CHARS = 24
# How secrets are written by Standard Webhooks 1.0.
_BASE64_MARK = "whsec_"


def sinks(reader: Taker, limits: ShipLimits) -> Sinks:
    """The section's meaning. Faults go to `reader`."""
    return Sinks(
        elasticsearch=_stream(reader),
        syslog=_syslog(reader),
        webhook=_webhook(reader),
        stdout=STDOUT if reader.take(f"{SECTION}.stdout.enabled", values.switch, False) else None,
        limits=limits,
    )


def _needs(reader: Taker, first: str, *others: str) -> bool:
    """Whether a sink's first key is written; others without it are refused."""
    if f"{SECTION}.{first}" in reader.found:
        return True
    for other in others:
        if f"{SECTION}.{other}" in reader.found:
            reader.refuse(f"{SECTION}.{other}", f"needs {SECTION}.{first}")
    return False


def _stream(reader: Taker) -> StreamSink | None:
    at = f"{SECTION}.elasticsearch"
    if not _needs(reader, "elasticsearch.data_stream", "elasticsearch.api_key_file", "elasticsearch.keep_days"):
        return None
    default = StreamSink(data_stream="").keep_days
    return StreamSink(
        data_stream=reader.take(f"{at}.data_stream", _stream_name, ""),
        authorization=reader.take(f"{at}.api_key_file", files.api_key, None),
        keep_days=reader.take(
            f"{at}.keep_days", lambda node: values.whole(node, at_least=0, at_most=_DAYS_MAX), default
        ),
    )


def _stream_name(node: Node) -> str:
    name = values.text(node)
    if not _STREAM.fullmatch(name):
        shape = "lower-case letters, digits and `._-`, a letter or digit first, 100 at most"
        raise invalid(node, f"must be the name of a data stream: {shape}; and is {name!r}")
    return name


def _syslog(reader: Taker) -> SyslogSink | None:
    at = f"{SECTION}.syslog"
    if not _needs(reader, "syslog.address", *(f"syslog.{key}" for key in ("transport", "ca", "certificate", "key"))):
        return None
    nowhere = ("", 0)
    host, port = reader.take(f"{at}.address", values.address, nowhere)
    if (host, port) != nowhere and not port:
        reader.refuse(f"{at}.address", "no receiver listens on port 0")
    transport = reader.take(f"{at}.transport", lambda node: values.choice(node, TRANSPORTS), "tls")
    if transport == "tcp":
        for key in ("ca", "certificate", "key"):
            if f"{at}.{key}" in reader.found:
                reader.refuse(f"{at}.{key}", "means nothing with transport: tcp, which is not encrypted")
        return SyslogSink(host=host, port=port)
    return SyslogSink(host=host, port=port, tls=_with_pair(reader, at, _trusted(reader, at)))


def _trusted(reader: Taker, at: str) -> ClusterTls:
    return ClusterTls(ca=reader.take(f"{at}.ca", files.authorities, None))


def _with_pair(reader: Taker, at: str, trusted: ClusterTls) -> ClusterTls:
    """With the certificate that is shown to the receiver, where there is one; proven to be usable."""
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if f"{at}.{one}" in reader.found and f"{at}.{other}" not in reader.found:
            reader.refuse(f"{at}.{one}", f"needs {at}.{other}")
    certificate = reader.take(f"{at}.certificate", files.readable, None)
    key = reader.take(f"{at}.key", files.readable, None)
    if certificate is None or key is None:
        return trusted
    made = replace(trusted, certificate=str(certificate), key=str(key))
    try:
        tls.cluster_context(replace(made, ca=None, verify="unsafe_none"))
    except ConfigError as error:
        for fault in error.faults:
            blamed = "key" if fault.where == made.key else "certificate"
            reader.refuse(f"{at}.{blamed}", f"{fault.where} {fault.message}")
    return made


def _webhook(reader: Taker) -> WebhookSink | None:
    at = f"{SECTION}.webhook"
    if not _needs(reader, "webhook.url", "webhook.secret_file", "webhook.ca"):
        return None
    if f"{at}.secret_file" not in reader.found:
        reader.refuse(f"{at}.url", f"needs {at}.secret_file: whoever takes records has to know who sent them")
    url = reader.take(f"{at}.url", _url, "")
    if url.startswith("http:") and f"{at}.ca" in reader.found:
        reader.refuse(f"{at}.ca", "means nothing with a url that begins with http://")
    return WebhookSink(
        url=url,
        secret=reader.take(f"{at}.secret_file", _secret, ""),
        tls=_trusted(reader, at),
    )


def _url(node: Node) -> str:
    shape = "must be a URL that begins with https:// (or http://), such as https://siem.example.org/startgate"
    written = values.text(node).strip()
    try:
        parts = urlsplit(written)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
        parts = urlsplit("")
    if "@" in parts.netloc:
        # What stands before it may be a password: it is not repeated.
        raise invalid(node, f"{shape}; credentials don't belong into it: the signature says who sends")
    if not good or "#" in written or any(char <= " " or char > "~" for char in written):
        raise invalid(node, f"{shape}, and is {written!r}")
    return written


def _secret(node: Node) -> str:
    secret = files.secret(node)
    path = node.path(values.text(node))
    if len(secret) < _SECRET_CHARS:
        raise invalid(node, f"{path} holds a secret of {len(secret)} characters: it must have {_SECRET_CHARS} at least")
    if secret.startswith(_BASE64_MARK):
        try:
            base64.b64decode(secret.removeprefix(_BASE64_MARK), validate=True)
        except binascii.Error:
            raise invalid(node, f"{path} begins with {_BASE64_MARK}, and no base64 follows") from None
    return secret
