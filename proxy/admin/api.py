"""What an endpoint of the admin port is: its place, who may call it, what it takes and what it answers.

One table of them (`server`) is served, described as OpenAPI (`openapi`) and tested against that description. The pages
show the same values, as HTML.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from aiohttp import web


class Role(IntEnum):
    """What a viewer may do; a higher role may do what a lower one may."""

    # Whoever can connect.
    ANYBODY = 0
    # Known to the cluster: sees the starts that they made themselves.
    OWN = 1
    # Sees everything.
    READ = 2
    # Changes something, too: rules read again, levels of the log.
    WRITE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks. `name` and `realm` are as the cluster names them; a bearer token's or the local operator's name has a
    realm of ours, which none of the cluster's can be called: `startgate:token`, `startgate:socket`.

    `authorization` is the value of the header by which the cluster knows the viewer, for calls in their own name; None
    where they are no user of the cluster. `csrf` has to come with every change that a browser asks for; empty where no
    cookie names the viewer.
    """

    name: str
    realm: str
    role: Role
    authorization: str | None = field(default=None, repr=False)
    csrf: str = field(default="", repr=False)
    # What their session is kept under; empty where there is none. The door's alone.
    session: str = field(default="", repr=False)
    # The digest of a bearer token that was shown. The door's alone.
    mark: bytes = field(default=b"", repr=False, compare=False)


ANONYMOUS = Viewer(name="", realm="", role=Role.ANYBODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, checked: `path` holds the parts of the path by name, `query` and `body` are values of the endpoint's
    types (None where it has none)."""

    viewer: Viewer
    path: Mapping[str, str]
    query: Any
    body: Any
    request: web.Request


# Answers a value that is told as JSON, with status 200; or a response as it is to be sent.
Handler = Callable[[Call], Awaitable[object]]


HTML: Final = "text/html"
# Of a body: a form, or some settings.
BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path (`/v1/starts/{receipt}`).

    `query` and `body` are msgspec structs or frozen dataclasses, None where there is none; `answer` is the type of the
    value that is answered, None where it is no JSON (`media_type` says what it is, and `also` what it is if that is
    asked for). `statuses` are those of errors that the endpoint itself answers, beside those that all have (400, 401,
    403, 404, 429, 500, 503 as they apply).

    One whose `media_type` is `HTML` is a page: its body is a form (the field `csrf` of it is checked and taken out),
    its errors are told as pages, and it is no part of the API's description.

    `act` is the name under which a call is recorded in the journal before it is served; where the record is not taken,
    the call is refused with 503. `body_bytes` bounds the body. `opens`: it needs no token of a session, since it makes
    one.
    """

    method: str
    path: str
    role: Role
    handler: Handler
    summary: str
    query: type | None = None
    body: type | None = None
    answer: Any = None
    media_type: str = "application/json"
    also: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    act: str = ""
    body_bytes: int = BODY_BYTES
    opens: bool = False

    @property
    def changes(self) -> bool:
        """Whether it changes something, so that a browser has to prove that a page of ours asked for it."""
        return self.method not in ("GET", "HEAD")

    @property
    def is_page(self) -> bool:
        """Whether it answers people, and not programs."""
        return self.media_type == HTML


class ApiError(Exception):
    """A call that is not served. `where` is the field, parameter or part of the path that is wrong, empty where it is
    none; `allowed` what may stand there; `hint` what to do; `headers` are added to the answer."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        where: str = "",
        allowed: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.headers = dict(headers or {})
        self.status = status
        self.reason = reason
        self.where = where
        self.allowed = allowed
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """How an error is told in JSON."""

    status: int
    reason: str
    where: str = ""
    allowed: str = ""
    hint: str = ""
