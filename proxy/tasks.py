"""Background tasks that are named, kept alive, and loud when they fail.

asyncio keeps only a weak reference to a task, and says nothing of an exception in one that nobody awaits.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Run `work` in the background under `name`; an exception that escapes it is logged with its traceback."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (failure := task.exception()) is not None:
        logger.error("background task %s failed", task.get_name(), exc_info=failure)
