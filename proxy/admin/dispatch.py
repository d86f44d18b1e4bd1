"""From the table of endpoints to an application: every call goes through the same steps, in one order.

1. by which name and from which page it is called (`access.origin`), 2. who calls (`access.door`), 3. whether they may,
4. what is asked for (`decoding`), 5. whether a page of ours asked for a change, 6. the record of it, 7. the answer.

Whatever goes wrong is told as `ErrorAnswer`, or as a page where a page was asked for. A fault of ours is told by an id
alone, under which the log has it.
"""

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from proxy.admin.access import headers, origin
from proxy.admin.access.acts import Acts, act_of
from proxy.admin.access.door import Door, address_of, is_local
from proxy.admin.access.origin import Hosts
from proxy.admin.api import ANONYMOUS, HTML, ApiError, Call, Endpoint, ErrorAnswer, Role, Viewer
from proxy.admin.decoding import FORM, JSON, body_of, check_media, form_of, json_of, query_of
from proxy.settings import AdminLimits

logger = logging.getLogger(__name__)

CSRF_HEADER: Final = "x-startgate-csrf"
SIGN_IN_PAGE: Final = "/sign-in"
VIEWER: Final = web.RequestKey("viewer", Viewer)
CALL: Final = web.RequestKey("call", Call)
# What says whom it is about, and is masked in the record where users are.
USER_FIELD: Final = "user"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# A page that tells an error to a viewer; called with the request, who asks, and what is wrong.
ErrorPage = Callable[[web.Request, Viewer, ApiError], web.StreamResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """All that is served: endpoints, of which some are pages, the page of an error, and plain handlers for whoever has
    a role (`/metrics`, `/health/…`). `ending` ends what lasts, such as feeds, before connections are closed: else
    all wait for it, and are cut off."""

    endpoints: tuple[Endpoint, ...] = ()
    plain: Mapping[str, tuple[Handler, Role]]
    error_page: ErrorPage | None = None
    ending: Callable[[], None] = lambda: None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path, as it is told to whoever asks for another."""
        return tuple(dict.fromkeys([*self.plain, *(one.path for one in self.endpoints)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a call has to get past."""

    door: Door
    acts: Acts
    hosts: Hosts
    limits: AdminLimits


def make_app(surface: Surface, guard: Guard) -> web.Application:
    """The application. Raises ValueError: two of the table have the same place."""
    dispatcher = _Dispatcher(surface, guard)
    app = web.Application(middlewares=[dispatcher.errors], client_max_size=0)
    app.on_response_prepare.append(headers.put)

    async def end(_app: web.Application) -> None:
        surface.ending()

    app.on_shutdown.append(end)
    for path, (handler, role) in surface.plain.items():
        app.router.add_get(path, dispatcher.plain(handler, role))
    taken: set[tuple[str, str]] = set()
    for one in surface.endpoints:
        for method in (one.method, "HEAD") if one.method == "GET" else (one.method,):
            if (method, one.path) in taken:
                raise ValueError(f"{method} {one.path} is there twice")
            taken.add((method, one.path))
            app.router.add_route(method, one.path, dispatcher.served(one))
    return app


class _Dispatcher:
    def __init__(self, surface: Surface, guard: Guard) -> None:
        self._surface = surface
        self._guard = guard

    @web.middleware
    async def errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tells whatever goes wrong."""
        try:
            return await handler(request)
        except ApiError as error:
            return self._told(request, error)
        except web.HTTPException as refusal:
            return self._told(request, _not_here(request, refusal, self._surface.paths))
        except ConnectionError:
            raise
        except Exception as failure:  # whatever it is, it is told by its id alone
            id = secrets.token_hex(8)
            logger.error("admin: %s %s failed (%s)", request.method, request.path, id, exc_info=failure)
            return self._told(request, ApiError(500, f"an internal error; the log tells of it under {id}"))

    def plain(self, handler: Handler, role: Role) -> Handler:
        """What has no table: open to whoever can connect, or to viewers with a role."""

        async def serve(request: web.Request) -> web.StreamResponse:
            if origin.is_from_browser(request) and not is_local(request):
                # Probes and scrapers call us by names that nobody told us. A page of somebody else's that has such a
                # name resolve to this address would read with a browser what only this network may.
                self._guard.hosts.check(request)
            if role is not Role.ANYBODY:
                await self._admitted(request, role, page=False, changes=False)
            return await handler(request)

        return serve

    def served(self, one: Endpoint) -> Handler:
        """The handler of an entry of the table."""

        async def serve(request: web.Request) -> web.StreamResponse:
            viewer = await self._admitted(request, one.role, page=one.is_page, changes=one.changes)
            call = await self._call(one, request, viewer)
            if request.method == "HEAD" and one.media_type not in (JSON, HTML):
                # What streams would stream into nothing; it exists, and the viewer may have it.
                return web.Response(content_type=one.media_type)
            if one.act:
                await self._guard.acts.done(_act(one, call))
            answered = await one.handler(call)
            return answered if isinstance(answered, web.StreamResponse) else json_answer(200, answered)

        return serve

    async def _admitted(self, request: web.Request, role: Role, *, page: bool, changes: bool) -> Viewer:
        """Who asks, where they may. Raises ApiError."""
        if not is_local(request):
            self._guard.hosts.check(request)
            if changes:
                origin.check_change(request)
            else:
                origin.check_read(request, page=page)
        viewer = await self._guard.door.viewer(request)
        request[VIEWER] = viewer
        if viewer.role >= role:
            return viewer
        if viewer.role is Role.ANYBODY:
            raise ApiError(401, "sign in first, or show a token", hint="docs/admin.md tells how")
        text = f"this takes the role {role.name.lower()}, and you have {viewer.role.name.lower()}"
        raise ApiError(403, text, hint="admin.access says who has which role")

    async def _call(self, one: Endpoint, request: web.Request, viewer: Viewer) -> Call:
        query = query_of(request, one.query)
        body, token = await self._body(one, request) if one.changes else (None, "")
        if one.changes and viewer.csrf and not one.opens:
            shown = request.headers.get(CSRF_HEADER, token)
            if not hmac.compare_digest(shown.encode(errors="replace"), viewer.csrf.encode()):
                text = "the token against forged requests is missing or not that of your session"
                raise ApiError(403, text, where=CSRF_HEADER, hint="load the page again")
        return Call(viewer=viewer, path=dict(request.match_info), query=query, body=body, request=request)

    async def _body(self, one: Endpoint, request: web.Request) -> tuple[Any, str]:
        body = await body_of(request, one.body_bytes, self._guard.limits.body_s)
        if one.is_page:
            if body:
                check_media(request, FORM)
            return form_of(body, one.body)
        if one.body is not None:
            check_media(request, JSON)
        return json_of(body, one.body), ""

    def _told(self, request: web.Request, error: ApiError) -> web.StreamResponse:
        """An error as whoever asked can read it. A page that asks for somebody known leads to where they sign in."""
        viewer = request.get(VIEWER, ANONYMOUS)
        as_page = not _is_api(request) and "text/html" in request.headers.get("accept", "")
        if error.status == 401 and as_page and viewer is ANONYMOUS and request.path != SIGN_IN_PAGE:
            back = origin.safe_next(request.raw_path) if request.method in ("GET", "HEAD") else "/"
            target = SIGN_IN_PAGE if back == "/" else f"{SIGN_IN_PAGE}?next={quote(back, safe='')}"
            return web.Response(status=303, headers={"Location": target})
        if as_page and self._surface.error_page is not None:
            response = self._surface.error_page(request, viewer, error)
        else:
            response = error_answer(error)
        for name, value in error.headers.items():
            response.headers[name] = value
        if error.status == 401 and not as_page and not origin.is_browser(request):
            # A browser would ask for a password by itself, and show it from then on with what any page asks for.
            response.headers["WWW-Authenticate"] = 'Basic realm="startgate", charset="UTF-8"'
        return response


def json_answer(status: int, content: object) -> web.Response:
    """A value of ours as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type=JSON)


def error_answer(error: ApiError) -> web.Response:
    """An error in JSON."""
    content = ErrorAnswer(
        status=error.status, reason=error.reason, where=error.where, allowed=error.allowed, hint=error.hint
    )
    return json_answer(error.status, content)


def _is_api(request: web.Request) -> bool:
    return request.path.startswith(("/v1/", "/health/", "/metrics"))


def _not_here(request: web.Request, refusal: web.HTTPException, paths: Iterable[str]) -> ApiError:
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(refusal.allowed_methods))
        return ApiError(405, f"{request.method} is not for this path", allowed=allowed, headers={"Allow": allowed})
    if refusal.status == 404:
        return ApiError(404, "there is nothing at this path", where="path", allowed=", ".join(paths))
    return ApiError(refusal.status, refusal.reason)


def _act(one: Endpoint, call: Call) -> Any:  # noqa: ANN401 -- control.acts.Act, which this module needs not know
    """What is recorded: who asks for what. The user whom a filter names stands apart: it may have to be masked."""
    asked = [
        (each.name, str(getattr(value, each.name)))
        for value in (call.query, call.body)
        if value is not None
        for each in fields(value)
        if getattr(value, each.name) not in ("", None)
    ]
    return act_of(
        one.act,
        call.viewer,
        address_of(call.request),
        asked=tuple(f"{name}={text}" for name, text in asked if name != USER_FIELD),
        asked_user=next((text for name, text in asked if name == USER_FIELD), ""),
    )
