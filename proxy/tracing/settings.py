"""What the gate is told of traces: plain values, part of `proxy.settings`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLimits:
    """Bounds of sending traces. What is beyond them is lost, counted, and told of in the log."""

    # A start has some 20 spans: what a hundred of them leave behind while the collector is slow, some 2 MiB.
    queue_spans: int = 2048
    # Some 100 KiB.
    batch_spans: int = 512
    # Between two batches where few spans come: who tries something out wants to see it soon.
    pause_s: float = 1.0
    # One batch with all that is tried again of it, as OpenTelemetry's own default is.
    send_s: float = 10.0
    # How long a stopping gate sends what is left: below the patience that the supervisor has beyond `drain_s`.
    flush_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """Traces of starts. `endpoint` is the URL that takes spans by OTLP (HTTP, protobuf), `headers` what is sent along;
    `ca` a PEM file with the authorities for its certificate, None for the usual ones; `sample` the part of those starts
    that is traced whose client decided nothing, 0 to 1."""

    endpoint: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca: str | None = None
    sample: float = 1.0
    limits: TraceLimits = field(default_factory=TraceLimits)
