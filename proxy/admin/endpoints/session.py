"""`/v1/session`: who somebody is here, signing in, signing out."""

from dataclasses import dataclass

from aiohttp import web

from proxy.admin.access import cookies, proof
from proxy.admin.access.door import Door
from proxy.admin.access.proof import Proof, Way
from proxy.admin.api import ApiError, Call, Endpoint, Role, Viewer
from proxy.admin.dispatch import json_answer

PATH = "/v1/session"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What somebody shows: a user of the cluster with a password, or an API key of the cluster's, or a token from
    `admin.tokens`; one of the three."""

    username: str = ""
    password: str = ""
    api_key: str = ""
    token: str = ""

    def __repr__(self) -> str:
        """Without what it holds."""
        return "SignIn(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who a viewer is. `role` is `anybody`, `own`, `read` or `write`. `csrf` has to come with each change that is asked
    for with this session's cookie (`X-Startgate-CSRF`); empty where no cookie names the viewer. `lowered` says why the
    role is below what it might be; empty where it is not."""

    name: str
    realm: str
    role: str
    csrf: str
    lowered: str = ""


def shown(given: SignIn) -> Proof:
    """What somebody shows, as it is checked. Raises ApiError 400."""
    password = bool(given.username or given.password)
    if password + bool(given.api_key) + bool(given.token) != 1:
        allowed = "username and password, or api_key, or token"
        raise ApiError(400, "a sign-in shows one thing", where="username", allowed=allowed)
    if given.token:
        return Proof(Way.TOKEN, given.token.strip())
    return proof.api_key(given.api_key) if given.api_key else proof.basic(given.username, given.password)


def told(viewer: Viewer, lowered: str = "") -> Session:
    """A viewer as the API tells them."""
    return Session(
        name=viewer.name, realm=viewer.realm, role=viewer.role.name.lower(), csrf=viewer.csrf, lowered=lowered
    )


def endpoints(door: Door) -> list[Endpoint]:
    """All of them."""

    async def who(call: Call) -> Session:
        return told(call.viewer)

    async def sign_in(call: Call) -> web.Response:
        signed = await door.sign_in(call.request, shown(call.body))
        response = json_answer(200, told(signed.viewer, signed.lowered))
        door.cookie(call.request, response, signed)
        return response

    async def sign_out(call: Call) -> web.Response:
        await door.sign_out(call.request, call.viewer)
        response = json_answer(200, told(Viewer(name="", realm="", role=Role.ANYBODY)))
        cookies.remove(call.request, response)
        return response

    return [
        Endpoint(
            method="GET",
            path=PATH,
            role=Role.ANYBODY,
            handler=who,
            summary="Who you are here, and what you may do.",
            answer=Session,
        ),
        Endpoint(
            method="POST",
            path=PATH,
            role=Role.ANYBODY,
            handler=sign_in,
            summary="Sign in: the answer has a cookie.",
            body=SignIn,
            answer=Session,
            opens=True,
        ),
        Endpoint(
            method="DELETE",
            path=PATH,
            role=Role.ANYBODY,
            handler=sign_out,
            summary="Sign out: the session of the cookie ends.",
            answer=Session,
        ),
    ]
