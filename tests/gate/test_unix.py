"""A Unix socket is bound so that nobody else can connect, and taken from nobody who listens."""

import os
import socket
import stat
from pathlib import Path

import pytest
from aiohttp import web

from proxy.errors import CannotServe, ExitStatus
from proxy.gate.unix import leave, listen


async def runner() -> web.AppRunner:
    """An application that does nothing, set up."""
    made = web.AppRunner(web.Application())
    await made.setup()
    return made


async def test_it_is_for_this_user_alone_and_the_mask_is_as_before(tmp_path: Path) -> None:
    path, mask = tmp_path / "a.sock", os.umask(0o022)
    os.umask(0o022)
    try:
        running = await runner()
        await listen(running, path, "gate.socket")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.umask(0o022) == 0o022
        await leave(running, path)
    finally:
        os.umask(mask)
    assert not path.exists()


async def test_what_was_left_behind_is_replaced_and_what_is_alive_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first, second = await runner(), await runner()
    await listen(first, path, "gate.socket")
    with pytest.raises(CannotServe, match=rf"a running gate listens on {path}; .* \(control\.socket\)") as refused:
        await listen(second, path, "control.socket")
    assert refused.value.exit_status == ExitStatus.ADDRESS
    await leave(second, None)
    assert path.is_socket()
    await leave(first, path)
    assert not path.exists()


async def test_what_is_no_socket_is_not_taken_away(tmp_path: Path) -> None:
    file, link = tmp_path / "rules.yml", tmp_path / "link"
    file.write_text("version: 1\n")
    link.symlink_to(file)
    for path in (file, link):
        one = await runner()
        with pytest.raises(CannotServe, match=r"is no socket, and is not replaced by one; .* \(control\.socket\)"):
            await listen(one, path, "control.socket")
        await leave(one, None)
    assert file.read_text() == "version: 1\n"
    assert link.is_symlink()
