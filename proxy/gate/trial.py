"""A case judged by the rules in force, in a process of its own that can be ended.

A case is a text of whoever may look at the rules. What it makes the evaluator do may take seconds, for which starts
must not wait: so it is done elsewhere, with the least priority, one at a time, within bounds of time and memory. The
other process is given the rules as they are, and the case; it has no credentials, no journal, and no cluster.
See docs/decisions/148-how-a-case-is-tried.md.
"""

import asyncio
import contextlib
import logging
import pickle
import signal
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from proxy.errors import Fault, StartgateError
from proxy.rules import Rules

logger = logging.getLogger(__name__)

# A case in a file has some 1 KiB, and its cluster as much again.
CASE_BYTES: Final = 256 * 1024
# Starting takes half a second, judging milliseconds. On a machine that is full a process with the least priority waits.
WAIT_S: Final = 20.0
# Processor time and memory of the other process.
CPU_S: Final = 5
MEMORY_BYTES: Final = 1024 * 1024 * 1024
# A case of the greatest size with its plan and a thousand steps stays below.
ANSWER_BYTES: Final = 8 * 1024 * 1024
ANSWER_BLOCK: Final = 64 * 1024
# What faults call the text.
NAME: Final = "case"
# Of what the other process says when it fails.
TOLD_CHARS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedStep:
    """One step of the verdict, as an explanation tells it: `kind` and `outcome` are those of `rules.verdict`."""

    kind: str
    outcome: str
    text: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a case. Where the text is no case `faults` say why, and all else is empty.

    `revision` is that of the rules that judged. `verdict` is `allowed` or `denied`, or empty where the start came to no
    verdict; `status` and `reason` are of its answer; `plan` says what becomes of the destination (`step`), and with
    which `body` it is created; `differences` are those from what the case expects.
    """

    revision: str
    faults: tuple[Fault, ...] = ()
    name: str = ""
    verdict: str = ""
    status: int = 0
    reason: str = ""
    steps: tuple[TriedStep, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[str, ...] = ()


class NotTried(StartgateError):
    """A case was not tried, or not to its end. `busy`: another one is."""

    def __init__(self, text: str, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy


class Trials:
    """Tries cases, one at a time. `command` is how the other process is started (`proxy.cases.trial`)."""

    def __init__(self, command: Sequence[str], wait_s: float = WAIT_S) -> None:
        self._command = tuple(command)
        self._wait_s = wait_s
        self._busy = False

    async def run(self, rules: Rules, case: str) -> Trial:
        """What comes of a case under these rules. Raises NotTried."""
        if len(case.encode(errors="surrogatepass")) > CASE_BYTES:
            raise NotTried(f"a case may have {CASE_BYTES:,} bytes")
        if not self._command:
            raise NotTried("this gate tries no cases")
        if self._busy:
            raise NotTried("another case is being tried; ask again in a moment", busy=True)
        self._busy = True
        try:
            return await self._run(packed(rules, case))
        finally:
            self._busy = False

    async def _run(self, order: bytes) -> Trial:
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        except OSError as failure:
            raise NotTried(f"no process can be started for it: {failure.strerror or failure}") from failure
        try:
            async with asyncio.timeout(self._wait_s):
                told, said = await _spoken(process, order)
        except TimeoutError:
            raise NotTried(f"judging it takes more than {self._wait_s:g} s") from None
        finally:
            # Also where whoever asked is gone: nobody else would end it.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                # What is left in the pipes is read, or they stay open.
                await process.communicate()
        return _read(process.returncode, told, said)


async def _spoken(process: asyncio.subprocess.Process, order: bytes) -> tuple[bytes, bytes]:
    """What a process says and complains of, once it has been given its order and has ended. Raises NotTried."""
    to, out, errors = process.stdin, process.stdout, process.stderr
    assert to is not None and out is not None and errors is not None  # noqa: S101, PT018 -- all three are pipes

    async def give() -> None:
        # One that ends before it has read all says why.
        with contextlib.suppress(ConnectionError):
            to.write(order)
            await to.drain()
        to.close()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(give())
            told, said = group.create_task(_bounded(out)), group.create_task(_bounded(errors))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    await process.wait()
    return told.result(), said.result()


async def _bounded(pipe: asyncio.StreamReader) -> bytes:
    """All that comes. The other process may have a gigabyte; this one serves starts. Raises NotTried."""
    held = bytearray()
    while piece := await pipe.read(ANSWER_BLOCK):
        held += piece
        if len(held) > ANSWER_BYTES:
            raise NotTried(f"what came of it has more than {ANSWER_BYTES // 1024**2} MiB")
    return bytes(held)


def _read(status: int | None, told: bytes, said: bytes) -> Trial:
    if status == 0:
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(told, type=Trial)
    last = said.decode(errors="replace")[-TOLD_CHARS:]
    logger.warning("a case was not tried to its end (status %s): %s", status, last)
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        raise NotTried(f"judging it takes more than {CPU_S} s of processor time")
    most = f"{MEMORY_BYTES // 1024**2} MiB"
    raise NotTried(f"judging it failed, or takes more than {most} of memory; the gate's log says more")


def packed(rules: Rules, case: str) -> bytes:
    """Rules and case for the other process. Compiled conditions stay here: they are compiled again from their texts."""
    # What a guard is compiled to is the one part that is no plain value; the text says the same.
    plain = replace(rules, guards=tuple(replace(guard, program=None) for guard in rules.guards))  # type: ignore[arg-type]
    return pickle.dumps((plain, case))
