"""What every answer says to browsers."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from proxy.admin.access.origin import LOCAL, host_name

# Nothing but what this port itself serves, and no script or style within a page: a text that somehow got into one as
# HTML could load, send and run nothing.
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    # Not `no-referrer`: with that, a browser sends `Origin: null` with every form (Fetch §3.1), also with ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": "startgate",
}
# A year, as all who judge it ask for.
HSTS: Final = "max-age=31536000"
# For what has its content in its name.
FOR_EVER: Final = "public, max-age=31536000, immutable"


async def put(request: web.Request, response: web.StreamResponse) -> None:
    """Sets them on any answer, just before its head is written."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    if request.secure and host_name(request.headers.get("host", "")) not in LOCAL:
        # Of `localhost` it would make browsers ask for TLS on every port of the machine.
        response.headers["Strict-Transport-Security"] = HSTS
