"""`/sign-in` and `/sign-out`: the same as `/v1/session`, for people. How the form looks is the pages' business."""

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from proxy.admin.access import cookies
from proxy.admin.access.door import Door
from proxy.admin.access.origin import safe_next
from proxy.admin.api import HTML, ApiError, Call, Endpoint, Role, Viewer
from proxy.admin.endpoints.session import SignIn, shown

HOW = "With a user of the Elasticsearch cluster that Startgate stands in front of, an API key of theirs, or a token."
PATH = "/sign-in"


class SignInPage(Protocol):
    """Renders the form (`pages.routes.Pages.sign_in`)."""

    def __call__(
        self,
        viewer: Viewer,
        csrf: str,
        next_path: str,
        *,
        how: str,
        problem: ApiError | None = None,
        username: str = "",
    ) -> web.Response:
        """The page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Where to go after signing in."""

    next: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(SignIn):
    """The form's fields."""

    next: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A form without fields but its token."""


def endpoints(door: Door, page: SignInPage) -> list[Endpoint]:
    """All of them."""

    async def show(call: Call) -> web.Response:
        return page(call.viewer, call.viewer.csrf, safe_next(call.query.next), how=HOW)

    async def enter(call: Call) -> web.Response:
        given: Form = call.body
        back = safe_next(given.next)
        try:
            signed = await door.sign_in(call.request, shown(given))
        except ApiError as error:
            response = page(call.viewer, call.viewer.csrf, back, how=HOW, problem=error, username=given.username[:1024])
            response.headers.update(error.headers)
            return response
        response = web.Response(status=303, headers={"Location": back})
        door.cookie(call.request, response, signed)
        return response

    async def leave(call: Call) -> web.Response:
        await door.sign_out(call.request, call.viewer)
        response = web.Response(status=303, headers={"Location": PATH})
        cookies.remove(call.request, response)
        # Pages that the browser still holds are thrown away with it.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    return [
        Endpoint(
            method="GET", path=PATH, role=Role.ANYBODY, handler=show, summary="The form.", media_type=HTML, query=Next
        ),
        Endpoint(
            method="POST",
            path=PATH,
            role=Role.ANYBODY,
            handler=enter,
            summary="Sign in with the form: the answer has a cookie.",
            media_type=HTML,
            body=Form,
            opens=True,
        ),
        Endpoint(
            method="POST",
            path="/sign-out",
            role=Role.ANYBODY,
            handler=leave,
            summary="Sign out: the session of the cookie ends.",
            media_type=HTML,
            body=Nothing,
        ),
    ]
