"""The headers of W3C Trace Context: which trace a request belongs to, as whoever sent it says.

What is malformed is no trace, and is not guessed at (W3C Trace Context §3.2): it may come from anybody.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
HEADERS = frozenset({TRACEPARENT, TRACESTATE})
SAMPLED = 0x01
# §3.2.2: lower-case hex only; version ff is forbidden; what a later version adds comes behind another dash (§4.3).
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """A span and its trace, in hex as the header has them: 32 and 16 digits."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The span that a request was sent in. `state` is its `tracestate` as it came, several joined; empty for none."""

    ids: Ids
    flags: int
    state: str = ""

    @property
    def sampled(self) -> bool:
        """Whether whoever sent it records the trace."""
        return bool(self.flags & SAMPLED)


def parent_of(headers: Iterable[tuple[str, str]]) -> Parent | None:
    """The span that a request with these headers belongs to; None where it names none, or not one that can be read.

    A `traceparent` that comes twice is none (§3.2: a single header); `tracestate` may come in several, which are one
    list in their order (§3.3).
    """
    parents: list[str] = []
    states: list[str] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == TRACEPARENT:
            parents.append(value)
        elif lowered == TRACESTATE and value.strip(" \t"):
            states.append(value.strip(" \t"))
    return read(parents[0], states) if len(parents) == 1 else None


def read(traceparent: str, states: Sequence[str] = ()) -> Parent | None:
    """One value of `traceparent`, with those of `tracestate`; None where it is malformed."""
    # §3.2: space and tab round a value are no part of it (RFC 9110 §5.5).
    found = _TRACEPARENT.fullmatch(traceparent.strip(" \t"))
    if found is None or found["trace"] == _NO_TRACE or found["span"] == _NO_SPAN:
        return None
    if found["version"] == "00" and found["more"] is not None:
        return None
    return Parent(
        ids=Ids(trace_id=found["trace"], span_id=found["span"]), flags=int(found["flags"], 16), state=",".join(states)
    )


def without(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers that say nothing of a trace, in their order."""
    return tuple(pair for pair in headers if pair[0].lower() not in HEADERS)


def written(ids: Ids, flags: int) -> str:
    """The value of `traceparent` for what is sent in a span, in version 00."""
    return f"00-{ids.trace_id}-{ids.span_id}-{flags:02x}"
