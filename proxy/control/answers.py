"""How the control API answers."""

import msgspec
from aiohttp import web


def answer(status: int, content: object) -> web.Response:
    """A value of ours as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


def error(status: int, text: str) -> web.Response:
    """Why a call is not served."""
    return answer(status, {"error": text})
