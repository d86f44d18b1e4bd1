"""What is asynchronous, for tests that are not: an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

PATIENCE_S = 60.0

Made = TypeVar("Made")
Told = TypeVar("Told")


class Beside(Generic[Made]):
    """Keeps what `make` makes, in a loop beside the caller's thread, while the `with` block runs. `made` is that."""

    made: Made

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Made]]) -> None:
        self._make = make
        self._thread = threading.Thread(target=self._main, name="beside", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(PATIENCE_S) or self._failure:
            raise RuntimeError("what was to run beside the tests did not start") from self._failure
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)

    def run(self, coroutine: Coroutine[Any, Any, Told]) -> Told:
        """Runs a coroutine in that loop; what it returns or raises."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def call(self, function: Callable[[], None]) -> None:
        """Calls a function there, soon."""
        self._loop.call_soon_threadsafe(function)

    def _main(self) -> None:
        try:
            asyncio.run(self._keep())
        except BaseException as failure:  # noqa: BLE001 -- carried to the thread that waits
            self._failure = failure
        finally:
            self._ready.set()

    async def _keep(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._make() as self.made:
            self._ready.set()
            await self._stop.wait()
