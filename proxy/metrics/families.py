"""Every metric, with its kind, its labels and what it means: the table of names.

Rules of this file: base units (seconds, bytes) in the name; no label with an unbounded set of values, so no user, job,
index or client address; what every process has carries `process`, and all else is the sum of all processes. docs and
dashboards name nothing that is not here (`tests/metrics/test_families.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from proxy.metrics.spread import FSYNC_S, REQUEST_S, START_S

PROCESS: Final = "process"


class Kind(StrEnum):
    """What a metric is, in the words of OpenMetrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `labels` are those that its values name; `per_process` adds the one of the process that told it.

    `bounds` are the buckets of a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    per_process: bool = False
    bounds: tuple[float, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels as they are exposed."""
        return (PROCESS, *self.labels) if self.per_process else self.labels

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names under which its values are exposed."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{end}" for end in ("bucket", "count", "sum"))
        end = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")
        return (self.name + end,)


def _counter(name: str, text: str, *labels: str, per_process: bool = False) -> Family:
    return Family(name, Kind.COUNTER, text, labels, per_process)


def _gauge(name: str, text: str, *labels: str, per_process: bool = False) -> Family:
    return Family(name, Kind.GAUGE, text, labels, per_process)


def _histogram(name: str, text: str, bounds: tuple[float, ...], *labels: str) -> Family:
    return Family(name, Kind.HISTOGRAM, text, labels, bounds=bounds)


_PROCESSES = (
    # Not the names of the official library's own process collector: those tell of the process that is scraped alone.
    Family("startgate_build", Kind.INFO, "The version, and that of Python.", ("version", "python")),
    _gauge("startgate_process_up", "1 if the process told of itself when it was asked.", per_process=True),
    _counter("startgate_process_deaths", "How often the process ended and another took its place.", per_process=True),
    _gauge("startgate_process_start_time_seconds", "When the process began, in seconds since 1970.", per_process=True),
    _gauge("startgate_process_resident_memory_bytes", "Memory that is held in RAM.", per_process=True),
    _counter("startgate_process_cpu_seconds", "Processor time that was used.", per_process=True),
    _gauge(
        "startgate_event_loop_lag_seconds",
        "The longest that anything due had to wait for the event loop, over the last 15 to 30 s.",
        per_process=True,
    ),
    _gauge(
        "startgate_certificate_expiry_timestamp_seconds",
        "When the first certificate in a configured file is over, in seconds since 1970.",
        "file",
    ),
    _gauge("startgate_scrape_duration_seconds", "How long asking all processes took, this time."),
)

_EDGE = (
    _counter(
        "startgate_requests",
        "Requests whose answer came from the cluster or the gate (`target`), by class of status.",
        "target",
        "status",
        per_process=True,
    ),
    # Without `process`: nobody asks which worker it was, and it would be most of a scrape, times the workers.
    _histogram(
        "startgate_upstream_duration_seconds",
        "From when a request had a connection to a node (or `gate`; `gone`: nodes that left) until its answer was "
        "passed on, or broke off.",
        REQUEST_S,
        "upstream",
        "status",
    ),
    _counter("startgate_client_received_bytes", "Bytes that came from clients.", per_process=True),
    _counter("startgate_upstream_received_bytes", "Bytes that came from nodes and gate.", "target", per_process=True),
    _gauge("startgate_connections", "Open connections of clients.", per_process=True),
    _counter("startgate_connections_accepted", "Connections of clients that were let in.", per_process=True),
    _gauge("startgate_requests_in_flight", "Requests that are being answered.", per_process=True),
    _counter(
        "startgate_refused",
        "Connections and requests that were refused or failed on the wire, by reason (docs/wire.md).",
        "reason",
        per_process=True,
    ),
    _gauge("startgate_upstream_connections", "Connections to a node, `busy` or `idle`.", "upstream", "state"),
    _gauge("startgate_upstream_waiting", "Requests that wait for a connection.", "target", per_process=True),
    # Each worker finds out for itself, so that some may and others may not.
    _gauge("startgate_upstream_ejected", "Workers that ask this node last, since it failed them.", "upstream"),
    _gauge("startgate_observed_untold", "Observed calls that the gate could not be told of so far.", per_process=True),
)

_GATE = (
    _counter(
        "startgate_starts",
        "Starts, plans and explanations that were answered (`kind`), by what came of them (`verdict`).",
        "kind",
        "verdict",
    ),
    _histogram("startgate_start_duration_seconds", "From a start's arrival to its answer.", START_S, "verdict"),
    _histogram("startgate_start_step_duration_seconds", "How long one step of a start took.", START_S, "step"),
    _gauge("startgate_starts_in_flight", "Starts that the gate is working on, or that wait for their turn."),
    # Apart from verdicts, so that an alert needs no knowledge of them.
    _counter("startgate_exceptions_used", "Starts that passed by a break-glass exception."),
    _gauge("startgate_journal_writable", "1 while records can be written."),
    _counter(
        "startgate_journal_records",
        "Records that are on the disk (`appended`), were refused (`refused`), whose starts went on without them "
        "(`lost`), or came onto the disk after they had been refused (`late`).",
        "result",
    ),
    _histogram("startgate_journal_fsync_duration_seconds", "How long an fsync of the journal took.", FSYNC_S),
    _gauge("startgate_sink_lag_records", "Records that a sink does not have yet.", "sink"),
    _gauge("startgate_sink_lag_seconds", "The age of the oldest of them.", "sink"),
    _gauge("startgate_sink_lag_bytes", "Their bytes.", "sink"),
    _gauge("startgate_sink_failing", "1 while a sink takes nothing.", "sink"),
    _counter(
        "startgate_sink_records", "Records that a sink took (`accepted`) or never will (`rejected`).", "sink", "result"
    ),
    _counter(
        "startgate_trace_spans", "Spans of traces that the collector took (`sent`) or never will (`lost`).", "result"
    ),
    # Rules have the names that their files give them: there are as many as an operator writes.
    _counter("startgate_rule_judged", "Starts that a rule had a say in.", "kind", "rule"),
    _counter("startgate_rule_denied", "Starts that a rule denied, alone or with others.", "kind", "rule"),
    _counter(
        "startgate_rule_would_deny",
        "Starts that a rule spoke against in vain: by its mode, or because an exception helped.",
        "kind",
        "rule",
    ),
    # A revision is a hash: there are as many as there are changes of rules, one at a time.
    Family("startgate_rules", Kind.INFO, "The revision of the rules in force.", ("revision",)),
    _gauge("startgate_rules_age_seconds", "For how long these rules have been in force."),
    _counter("startgate_rules_reloads", "Attempts to read the rules again, by what came of them.", "outcome"),
    _gauge("startgate_rules_last_reload_success", "0 while rules on the disk are refused, and earlier ones in force."),
    _gauge("startgate_break_glass_in_force", "Break-glass exceptions that count now."),
)

ALL: Final = (*_PROCESSES, *_EDGE, *_GATE)
FAMILIES: Final[Mapping[str, Family]] = {family.name: family for family in ALL}
