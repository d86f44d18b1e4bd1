"""One child process, kept running: started, started again with growing pauses when it dies, stopped in bounded time."""

import asyncio
import logging
import signal
import sys
import time
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence

from proxy.errors import CannotServe
from proxy.orders import READY
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# From the start of the interpreter to the word that it serves; a machine under load takes seconds for the imports.
READY_S = 60.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
# A child that served this long did not die of its start: the pauses begin anew.
HEALTHY_S = 30.0


def pause_s(deaths: int) -> float:
    """How long to wait after so many deaths in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(deaths - 1, 30), LONGEST_PAUSE_S)


class Child:
    """A child process under a name. `order` is written to its standard input; `fds` are inherited; `heard` is called
    with each line that it says once it serves.

    Call `start` once, then `keep` once; `stop` at any time after.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        order: bytes,
        fds: Sequence[int] = (),
        heard: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self._heard = heard
        self._told = b""
        self._command = tuple(command)
        self._order = order
        self._fds = tuple(fds)
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._deaths = 0
        self._serving = False
        self._owed: signal.Signals | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while there is no process."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Starts the process and waits until it serves.

        Raises:
            CannotServe: it ended before, with its exit status; its own log lines say why. Or it took too long.
        """
        # A group of its own: Ctrl-C in a terminal reaches the supervisor alone, which stops its children in order.
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, pass_fds=self._fds, process_group=0
        )
        self._process, self._serving = process, False
        if process.stdin is None or process.stdout is None:
            raise CannotServe(1, f"{self.name} has no pipes")
        process.stdin.write(self._order + b"\n")
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise CannotServe(1, f"{self.name} did not say that it serves within {READY_S:g} s") from None
        if line.strip() != READY.encode():
            status = await process.wait()
            raise CannotServe(status if status > 0 else 1, f"{self.name} did not start: {ended(status)}")
        self._serving = True
        if self._heard is not None:
            spawn(_listen(process.stdout, self._heard), name=f"listen to {self.name}")
        if self._told:
            process.stdin.write(self._told)
        if self._owed is not None:
            owed, self._owed = self._owed, None
            self.signal(owed)

    def keep(self) -> None:
        """From now on, starts the process again whenever it dies."""
        self._keeper = spawn(self._keep(), name=f"keep {self.name}")

    def tell(self, line: bytes) -> None:
        """Writes a line to its standard input once it serves, and again whenever it is started again; it takes the
        place of the line before. A process that dies of it is started again as ever."""
        self._told = line
        if self._serving and self._process is not None and self._process.stdin is not None and self.pid is not None:
            self._process.stdin.write(line)

    def signal_serving(self, number: signal.Signals) -> None:
        """Sends a signal once the process serves: before, it has no handler yet, and most signals would end it."""
        if self._serving and self.pid is not None:
            self.signal(number)
        else:
            self._owed = number

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; a process that is not there is passed over."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, patience_s: float) -> bool:
        """Asks the process to stop and waits; kills it after `patience_s` seconds. Whether it went by itself."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process is None:
            return True
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), patience_s)
        except TimeoutError:
            logger.warning("%s did not stop within %g s and is killed", self.name, patience_s)
            self._process.kill()
            await self._process.wait()
            return False
        return True

    async def _keep(self) -> None:
        while not self._stopping:
            if self._process is None:
                return
            born = time.monotonic()
            status = await self._process.wait()
            self._deaths = 1 if time.monotonic() - born > HEALTHY_S else self._deaths + 1
            logger.error("%s (pid %d) died: %s", self.name, self._process.pid, ended(status))
            await self._again()

    async def _again(self) -> None:
        """Tries until the process serves again."""
        while True:
            pause = pause_s(self._deaths)
            logger.warning("%s is started again in %g s", self.name, pause)
            await asyncio.sleep(pause)
            try:
                await self.start()
            except (CannotServe, OSError) as failure:
                # OSError: the system has no process or descriptor to give at the moment.
                self._deaths += 1
                logger.error("%s", failure)
            else:
                logger.warning("%s serves again (pid %s)", self.name, self.pid)
                return


async def _listen(output: StreamReader, heard: Callable[[bytes], None]) -> None:
    while line := await output.readline():
        heard(line)


def ended(status: int) -> str:
    """How a process ended, in words: `exit status 1`, or `signal SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def command(kind: str) -> tuple[str, ...]:
    """The command of a child process of a kind, `edge` or `gate`."""
    # `-P`: a file named like a module in the working directory must not be imported.
    return (sys.executable, "-P", "-m", f"proxy.{kind}_process")
