"""Traces: one span for a start, with a child for each step and each call to the cluster. Off by default.

- `w3c`        reads `traceparent` and `tracestate`; pure
- `current`    the span that is under way, where there is one: `step`, `asked`, and the ids for log lines
- `calls`      what a call to Elasticsearch is called there; pure
- `names`      every name of a span and of an attribute, with what it means
- `sending`    a bounded queue to the collector, which nobody waits for
- `otel`       spans by OpenTelemetry, sent by OTLP; the only module that imports it
- `load`       whether the extra is installed, and the tracer of the settings

Whoever is traced imports `current` alone, which costs a look at a variable where nothing is traced. docs/tracing.md
lists every span and attribute.
"""
