"""What is known of a node's health: when it is asked last, for how long, and how it gets its share back.

A node that cannot be connected to, or that breaks off several answers in a row, is *ejected* for a while: others are
asked first. It is still asked when all others are ejected as well: what is known may be old, and trying costs little.
Each further ejection is twice as long. When its time is over it *returns*: its share of requests grows with the
seconds from a tenth to all of it.
"""

from typing import Final

from proxy.settings import EdgeLimits

# Of its share, when it has just come back.
_FIRST_SHARE: Final = 0.1


class Health:
    """One node's. Times are the loop's seconds. `down_until` lies in the past for nodes that are not ejected.
    `troubled` is whether there is anything to forget, so that the usual case costs one look."""

    __slots__ = ("_ejections", "_failures", "_limits", "_unreached", "_whole_at", "down_until", "troubled")

    def __init__(self, limits: EdgeLimits) -> None:
        self._limits = limits
        self._ejections = 0
        self._failures = 0
        self._unreached = False
        self._whole_at = 0.0
        self.down_until = 0.0
        self.troubled = False

    def refused(self, now: float) -> bool:
        """It could not be connected to. Whether that ejected it: not, if it is ejected already."""
        self._unreached = True
        return self._eject(now)

    def failed(self, now: float) -> bool:
        """An answer was broken or broken off. Whether that ejected it."""
        self.troubled = True
        self._unreached = False
        self._failures += 1
        if self._failures < self._limits.upstream_eject_failures:
            return False
        return self._eject(now)

    def worked(self, now: float) -> None:
        """An answer came whole. Its past ejections are forgotten once it has had all of its share for a while."""
        self._failures = 0
        if now >= self._whole_at:
            self._ejections = 0
            self.troubled = False

    def answers(self, now: float) -> None:
        """A probe could connect: one that was ejected because nobody could need not sit out its time."""
        if self._unreached and self.down_until > now:
            self.down_until = now
            self._whole_at = now + self._limits.upstream_return_s

    def ejected(self, now: float) -> bool:
        """Whether others are to be asked first."""
        return self.down_until > now

    def share(self, now: float) -> float:
        """Of the requests that it would get in good health, from a tenth to 1."""
        left = self._whole_at - now
        if left <= 0:
            return 1.0
        return max(_FIRST_SHARE, 1.0 - left / self._limits.upstream_return_s)

    def _eject(self, now: float) -> bool:
        self.troubled = True
        self._failures = 0
        if self.down_until > now:
            return False
        limits = self._limits
        # The exponent is bounded before it is used: 2.0 ** 1024 is no number.
        away_s = min(limits.upstream_eject_s * 2.0 ** min(self._ejections, 30), limits.upstream_eject_longest_s)
        self._ejections += 1
        self.down_until = now + away_s
        self._whole_at = self.down_until + limits.upstream_return_s
        return True
