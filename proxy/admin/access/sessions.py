"""Sessions in memory: bounded in number and time.

An id has 256 bits and is known to the browser alone: here its SHA-256 is kept, so that nobody can take a session over
from what a core dump shows. Ids are made here only, one for each sign-in.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.admin.access.proof import Proof
from proxy.admin.api import Viewer
from proxy.settings import AdminLimits

logger = logging.getLogger(__name__)

ID_BYTES: Final = 32


@dataclass(slots=True, kw_only=True)
class Session:
    """One of them. Times are of a clock that never goes back, in seconds: when it began, was used, was checked."""

    viewer: Viewer
    proof: Proof
    began_s: float
    used_s: float
    checked_s: float
    # One check at a time, however many requests of it come at once.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    # It may not change anything, whatever the cluster says: why.
    lowered: str = ""


class Sessions:
    """All of them."""

    def __init__(self, limits: AdminLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        # By the time of their last use.
        self._held: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def begin(self, viewer: Viewer, proof: Proof) -> tuple[str, Session]:
        """A new one, and the id that is the browser's. The viewer gets a token against forged requests."""
        self._expire()
        self._make_room(viewer)
        id, now_s = secrets.token_urlsafe(ID_BYTES), self._clock()
        key = _key(id)
        known = replace(viewer, csrf=secrets.token_urlsafe(ID_BYTES), session=key)
        session = Session(viewer=known, proof=proof, began_s=now_s, used_s=now_s, checked_s=now_s)
        self._held[key] = session
        return id, session

    def find(self, id: str) -> Session | None:
        """The session of an id, now in use; None where there is none, or it is over."""
        return self.use(_key(id)) if id else None

    def seen(self, id: str) -> Session | None:
        """The same, which is no use of it."""
        return self.peek(_key(id)) if id else None

    def use(self, key: str) -> Session | None:
        """The same, by what it is kept under."""
        session = self.peek(key)
        if session is not None:
            session.used_s = self._clock()
            self._held.move_to_end(key)
        return session

    def peek(self, key: str) -> Session | None:
        """By what it is kept under, which is no use of it."""
        session = self._held.get(key)
        if session is not None and self._over(session):
            self.end(key)
            return None
        return session

    def end(self, key: str) -> bool:
        """Whether there was one to end."""
        return self._held.pop(key, None) is not None

    def _over(self, session: Session) -> bool:
        now_s = self._clock()
        idle = now_s - session.used_s >= self._limits.session_idle_s
        return idle or now_s - session.began_s >= self._limits.session_total_s

    def _expire(self) -> None:
        for key, session in list(self._held.items()):
            if self._over(session):
                del self._held[key]

    def _make_room(self, viewer: Viewer) -> None:
        mine = [key for key, one in self._held.items() if _same(one.viewer, viewer)]
        for key in mine[: max(len(mine) - self._limits.sessions_per_user + 1, 0)]:
            logger.warning("admin: a session of %s ends for a new one: %d at a time", viewer.name, len(mine))
            del self._held[key]
        while len(self._held) >= self._limits.sessions:
            _, ended = self._held.popitem(last=False)
            logger.warning(
                "admin: the session of %s ends for a new one: all %d are taken",
                *(ended.viewer.name, self._limits.sessions),
            )


def _same(one: Viewer, other: Viewer) -> bool:
    return (one.name, one.realm) == (other.name, other.realm)


def _key(id: str) -> str:
    return hashlib.sha256(id.encode(errors="replace")).hexdigest()
