"""An exchange that the gate is told of: PUT, `_update`, `_stop` and DELETE of a data frame analytics job.

Not a byte of request or answer is changed. The answer's head waits until the gate has its note on record, or for
`observe_wait_s`: a start that a client sends after the answer then finds who the job's owner is.
See docs/decisions/117-how-calls-are-observed.md.
"""

import re
import time
from dataclasses import dataclass
from typing import Final

from proxy.edge.exchange import Exchange
from proxy.edge.notes import Notes
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.upstream import UpstreamConnection
from proxy.notes import Note
from proxy.wire.answer import AnswerHead
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead

_FIELD = re.compile(rb"\n([^:]*): ([^\r]*)\r")

# Of an answer that waits; with more than this at hand no more is read. Answers to these calls are a few KiB.
_HELD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Observation:
    """What a note needs beside the request: the call's name, who asks (`ip:port`), the client's certificate as
    `clientcert.told` words it, whom to tell, and the front that stands between, empty where none does."""

    action: str
    peer: str
    certificate: str
    notes: Notes
    front: str = ""


class ObservedExchange(Exchange):
    """See the top of the file."""

    __slots__ = ("_began_ms", "_full", "_gone", "_lost", "_observation", "_told", "_waiting")

    def __init__(
        self, client: ClientSide, head: RequestHead, target: Target, limits: HeadLimits, observation: Observation
    ) -> None:
        super().__init__(client, head, target, limits)
        self._observation = observation
        self._began_ms = _now_ms()
        self._told = False
        self._waiting: tuple[AnswerHead, bytes] | None = None  # the answer as far as it has come
        self._full = False  # so much of it waits that no more was read
        self._lost: bool | None = None  # whether the server's connection ended in order, where it ended meanwhile
        self._gone: UpstreamConnection | None = None  # that connection

    def answer_data(self, data: bytes) -> None:
        """From the server's connection: bytes of the answer."""
        if self._waiting is None:
            super().answer_data(data)
        else:
            self._hold(self._waiting[0], self._waiting[1] + data)

    def upstream_lost(self, *, clean: bool) -> None:
        """From the server's connection: it is gone."""
        if self._waiting is None:
            super().upstream_lost(clean=clean)
        else:
            # Its node counts it no more: whatever ends this exchange must not give it back.
            self._gone, self._upstream = self._upstream, None
            self._lost = clean

    def client_lost(self) -> None:
        """From the client's connection: it is gone. What it asked for may be done all the same."""
        self._tell(None)
        self._waiting = None
        super().client_lost()

    def _begin_answer(self, answer: AnswerHead, data: bytes) -> None:
        self._hold(answer, data)
        if not self.request_done:
            # As for an answer that goes out at once: a server that has answered is sent nothing more, which it might
            # take for the next request.
            self._drain_request()
        self._tell(answer.status)

    def _hold(self, answer: AnswerHead, data: bytes) -> None:
        """Reading goes on within a bound: what a server sends behind its answer, and its end, must be seen before the
        connection is used again."""
        self._waiting = (answer, data)
        if len(data) > _HELD_BYTES and self._upstream is not None:
            self._full = True
            self._upstream.transport.pause_reading()

    def _reusable(self, upstream: UpstreamConnection) -> bool:
        # Over TLS more may have been received than was told while nothing was to be read.
        return not self._full and super()._reusable(upstream)

    def _fail(self, status: int, type: str, reason: str, why: Reason) -> None:
        self._tell(None)
        self._waiting = None
        super()._fail(status, type, reason, why)

    def _tell(self, status: int | None) -> None:
        """Once, and only of what the cluster has seen something of."""
        if self._told or not self._sent:
            return
        self._told = True
        head, observation = self._head, self._observation
        note = Note(
            action=observation.action,
            method=head.method.decode("latin-1"),
            target=head.target.decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in _headers(head)),
            peer=observation.peer,
            front=observation.front,
            certificate=observation.certificate,
            status=status,
            began_ms=self._began_ms,
            answered_ms=_now_ms(),
        )
        observation.notes.tell(note, self._go_on)

    def _go_on(self) -> None:
        """The answer may go out, if it has not. Called any number of times."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._over:
            return
        upstream = self._upstream
        if upstream is not None and self._full and not self._client.write_paused:
            upstream.transport.resume_reading()
        super()._begin_answer(*waiting)
        if self._lost is not None and not self._over:
            self._upstream = self._gone
            super().upstream_lost(clean=self._lost)


def _headers(head: RequestHead) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = _FIELD.findall(head.section)
    return found


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
