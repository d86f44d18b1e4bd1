"""Lines go to a descriptor whole; a reader that stalls holds nobody up."""

import asyncio
import os
from pathlib import Path

import pytest

from proxy.ship.model import SinkFailure, Taken
from proxy.ship.stdout import StdoutSink
from tests.ship.samples import plain, records


async def test_lines_are_written_as_they_are(tmp_path: Path) -> None:
    made = records(tmp_path, 3)
    read, write = os.pipe()
    sink = StdoutSink(write)
    assert await sink.send(made) == Taken(3)
    await sink.close()
    assert os.read(read, 1 << 16) == b"".join(record.line + b"\n" for record in made)
    os.close(read)
    os.close(write)


async def test_a_file_is_as_good(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        assert await StdoutSink(out.fileno()).send([plain(b"one"), plain(b"two")]) == Taken(2)
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"


async def test_a_reader_that_stalls_is_told_and_gets_it_whole_in_the_end() -> None:
    read, write = os.pipe()
    sink = StdoutSink(write)
    line = b"x" * 1_000_000
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await sink.send([plain(line)])
    with pytest.raises(SinkFailure, match="an earlier batch is not written yet"):
        await sink.send([plain(b"next")])
    got = b""
    while len(got) < len(line) + 1:
        got += await asyncio.to_thread(os.read, read, 1 << 16)
    assert got == line + b"\n"
    await asyncio.to_thread(sink._through.wait)
    assert await sink.send([plain(b"next")]) == Taken(1)
    os.close(read)
    os.close(write)


async def test_a_reader_that_is_gone_is_a_failure() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(SinkFailure, match="cannot be written: Broken pipe"):
        await StdoutSink(write).send([plain(b"one")])
    os.close(write)


async def test_a_descriptor_that_does_not_wait_gets_every_line_once() -> None:
    """Whoever shares a pipe may have set O_NONBLOCK: then a full one is no failure, and no line is torn."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    lines = [plain(b"%d-" % number + b"x" * 100_000, number) for number in range(5)]
    sending = asyncio.ensure_future(StdoutSink(write).send(lines))
    wanted = b"".join(line.line + b"\n" for line in lines)
    got = b""
    while len(got) < len(wanted):
        got += await asyncio.to_thread(os.read, read, 1 << 16)
    assert await sending == Taken(5)
    assert got == wanted
    os.close(read)
    os.close(write)


async def test_what_was_cut_in_the_middle_is_not_joined_to_the_next_line(tmp_path: Path) -> None:
    """As on a disk that was full for a while: here the reader goes in the middle, and a file takes its place."""
    read, write = os.pipe()
    sink = StdoutSink(write)
    sending = asyncio.ensure_future(sink.send([plain(b"x" * 1_000_000)]))
    assert await asyncio.to_thread(os.read, read, 1) == b"x"
    os.close(read)
    with pytest.raises(SinkFailure, match="cannot be written: Broken pipe"):
        await sending
    with (tmp_path / "out").open("wb") as out:
        os.dup2(out.fileno(), write)
        assert await sink.send([plain(b"first"), plain(b"second")]) == Taken(2)
        assert await sink.send([plain(b"third")]) == Taken(1)
    assert (tmp_path / "out").read_bytes() == b"\nfirst\nsecond\nthird\n"
    os.close(write)
