"""A request as the gate's application gets it, as `Arrived`: with what the edge tells beside it.

What the edge tells in `X-Startgate-Peer` and `X-Startgate-Receipt` is believed, because nobody else can connect: the
socket has mode 0600, and the edge drops headers of these names that clients send. `X-Startgate-Plan` is a client's own.
"""

import secrets

from aiohttp import web

from proxy.gate.request import EXPLAIN_HEADER, PLAN_HEADER, Arrived, header_text
from proxy.tracing.current import Span

PEER_HEADER = "x-startgate-peer"
RECEIPT_HEADER = "x-startgate-receipt"
SUBJECT_HEADER = "x-startgate-tls-subject"
FRONT_HEADER = "x-startgate-front"
OWN_HEADERS = b"x-startgate-"


def sent_along(request: web.Request) -> tuple[tuple[str, str], ...]:
    """The client's headers, in order, without those between edge and gate."""
    return tuple(
        (header_text(name), header_text(value))
        for name, value in request.raw_headers
        if not name.lower().startswith(OWN_HEADERS)
    )


def arrived(request: web.Request, body: bytes, span: Span | None) -> Arrived:
    """The start; `span` is the one that was begun for it, None where it is not traced."""
    return Arrived(
        target=request.raw_path,
        headers=sent_along(request),
        body=body,
        peer=request.headers.get(PEER_HEADER, ""),
        receipt=request.headers.get(RECEIPT_HEADER) or secrets.token_hex(16),
        certificate=request.headers.get(SUBJECT_HEADER, ""),
        front=request.headers.get(FRONT_HEADER, ""),
        plan=_values(request, PLAN_HEADER),
        explain=_values(request, EXPLAIN_HEADER),
        span=span.ids if span is not None else None,
    )


def _values(request: web.Request, name: str) -> tuple[str, ...]:
    return tuple(header_text(value) for key, value in request.raw_headers if key.lower() == name.encode())
