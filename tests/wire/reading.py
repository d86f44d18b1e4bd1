"""Every wire case is read three ways: whole, byte by byte, and with trailing bytes. All must agree."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from proxy.wire.answer import AnswerHead, decode_answer
from proxy.wire.body import BodyReader
from proxy.wire.errors import WireError
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead, decode_request

Head = TypeVar("Head", RequestHead, AnswerHead)
LIMITS = HeadLimits()
TRAILING = b"GET /other HTTP/1.1\r\n"


class Refused(NamedTuple):
    """Why a head was refused."""

    status: int
    reason: str


def _outcome(decode: Callable[[bytes], Head | None], data: bytes) -> Head | Refused | None:
    try:
        return decode(data)
    except WireError as fault:
        return Refused(fault.status, fault.reason)


def read_head(decode: Callable[[bytes], Head | None], data: bytes) -> Head | Refused | None:
    """The head, None while incomplete, or the refusal; the same however `data` arrives."""
    whole = _outcome(decode, data)
    steps = [_outcome(decode, data[:end]) for end in range(len(data) + 1)]
    settled = [step for step in steps if step is not None]
    if whole is None:
        assert settled == []
        assert _outcome(decode, b"") is None
        return None
    if isinstance(whole, Refused):
        # Refused as soon as it is clear, maybe for what is clear first; never taken for a head on the way.
        assert all(isinstance(step, Refused) for step in settled)
        assert settled[-1] == whole
        return whole
    assert settled == [whole]
    assert _outcome(decode, data + TRAILING) == whole
    return whole


def read_request(data: bytes, limits: HeadLimits = LIMITS) -> RequestHead:
    """The request head in `data`, which must be good."""
    head = read_head(lambda data: decode_request(data, limits), data)
    assert isinstance(head, RequestHead), head
    return head


def refuse_request(data: bytes, limits: HeadLimits = LIMITS) -> Refused:
    """Status and reason for which `data` is refused, which it must be."""
    fault = read_head(lambda data: decode_request(data, limits), data)
    assert isinstance(fault, Refused), fault
    return fault


def read_answer(data: bytes, *, head: bool = False, limits: HeadLimits = LIMITS) -> AnswerHead:
    """The answer head in `data`, which must be good."""
    answer = read_head(lambda data: decode_answer(data, limits, head=head), data)
    assert isinstance(answer, AnswerHead), answer
    return answer


def refuse_answer(data: bytes, *, head: bool = False, limits: HeadLimits = LIMITS) -> Refused:
    """Status and reason for which `data` is refused, which it must be."""
    fault = read_head(lambda data: decode_answer(data, limits, head=head), data)
    assert isinstance(fault, Refused), fault
    return fault


def read_body(make: Callable[[], BodyReader], data: bytes) -> tuple[bytes, bool]:
    """Payload of `data` and whether it ends the body; the same however it arrives."""
    reader = make()
    whole = reader.feed(data)
    single = make()
    pieces = b"".join(single.feed(data[at : at + 1]) for at in range(len(data)))
    assert (pieces, single.done) == (whole, reader.done)
    if reader.done:
        trailed = make()
        assert trailed.feed(data + TRAILING) == whole
        assert (trailed.done, trailed.rest) == (True, reader.rest + TRAILING)
    return whole, reader.done


def refuse_body(make: Callable[[], BodyReader], data: bytes) -> str:
    """The reason for which `data` is refused, which it must be, in one piece and byte by byte."""
    reasons = []
    for size in (len(data), 1):
        reader = make()
        try:
            for at in range(0, len(data), size):
                reader.feed(data[at : at + size])
        except WireError as fault:
            reasons.append(fault.reason)
    assert len(reasons) == 2, f"taken: {data!r}"
    assert reasons[0] == reasons[1]
    return reasons[0]
