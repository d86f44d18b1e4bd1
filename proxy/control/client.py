"""Asks a running gate by its control socket."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from proxy.control.acts import Act
from proxy.control.recording import PATH as ACTS
from proxy.control.rules import Reload
from proxy.control.sinks import PATH as SINKS
from proxy.errors import CannotServe, ExitStatus
from proxy.gate.rule_counts import RuleCounts
from proxy.gate.standing import Attempt, RuleTexts, Standing
from proxy.gate.trial import WAIT_S, NotTried, Trial
from proxy.journal.standing import JournalStanding
from proxy.logs.levels import NoSuchLevel
from proxy.logs.settings import Levels
from proxy.ship.model import Status

T = TypeVar("T")

# How the rules stand is known at once; a busy machine may take a while to say so.
ASK_S = 10.0
# The disk is waited for (journal.append_limit_s), but nobody waits for ever.
RECORD_S = 15.0


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a call is not served."""

    error: str


@dataclass(frozen=True, slots=True)
class Control:
    """The control socket of a gate."""

    socket: Path

    async def standing(self) -> Standing:
        """How the rules stand. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/rules", ASK_S)
        return self._read(body, Standing)

    async def reload(self, wait_s: float, by: str = "") -> Attempt:
        """Have the rules read again, and wait for what comes of it; `by` is on whose behalf, if on somebody else's.
        Raises CannotServe where no gate answers, or not within `wait_s` seconds."""
        wish = msgspec.json.encode(Reload(by=by)) if by else b""
        _, body = await self._call("POST", "/v1/rules/reload", wait_s, wish)
        return self._read(body, Attempt)

    async def texts(self) -> RuleTexts:
        """The files of the rules in force, as they were read. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/rules/files", ASK_S)
        return self._read(body, RuleTexts)

    async def counts(self) -> RuleCounts:
        """What each rule did. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/rules/counts", ASK_S)
        return self._read(body, RuleCounts)

    async def try_case(self, case: str) -> Trial:
        """A case judged by the rules in force, or its faults. Raises NotTried: the gate says why it did not; and
        CannotServe where no gate answers."""
        content = case.encode(errors="replace")
        status, body = await self._call("POST", "/v1/rules/try", WAIT_S + ASK_S, content)
        try:
            refusal = msgspec.json.decode(body, type=_Refusal)
        except msgspec.DecodeError:
            return self._read(body, Trial)
        raise NotTried(refusal.error, busy=status == 429)

    async def journal(self) -> JournalStanding:
        """How the journal stands. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/journal", ASK_S)
        return self._read(body, JournalStanding)

    async def sinks(self) -> tuple[Status, ...]:
        """How each sink stands. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", SINKS, ASK_S)
        return self._read(body, tuple[Status, ...])

    async def record(self, act: Act) -> None:
        """Have it put on record that something was done at the admin port. Raises CannotServe: it is not on record, or
        not known to be."""
        status, body = await self._call("POST", ACTS, RECORD_S, msgspec.json.encode(act))
        if status != 200:
            refusal = self._read(body, _Refusal)
            raise CannotServe(ExitStatus.UNREACHABLE, refusal.error)

    async def levels(self) -> Levels:
        """How much is logged. Raises CannotServe where no gate answers."""
        return self._levels(*await self._call("GET", "/v1/log", ASK_S))

    async def change_level(self, level: str, logger: str = "", by: str = "") -> Levels:
        """Have a logger, or all where it is empty, tell so much, in all processes; how much is logged then. `by` is on
        whose behalf, if on somebody else's. Raises NoSuchLevel; and CannotServe: no gate answers, or the change cannot
        be recorded, so that it is not made."""
        wish = msgspec.json.encode({"level": level, "logger": logger, "by": by})
        return self._levels(*await self._call("POST", "/v1/log", RECORD_S, wish))

    def _levels(self, status: int, body: bytes) -> Levels:
        if status == 200:
            return self._read(body, Levels)
        refusal = self._read(body, _Refusal).error
        if status == 422:
            raise NoSuchLevel(refusal)
        raise CannotServe(ExitStatus.UNREACHABLE, refusal)

    async def _call(self, method: str, target: str, wait_s: float, content: bytes = b"") -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=wait_s)
        connector = aiohttp.UnixConnector(path=str(self.socket))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://gate{target}", data=content or None) as response,
            ):
                return response.status, await response.read()
        except TimeoutError:
            text = f"the gate at {self.socket} did not answer within {wait_s:g} s; what was asked may still happen"
        except aiohttp.ClientConnectorError as failure:
            why = failure.os_error.strerror or failure.os_error
            text = f"no gate answers at {self.socket} ({why}): is `startgate serve` running with this configuration?"
        except aiohttp.ClientError as failure:
            text = f"the gate at {self.socket} gave no answer: {failure}"
        raise CannotServe(ExitStatus.UNREACHABLE, text)

    def _read(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError:
            told = body.decode(errors="replace")[:500]
            text = f"what answers at {self.socket} is no gate of this version: {told}"
            raise CannotServe(ExitStatus.UNREACHABLE, text) from None
