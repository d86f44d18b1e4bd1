"""`tracing.*`: where traces of starts go, and how many are made. Off where `tracing.otlp` is not written."""

import re
from urllib.parse import urlsplit

from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.tracing.load import INSTALL, missing
from proxy.tracing.settings import TraceLimits, TracingSettings

SECTION = "tracing"
# What OTLP over HTTP has collectors listen for (OTLP specification, "OTLP/HTTP Request").
TRACES_PATH = "/v1/traces"
# RFC 9110 §5.1 and §5.5: a name is a token; a value has no control characters.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
# What the exporter says of its own bodies.
_TAKEN = frozenset({"content-encoding", "content-length", "content-type", "host", "transfer-encoding", "user-agent"})


def tracing_settings(reader: Taker, limits: TraceLimits) -> TracingSettings | None:
    """The section's meaning; None where nothing is traced. Faults go to `reader`."""
    if f"{SECTION}.otlp" not in reader.found:
        for key in ("sample", "headers_file", "ca"):
            if f"{SECTION}.{key}" in reader.found:
                reader.refuse(f"{SECTION}.{key}", f"needs {SECTION}.otlp")
        return None
    if limits.batch_spans > limits.queue_spans and limits != TraceLimits():
        key = "batch_spans" if "limits.trace.batch_spans" in reader.found else "queue_spans"
        text = f"a batch ({limits.batch_spans}) is never full where the queue holds {limits.queue_spans}"
        reader.refuse(f"limits.trace.{key}", text)
    endpoint = reader.take(f"{SECTION}.otlp", _endpoint, "")
    if endpoint.startswith("http:") and f"{SECTION}.ca" in reader.found:
        reader.refuse(f"{SECTION}.ca", f"means nothing with a {SECTION}.otlp that begins with http://")
    if lacking := missing():
        reader.refuse(f"{SECTION}.otlp", f"needs OpenTelemetry, and {lacking} is not there: {INSTALL}")
    return TracingSettings(
        endpoint=endpoint,
        headers=reader.take(f"{SECTION}.headers_file", _headers, ()),
        ca=reader.take(f"{SECTION}.ca", files.authorities, None),
        sample=reader.take(f"{SECTION}.sample", _share, 1.0),
        limits=limits,
    )


def _endpoint(node: Node) -> str:
    """The whole URL: where it has no path, the one that OTLP has by default."""
    shape = "must be the URL of a collector (OTLP over HTTP), such as http://127.0.0.1:4318"
    written = values.text(node).strip()
    try:
        parts = urlsplit(written)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good, parts = False, urlsplit("")
    if "@" in parts.netloc:
        # What stands before it may be a password: it is not repeated.
        raise invalid(node, f"{shape}; credentials don't belong into it: {SECTION}.headers_file holds them")
    if not good or parts.fragment or any(char <= " " or char > "~" for char in written):
        raise invalid(node, f"{shape}, and is {written!r}")
    return parts._replace(path=TRACES_PATH).geturl() if parts.path in ("", "/") else written


def _headers(node: Node) -> tuple[tuple[str, str], ...]:
    """The lines of a file, each `name: value`; empty ones and those that begin with `#` are left out. No message shows
    what stands in it."""
    path = node.path(values.text(node))
    found: dict[str, str] = {}
    for number, line in enumerate(files.secret_text(node).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = (piece.strip(" \t") for piece in line.partition(":"))
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise invalid(node, f"{path}:{number} is no header: each line is `name: value`, in ASCII")
        if name.lower() in _TAKEN:
            raise invalid(node, f"{path}:{number}: {name} is set by the sender itself")
        if name.lower() in found:
            raise invalid(node, f"{path}:{number}: {name} is there twice")
        found[name.lower()] = value
    if not found:
        raise invalid(node, f"{path} holds no header: each line is `name: value`")
    return tuple(found.items())


def _share(node: Node) -> float:
    written = node.value
    if node.from_environment and isinstance(written, str):
        try:
            written = float(written.strip())
        except ValueError:
            written = None
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 <= written <= 1:
        raise invalid(node, f"must be a number from 0 to 1, the share of starts, and is {node.value!r}")
    return float(written)
