"""Tells of starts that took long, and where their time went."""

import logging
from collections.abc import Iterator
from typing import Final

from proxy.gate.flight import Flight
from proxy.logs.form import ECS_EXTRA
from proxy.model import Answer

logger = logging.getLogger(__name__)

_NS_OF_MS: Final = 1_000_000
# What takes less than this share of the whole is not what an operator looks for.
_SHARE: Final = 0.01


class SlowStarts:
    """Tells of those that take `limit_s` seconds or more; 0: of none."""

    def __init__(self, limit_s: float) -> None:
        self._limit_ms = limit_s * 1000

    def note(self, flight: Flight, answer: Answer) -> None:
        """A start was answered; its last mark is when."""
        total_ms = max(flight.marks_ms.values(), default=0.0)
        if not self._limit_ms or total_ms < self._limit_ms:
            return
        steps = sorted(steps_of(flight.marks_ms), key=lambda step: -step[1])
        told = [f"{name} {ms / 1000:.3f} s" for name, ms in steps if ms >= total_ms * _SHARE]
        receipt = flight.arrived.receipt
        logger.warning(
            "start %s of %s took %.3f s until it was answered with %d: %s",
            *(receipt, flight.job_id, total_ms / 1000, answer.status, ", ".join(told)),
            extra={
                ECS_EXTRA: {
                    "event.duration": int(total_ms * _NS_OF_MS),
                    "http.response.status_code": answer.status,
                    "startgate.receipt": receipt,
                    "startgate.steps_ms": {name: round(ms, 3) for name, ms in steps},
                }
            },
        )


def steps_of(marks_ms: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Each step with how long it took, in milliseconds, in order. By time: a step that was done again, after waiting
    for its turn, counts as its last."""
    before_ms = 0.0
    for name, at_ms in sorted(marks_ms.items(), key=lambda mark: mark[1]):
        yield name, at_ms - before_ms
        before_ms = at_ms
