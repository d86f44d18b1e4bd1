"""What an edge worker tells the gate of calls that passed it by: plain records, known to both sides, as JSON.

Texts that came over the wire are told as Latin-1, a character for each byte: so nothing of them is lost, whatever they
are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Where on the gate's socket, with the method PUT. The edge sends nothing of a client's there but starts, which are
# POST, so that no client can tell the gate anything of this kind.
NOTE_TARGET = "/observed/note"
GAP_TARGET = "/observed/gap"
# After these answers nobody knows whether a call was carried out: it was given up for its time or for lack of room, or
# it goes on, or has gone on, without them.
UNCERTAIN = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One observed call, which went to the cluster as it came.

    `action` is its name in records; `target` and `headers` are the request's, in order; `peer` is `ip:port`;
    `front` is who connected instead, where a front told the peer by PROXY protocol, and empty else; `certificate` is
    as `clientcert.told` words it. `status` is the cluster's, None where no answer came: the call may
    have been carried out or not. `began_ms` and `answered_ms`, in milliseconds since 1970, are when its head had come
    and when the answer's had, or when it was clear that none would.
    """

    action: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    peer: str
    front: str = ""
    certificate: str = field(default="", repr=False)
    status: int | None
    began_ms: int
    answered_ms: int

    @property
    def refused(self) -> bool:
        """Whether the cluster refused the call, so that it changed nothing."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in UNCERTAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Observed calls that passed while the gate could not be told, or did not say that it had heard.

    `calls` says how many there were of each action, `refused` how many more the cluster refused: those changed
    nothing, and anybody can make them. The first of all began at `since_ms`, the last was answered at `until_ms`
    (milliseconds since 1970).
    """

    calls: Mapping[str, int]
    refused: int = 0
    since_ms: int
    until_ms: int
    why: str

    @property
    def count(self) -> int:
        """How many there were in all."""
        return sum(self.calls.values()) + self.refused


def gap_of(note: Note, why: str) -> Gap:
    """The gap that a note leaves which nobody got."""
    calls, refused = ({}, 1) if note.refused else ({note.action: 1}, 0)
    return Gap(calls=calls, refused=refused, since_ms=note.began_ms, until_ms=note.answered_ms, why=why)


def joined(one: Gap | None, other: Gap) -> Gap:
    """Both as one gap; why it is there is what was found first."""
    if one is None:
        return other
    calls = dict(one.calls)
    for action, count in other.calls.items():
        calls[action] = calls.get(action, 0) + count
    since, until = min(one.since_ms, other.since_ms), max(one.until_ms, other.until_ms)
    return Gap(calls=calls, refused=one.refused + other.refused, since_ms=since, until_ms=until, why=one.why)
