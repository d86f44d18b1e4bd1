"""Errors that the edge answers itself, in Elasticsearch's shape."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from proxy.errors import error_body
from proxy.wire.answer import AnswerHead, encode_answer

# What Elasticsearch itself calls work that it has no room for (EsRejectedExecutionException).
OVERLOADED: Final = "es_rejected_execution_exception"

# In seconds. Most requests are over in less; whoever asks again sooner only makes it worse.
RETRY_AFTER: Final = (("retry-after", "1"),)


def error_answer(
    status: int,
    type: str,
    reason: str,
    *,
    head_only: bool = False,
    minor: int = 1,
    keep_alive: bool = False,
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A whole answer. `head_only`: it answers a HEAD request; `minor` and `keep_alive` as in `encode_answer`;
    `headers` are added."""
    body = json.dumps(error_body(status, type, reason), separators=(",", ":")).encode()
    lines = [("content-type", "application/json"), ("content-length", str(len(body))), *headers]
    section = "".join(f"\n{name}: {value}\r" for name, value in lines).encode("ascii")
    phrase = HTTPStatus(status).phrase.encode("ascii")
    answer = AnswerHead(status, phrase, section, len(body), True, 0)
    return encode_answer(answer, minor=minor, keep_alive=keep_alive) + (b"" if head_only else body)
