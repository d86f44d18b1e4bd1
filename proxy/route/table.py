"""The special calls.

Rules of this file:

1. A pattern is spelled as Elasticsearch registers it: literals, and `{name}` for any single segment, even an empty one.
2. No two patterns of one method may match the same path: import fails (whichever came first would silently win).
3. Every pattern must hold `HINT` as a literal: import fails otherwise, since the router asks the table only for
   targets that hold it, and a pattern without it would never be asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Route(Enum):
    """Where a request goes: to the cluster, to the gate, to the cluster with a note of it to the gate, or nowhere."""

    PASS = "pass"  # noqa: S105 -- the name of a route, no password
    GATE = "gate"
    OBSERVE = "observe"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Call:
    """One special call: `method` and `pattern` as Elasticsearch registers them, where it goes, and what it is called in
    records (ECS `event.action`)."""

    method: bytes
    pattern: str
    route: Route
    action: str

    def segments(self) -> tuple[bytes | None, ...]:
        """The pattern's segments; None stands for any segment."""
        parts = self.pattern.encode("ascii").split(b"/")
        return tuple(None if part.startswith(b"{") else part for part in parts)


# The literal that all special calls share: rare in ordinary traffic, so one search passes nearly everything.
HINT: Final = b"data_frame"

# RestStartDataFrameAnalyticsAction, RestPutDataFrameAnalyticsAction, RestPostDataFrameAnalyticsUpdateAction,
# RestStopDataFrameAnalyticsAction, RestDeleteDataFrameAnalyticsAction: alike in 7.17, 8 and 9, and without a deprecated
# `_xpack` form.
_JOB: Final = "/_ml/data_frame/analytics/{id}"
PUT: Final = "put-data-frame-analytics"
UPDATE: Final = "update-data-frame-analytics"
STOP: Final = "stop-data-frame-analytics"
DELETE: Final = "delete-data-frame-analytics"

CALLS: Final = (
    Call(b"POST", f"{_JOB}/_start", Route.GATE, "start-data-frame-analytics"),
    Call(b"PUT", _JOB, Route.OBSERVE, PUT),
    Call(b"POST", f"{_JOB}/_update", Route.OBSERVE, UPDATE),
    Call(b"POST", f"{_JOB}/_stop", Route.OBSERVE, STOP),
    Call(b"DELETE", _JOB, Route.OBSERVE, DELETE),
)


def check(calls: Sequence[Call], hint: bytes) -> None:
    """Raise ValueError where `calls` overlap, where one lacks `hint`, or where one is not a pattern."""
    for at, call in enumerate(calls):
        segments = call.segments()
        if segments[0] != b"" or b"" in segments[1:]:
            raise ValueError(f"{call.pattern}: must begin with / and have no empty segment")
        if hint not in segments:
            raise ValueError(f"{call.pattern}: lacks the literal {hint.decode()}, so it would never be looked up")
        for other in calls[:at]:
            if other.method == call.method and _overlap(segments, other.segments()):
                raise ValueError(f"{call.pattern} and {other.pattern} match the same path")


def _overlap(one: tuple[bytes | None, ...], two: tuple[bytes | None, ...]) -> bool:
    if len(one) != len(two):
        return False
    return all(a == b or a is None or b is None for a, b in zip(one, two, strict=True))


def find(calls: Sequence[Call], method: bytes, path: bytes) -> Call | None:
    """The call that Elasticsearch's router takes `path` (the target up to its first `?`) for, or None."""
    segments = path.rstrip(b"/").split(b"/")
    for call in calls:
        if call.method == method and _matches(call.segments(), segments):
            return call
    return None


def _matches(pattern: tuple[bytes | None, ...], segments: list[bytes]) -> bool:
    if len(pattern) != len(segments):
        return False
    return all(want is None or want == got for want, got in zip(pattern, segments, strict=True))


check(CALLS, HINT)
