"""Child processes of tests: started on a script or module, ended for certain."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager


@asynccontextmanager
async def running(
    arguments: Sequence[str], line: bytes = b"", fds: Sequence[int] = (), env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """This interpreter with `arguments`, told `line` on its standard input, which stays open; killed at the end.
    Variables of `env` are added to this process's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=fds,
        env={**os.environ, **(env or {})},
    )
    assert process.stdin is not None
    process.stdin.write(line + b"\n")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    """The next line on its standard output."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


async def complained(process: Process) -> tuple[int, str]:
    """Its exit status and all that it wrote to standard error, once it ended."""
    assert process.stderr is not None
    text = (await asyncio.wait_for(process.stderr.read(), 20)).decode()
    return await asyncio.wait_for(process.wait(), 20), text
