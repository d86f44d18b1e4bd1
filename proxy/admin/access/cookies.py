"""The cookie that holds a session's id.

`__Host-` (RFC 6265bis §4.1.3.2): browsers take it over TLS only, for this host alone, for all paths; no page of a
neighbour's can set it. On plain loopback there is no such name, and whoever serves on another port of the machine can
set cookies for ours: an id is made here only, and two cookies of the name are none.
"""

from typing import Final

from aiohttp import web

SECURE: Final = "__Host-startgate"
PLAIN: Final = "startgate"


def name_of(request: web.Request) -> str:
    """The cookie's name on this connection."""
    return SECURE if request.secure else PLAIN


def session_id(request: web.Request) -> str:
    """The id that a request shows; empty where it shows none, or several."""
    wanted = name_of(request)
    found = [
        value.strip()
        for header in request.headers.getall("cookie", [])
        for name, _, value in (pair.partition("=") for pair in header.split(";"))
        if name.strip() == wanted
    ]
    return found[0] if len(found) == 1 else ""


def put(request: web.Request, response: web.StreamResponse, value: str, max_age_s: float) -> None:
    """Have the browser keep an id."""
    response.set_cookie(
        name_of(request),
        value,
        max_age=int(max_age_s),
        path="/",
        secure=request.secure,
        httponly=True,
        samesite="Strict",
    )


def remove(request: web.Request, response: web.StreamResponse) -> None:
    """Have the browser forget it."""
    response.del_cookie(name_of(request), path="/", secure=request.secure, httponly=True, samesite="Strict")
