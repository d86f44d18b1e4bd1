"""Where a body ends, decided from the head alone (RFC 9112 §6.3). In doubt the message is refused, never guessed.

A framing is an `int`: a number of bytes (0: no body), or one of `CHUNKED` and `UNTIL_CLOSE`.
"""

from collections.abc import Sequence
from typing import Final

from proxy.wire.errors import WireError

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

# 10^18 bytes is far above any body and below 2^63, where implementations begin to wrap round.
_LENGTH_DIGITS: Final = 18


def request_framing(lengths: Sequence[bytes], codings: Sequence[bytes], *, minor: int) -> int:
    """The framing of a request's body. Raises WireError: 400, or 501 for a transfer coding other than chunked."""
    if codings:
        return _chunked(lengths, codings, minor=minor)
    if lengths:
        return _length(lengths)
    # RFC 9112 §6.3 (7): a request with neither has no body.
    return 0


def answer_framing(lengths: Sequence[bytes], codings: Sequence[bytes], *, minor: int, status: int, head: bool) -> int:
    """The framing of an answer's body; `head` says that it answers a HEAD request. Raises WireError."""
    length = _length(lengths) if lengths else UNTIL_CLOSE
    if codings:
        length = _chunked(lengths, codings, minor=minor)
    if status < 200 or status == 204:
        # RFC 9110 §8.6 and RFC 9112 §6.1: no Content-Length and no Transfer-Encoding here. A zero is harmless.
        if length not in (0, UNTIL_CLOSE):
            raise WireError("an answer without a body announces one")
        return 0
    # RFC 9112 §6.3 (1): these end with the head, whatever it says of the body that GET would have got.
    if head or status == 304:
        return 0
    # RFC 9112 §6.3 (8): an answer with neither ends when the connection does.
    return length


def _length(lengths: Sequence[bytes]) -> int:
    # RFC 9112 §6.3 (5) lets a recipient accept `5, 5`; a second value has no honest use, so every list is refused.
    if len(lengths) > 1:
        raise WireError("there is more than one Content-Length header")
    # RFC 9110 §8.6: 1*DIGIT. bytes.isdigit knows ASCII digits only.
    if not lengths[0].isdigit() or len(lengths[0]) > _LENGTH_DIGITS:
        raise WireError("Content-Length is not a number of bytes")
    return int(lengths[0])


def _chunked(lengths: Sequence[bytes], codings: Sequence[bytes], *, minor: int) -> int:
    if lengths:
        # RFC 9112 §6.3 (3): both may be an attempt at smuggling. Elasticsearch takes chunked; we take neither.
        raise WireError("there are both Content-Length and Transfer-Encoding")
    if minor == 0:
        # RFC 9112 §6.1: HTTP/1.0 has no transfer codings; the framing is faulty.
        raise WireError("Transfer-Encoding is not allowed in HTTP/1.0")
    if len(codings) == 1 and codings[0].lower() == b"chunked":
        return CHUNKED
    final = codings[-1].lower().rpartition(b",")[2].strip(b" \t")
    if final != b"chunked":
        # RFC 9112 §6.3 (4): without chunked as the last coding the length cannot be known.
        raise WireError("the last transfer coding is not chunked")
    # RFC 9112 §6.1: a coding that is not understood is answered with 501.
    raise WireError("a transfer coding other than chunked is not supported", status=501)
