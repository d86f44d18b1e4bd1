"""Puts what is done at the admin port on record, through the gate, which alone writes the journal.

No act without a record: where the gate does not take it, whoever wants to do something is refused. Failed sign-ins,
which anybody can make thousands of, are folded: the first of an address at once, then one a minute with a count. What
one viewer may have put on record is bounded, too: every line is kept, and a full disk would stop all starts.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.admin.api import ApiError, Viewer
from proxy.control.acts import SIGN_IN, SIGN_OUT, Act
from proxy.errors import CannotServe, Refusal
from proxy.gate.fold import Fold, Folded
from proxy.identity.guesses import Guesses
from proxy.settings import AdminLimits
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# Of a name or a filter; those of the cluster have no more.
TEXT_CHARS: Final = 507
MINUTE_S: Final = 60.0
# Before a name in the table of addresses; no address has it.
NAMED: Final = "\0"
# Raises CannotServe: it is not on record.
Recorder = Callable[[Act], Awaitable[None]]


def act_of(action: str, viewer: Viewer, address: str, *, asked: tuple[str, ...] = (), asked_user: str = "") -> Act:
    """An act of a viewer's, from an address; the rest as for `Act`."""
    return Act(
        action=action,
        by=_short(viewer.name),
        realm=_short(viewer.realm),
        role=viewer.role.name.lower() if viewer.role else "",
        address=address,
        asked=tuple(map(_short, asked)),
        asked_user=_short(asked_user),
    )


def _short(text: str) -> str:
    """Enough to see what was asked for; the gate takes small acts only. Lone surrogates, which JSON cannot hold, are
    escaped."""
    cut = text if len(text) <= TEXT_CHARS else f"{text[:TEXT_CHARS]}…[{len(text)} characters]"
    return cut.encode(errors="backslashreplace").decode()


class Acts:
    """One for the process; needs a running loop. `record` hands an act to the gate; of one viewer so many a minute."""

    def __init__(self, record: Recorder, per_minute: int = AdminLimits().acts_per_minute) -> None:
        self._record = record
        self._taken = Guesses(per_minute, MINUTE_S)
        self._telling: set[asyncio.Task[None]] = set()
        self._fold = Fold(asyncio.get_running_loop().call_later, self._folded)

    async def done(self, act: Act) -> None:
        """Puts it on record. Raises ApiError: it is not, and must not be done: 503, 429 the viewer had too many."""
        self._charge(act)
        await self._put(act)

    def noted(self, act: Act) -> None:
        """Puts it on record, and nobody waits for that. Raises ApiError 429: the viewer had too many."""
        self._charge(act)
        self._later(act)

    async def _put(self, act: Act) -> None:
        try:
            await self._record(act)
        except CannotServe as failure:
            logger.error("admin: %s by %s is not on record: %s", act.action, act.by or "nobody known", failure)
            text = f"nothing is done that is not on record, and the gate does not take it: {failure}"
            raise ApiError(503, text, hint="see /health/ready; reading goes on") from None

    def _charge(self, act: Act) -> None:
        # Whoever signs out has signed in.
        if act.action == SIGN_OUT:
            return
        try:
            self._taken.charge(f"{act.by}\0{act.realm}", time.monotonic())
        except Refusal as refusal:
            headers = dict(refusal.headers)
            text = "each of these is put on record, and you had too many within a minute"
            hint = f"try again in {headers['Retry-After']} s; limits.admin.acts_per_minute is the bound"
            raise ApiError(429, text, hint=hint, headers=headers) from None

    def failed(self, address: str, reason: str, name: str = "") -> None:
        """A sign-in failed. Nobody waits until that is on record. `name` is under which so many failed that no more are
        taken: that is no slip of somebody's, and whose account is meant has to be seen."""
        if not self._fold.counts(f"{NAMED}{name}" if name else address, _now_ms()):
            self._later(Act(action=SIGN_IN, outcome="failure", reason=reason, address=address, asked_user=_short(name)))

    def _folded(self, one: Folded) -> None:
        text = "more sign-ins failed"
        name = one.peer.removeprefix(NAMED) if one.peer.startswith(NAMED) else ""
        self._later(
            Act(
                action=SIGN_IN,
                outcome="failure",
                reason=text,
                address="" if name else one.peer,
                asked_user=_short(name),
                count=one.count,
                since_ms=one.since_ms,
                until_ms=one.until_ms,
            )
        )

    def _later(self, act: Act) -> None:
        task = spawn(self._told(act), name="record a sign-in")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _told(self, act: Act) -> None:
        try:
            await self._record(act)
        except CannotServe as failure:
            text = "admin: %d sign-ins (%s) from %s are not on record: %s"
            logger.error(text, act.count, act.outcome, act.address or "several addresses", failure)

    async def close(self) -> None:
        """Tells of what is still only counted."""
        for one in self._fold.flush():
            self._folded(one)
        await asyncio.gather(*self._telling, return_exceptions=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
