"""Whether spans can be made and sent here: that takes the extra `startgate[traces]`, which is not there by default."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Protocol

from proxy.tracing.current import Span, Value
from proxy.tracing.sending import Counts
from proxy.tracing.settings import TracingSettings
from proxy.tracing.w3c import Parent

NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
# With it OpenTelemetry makes spans without ids, which no call must carry.
DISABLED = "OTEL_SDK_DISABLED"
INSTALL = "pip install 'startgate[traces]'"


class Tracer(Protocol):
    """Makes the spans of requests that come."""

    def begin(
        self, name: str, attributes: Mapping[str, Value], parent: Parent | None, since_ns: int | None = None
    ) -> Span:
        """The span of a request, which came then (nanoseconds since 1970) or now; in the client's trace, where it named
        one. Never fails for what the client sent."""

    @property
    def counts(self) -> Counts:
        """How many spans were sent and lost so far."""

    def close(self) -> None:
        """Send what is there, within a bound; blocks."""


def missing() -> str:
    """The first module that is missing; empty where all is there."""
    return next((name for name in NEEDED if not _is_there(name)), "")


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a package above it is missing, or not to be imported
        return False


def tracer_of(settings: TracingSettings | None) -> Tracer | None:
    """The tracer, None where nothing is traced: then nothing of OpenTelemetry is imported. `OTEL_SDK_DISABLED`, which
    switches it off in all programs, does so here."""
    if settings is None or os.environ.get(DISABLED, "").strip().lower() == "true":
        return None
    from proxy.tracing.otel import OtelTracer  # noqa: PLC0415 -- off costs nothing, and works without the extra

    return OtelTracer(settings)
