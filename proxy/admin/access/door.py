"""From a request to its viewer, and the life of sessions.

Rules of this file: whatever is not clearly right is nobody's; a role is found anew for each credential and again while
a session lasts; a session that cannot be checked may only read; no credential outlives its session.
"""

import getpass
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from aiohttp import web

from proxy.admin.access import cookies, proof
from proxy.admin.access.acts import Acts, act_of
from proxy.admin.access.failures import UNDER_NAME, Failures
from proxy.admin.access.proof import Proof, Way
from proxy.admin.access.sessions import Session, Sessions
from proxy.admin.access.tokens import Tokens
from proxy.admin.api import ANONYMOUS, ApiError, Role, Viewer
from proxy.control.acts import SIGN_IN, SIGN_OUT
from proxy.control.peer import peer_of
from proxy.settings import AdminLimits

logger = logging.getLogger(__name__)

# The header of what a page's script asks for by itself, without anybody doing anything.
BACKGROUND: Final = "x-startgate-background"
SOCKET_REALM: Final = "startgate:socket"
# What scripts show with each call is asked of the cluster this often.
SHOWN_S: Final = 30.0
SHOWN: Final = 1000
# A cluster that is away is not asked for each request of each session.
AGAIN_S: Final = 10.0
UNCHECKED: Final = "the cluster does not answer: until it does, you can only read"
UNRECORDED: Final = "your sign-in is not on record, since the gate does not take it: you can only read; sign in again"


class Asks(Protocol):
    """Whose credentials of the cluster these are (`cluster.Realm`)."""

    async def viewer(self, proof: Proof) -> Viewer:
        """Raises ApiError."""
        ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has just begun: its viewer, the id that is the browser's, and why it can do less than it might."""

    viewer: Viewer
    id: str = field(repr=False)
    lowered: str = ""


class Door:
    """Lets viewers in. `clock` gives seconds that never go back."""

    def __init__(
        self,
        limits: AdminLimits,
        cluster: Asks,
        tokens: Tokens,
        acts: Acts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._cluster = cluster
        self._tokens = tokens
        self._acts = acts
        self._clock = clock
        self._failures = Failures(limits)
        self._sessions = Sessions(limits, clock)
        self._key = secrets.token_bytes(32)
        self._shown: OrderedDict[bytes, tuple[Viewer, float]] = OrderedDict()
        self._noted_until_s: OrderedDict[bytes, float] = OrderedDict()
        self._local = Viewer(name=_own_name(), realm=SOCKET_REALM, role=Role.WRITE)

    async def viewer(self, request: web.Request) -> Viewer:
        """Who asks; `ANONYMOUS` where nothing is shown, or a session that is over.

        Raises:
            ApiError: what is shown is not right (401), may see nothing (403), cannot be checked (503), or too much was
                wrong before (429).
        """
        if is_local(request):
            peer = peer_of(request.transport)
            if peer is None or peer.uid != os.geteuid():
                raise ApiError(403, "only the user whom Startgate runs as is served here")
            return self._local
        shown = request.headers.getall("authorization", [])
        if len(shown) > 1:
            raise ApiError(400, "several credentials are none", where="Authorization")
        if shown:
            return await self._by_header(shown[0], address_of(request))
        id = cookies.session_id(request)
        # A page that is left open asks by itself: that is no use of the session, which ends for want of it.
        session = self._sessions.seen(id) if BACKGROUND in request.headers else self._sessions.find(id)
        return ANONYMOUS if session is None else await self._checked(session)

    async def sign_in(self, request: web.Request, shown: Proof) -> SignedIn:
        """Begin a session for what is shown; one that the request has already ends. Raises ApiError as `viewer`."""
        address = address_of(request)
        viewer = await self._charged(shown, address)
        lowered = await self._on_record(viewer, address)
        # Not to be used by whoever made the browser keep the old id.
        old = cookies.session_id(request)
        before = self._sessions.find(old) if old else None
        if before is not None:
            self._sessions.end(before.viewer.session)
        known = replace(viewer, role=min(viewer.role, Role.READ)) if lowered else viewer
        id, session = self._sessions.begin(known, shown)
        session.lowered = lowered
        logger.info("admin: %s (%s) has signed in from %s", viewer.name, viewer.realm, address)
        return SignedIn(session.viewer, id, lowered)

    async def sign_out(self, request: web.Request, viewer: Viewer) -> None:
        """End the viewer's session, if there is one. It ends in any case; that it did is told to the gate."""
        if viewer.session and self._sessions.end(viewer.session):
            try:
                await self._acts.done(act_of(SIGN_OUT, viewer, address_of(request)))
            except ApiError:
                # It is in the log. A session that goes on for want of a record would be worse.
                return

    async def still_allowed(self, viewer: Viewer) -> bool:
        """Whether somebody who was let in for something that lasts would be let in now, with the same role at least.
        That something lasts is no use of a session."""
        if viewer.session:
            session = self._sessions.peek(viewer.session)
            return session is not None and (await self._checked(session)).role >= viewer.role
        if viewer.realm == SOCKET_REALM:
            return True
        if viewer.authorization is None:
            # A token of its own, or nobody: a token that was taken away is no longer there under its name.
            return viewer.role is Role.ANYBODY or await self._tokens.has(viewer)
        try:
            return (await self._by_credentials(proof.of_header(viewer.authorization))).role >= viewer.role
        except ApiError as error:
            return error.status == 503

    def cookie(self, request: web.Request, response: web.StreamResponse, signed: SignedIn) -> None:
        """Give the browser its id."""
        cookies.put(request, response, signed.id, self._limits.session_total_s)

    async def _by_header(self, value: str, address: str) -> Viewer:
        shown = proof.of_header(value)
        known = self._remembered(shown) if shown.way is Way.CLUSTER else None
        viewer = known or await self._charged(shown, address)
        self._note(viewer, shown, address)
        return viewer

    def _note(self, viewer: Viewer, shown: Proof, address: str) -> None:
        """Who shows credentials with each call has signed in as well: that is put on record once for as long as a
        session may last, from each address. Nobody waits for it: what they do has a record of its own, or is not done.
        Raises ApiError 429."""
        mark, now_s = self._mark(shown) + address.encode(), self._clock()
        if now_s < self._noted_until_s.get(mark, 0.0):
            return
        self._acts.noted(act_of(SIGN_IN, viewer, address))
        self._noted_until_s[mark] = now_s + self._limits.session_total_s
        if len(self._noted_until_s) > SHOWN:
            self._noted_until_s.popitem(last=False)

    async def _charged(self, shown: Proof, address: str) -> Viewer:
        """Whose it is, within what an address and a name may fail. A right token comes in however many guesses its
        address has made: it cannot be guessed, and is the way in when all else is locked."""
        if shown.way is Way.TOKEN and (known := await self._tokens.viewer(shown.secret)) is not None:
            return known
        name, now_s = proof.name_of(shown), self._clock()
        try:
            self._failures.charge(f"{_bracketed(address)}:0", name, now_s)
            viewer = await self._judged(shown)
        except ApiError as error:
            if error.status in (401, 429):
                self._acts.failed(address, error.reason, name if error.reason == UNDER_NAME else "")
            if error.status not in (401, 429):
                # The cluster is away, or knows them and lets them see nothing: no guess.
                self._failures.refund(f"{_bracketed(address)}:0", name, now_s)
            raise
        self._failures.refund(f"{_bracketed(address)}:0", name, now_s)
        return viewer

    async def _judged(self, shown: Proof) -> Viewer:
        if shown.way is Way.TOKEN:
            viewer = await self._tokens.viewer(shown.secret)
            if viewer is None:
                raise ApiError(401, "this token is not right")
            return viewer
        return await self._by_credentials(shown)

    async def _by_credentials(self, shown: Proof) -> Viewer:
        known = self._remembered(shown)
        if known is not None:
            return known
        viewer = await self._cluster.viewer(shown)
        # Without what they showed: that is in the next call again.
        self._shown[self._mark(shown)] = (replace(viewer, authorization=None), self._clock())
        if len(self._shown) > SHOWN:
            self._shown.popitem(last=False)
        return viewer

    def _remembered(self, shown: Proof) -> Viewer | None:
        mark = self._mark(shown)
        held = self._shown.get(mark)
        if held is None:
            return None
        if self._clock() - held[1] >= SHOWN_S:
            del self._shown[mark]
            return None
        return replace(held[0], authorization=shown.secret)

    def _mark(self, shown: Proof) -> bytes:
        return hmac.digest(self._key, shown.secret.encode(errors="surrogatepass"), hashlib.sha256)

    async def _checked(self, session: Session) -> Viewer:
        """The viewer of a session, with the role of now."""
        if self._is_due(session):
            async with session.turn:
                if self._is_due(session):
                    await self._check(session)
        return session.viewer

    def _is_due(self, session: Session) -> bool:
        # To ask whether a token is still one costs nothing.
        is_token = session.proof.way is Way.TOKEN
        return is_token or self._clock() - session.checked_s >= self._limits.session_check_s

    async def _check(self, session: Session) -> None:
        try:
            found = await self._judged(session.proof)
        except ApiError as error:
            if error.status == 503:
                # Who reads may go on: it is now that they want to see what is wrong.
                session.viewer = replace(session.viewer, role=min(session.viewer.role, Role.READ))
                session.checked_s = self._clock() - self._limits.session_check_s + AGAIN_S
                return
            logger.info("admin: the session of %s ends: %s", session.viewer.name, error.reason)
            self._sessions.end(session.viewer.session)
            session.viewer = ANONYMOUS
            return
        role = min(found.role, Role.READ) if session.lowered else found.role
        session.viewer = replace(session.viewer, role=role)
        session.checked_s = self._clock()

    async def _on_record(self, viewer: Viewer, address: str) -> str:
        """Why somebody may do less than their role says: a sign-in that is not on record changes nothing."""
        try:
            await self._acts.done(act_of(SIGN_IN, viewer, address))
        except ApiError as error:
            if error.status == 429:
                raise
            return UNRECORDED if viewer.role > Role.READ else ""
        return ""


def is_local(request: web.Request) -> bool:
    """Whether a request came over the Unix socket."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return isinstance(name, str | bytes)


def address_of(request: web.Request) -> str:
    """The address of whoever connected, without a port; empty for a Unix socket."""
    name = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else ""


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return str(os.geteuid())
