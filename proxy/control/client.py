"""Asks a running gate by its control socket."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from proxy.errors import CannotServe, ExitStatus
from proxy.gate.standing import Attempt, Standing
from proxy.journal.standing import JournalStanding

T = TypeVar("T")

# How the rules stand is known at once; a busy machine may take a while to say so.
ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Control:
    """The control socket of a gate."""

    socket: Path

    async def standing(self) -> Standing:
        """How the rules stand. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/rules", ASK_S)
        return self._read(body, Standing)

    async def reload(self, wait_s: float) -> Attempt:
        """Have the rules read again, and wait for what comes of it. Raises CannotServe where no gate answers, or not
        within `wait_s` seconds."""
        _, body = await self._call("POST", "/v1/rules/reload", wait_s)
        return self._read(body, Attempt)

    async def journal(self) -> JournalStanding:
        """How the journal stands. Raises CannotServe where no gate answers."""
        _, body = await self._call("GET", "/v1/journal", ASK_S)
        return self._read(body, JournalStanding)

    async def _call(self, method: str, target: str, wait_s: float) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=wait_s)
        connector = aiohttp.UnixConnector(path=str(self.socket))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://gate{target}") as response,
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
