"""Asking a gate by its socket, and what is said where none answers."""

import asyncio
from pathlib import Path

import pytest

from proxy.control.client import Control
from proxy.errors import CannotServe, ExitStatus
from proxy.gate.standing import Outcome
from tests.control.gates import STANDING, controlled
from tests.gate.test_generation import KEPT


async def test_answers_come_as_values(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        control = Control(path)
        assert await control.journal() == STANDING
        standing = await control.standing()
        assert standing.last_attempt == scene.rules.standing().last_attempt
        scene.write(KEPT)
        assert (await control.reload(20)).outcome is Outcome.LOADED
        scene.write("version: 7")
        refused = await control.reload(20)
        assert refused.refused
        assert refused.faults == (await control.standing()).last_attempt.faults


async def test_where_nobody_answers_it_says_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match="is `startgate serve` running with this configuration") as caught:
        await Control(tmp_path / "gone.sock").standing()
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "no gate of this version: {}"),
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 14\r\n\r\n" + b'{"error":"no"}', "no gate of this version"),
        (b"", "gave no answer"),
        (b"nonsense\r\n\r\n", "gave no answer"),
    ],
)
async def test_other_answers_are_told(tmp_path: Path, answer: bytes, said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(serve, tmp_path / "a.sock"):
        with pytest.raises(CannotServe, match=said):
            await Control(tmp_path / "a.sock").standing()


async def test_a_gate_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_unix_server(silent, tmp_path / "a.sock"):
        with pytest.raises(CannotServe, match=r"within 0\.05 s; what was asked may still happen"):
            await Control(tmp_path / "a.sock").reload(0.05)
        await asyncio.wait_for(left.wait(), 20)
