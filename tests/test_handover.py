"""Handing sockets over, between two sides of this process."""

import asyncio
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from proxy import handover
from proxy.errors import CannotServe, ExitStatus
from proxy.handover import Heir, Offer, give, offering, take


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Two listening sockets."""
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    yield made
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def run_end_of_the_process() -> Iterator[None]:
    """What only the end of an old version closes, at the end of each test."""
    yield
    while handover._kept:
        handover._kept.pop().close()


class Old:
    """The version that hands over."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets = sockets
        self.gone = asyncio.Event()

    def offer(self) -> tuple[Offer, list[int]]:
        """All its sockets."""
        addresses = tuple(("127.0.0.1", number) for number, _ in enumerate(self.sockets))
        return Offer(addresses=addresses, gate_socket="/g", private=True), [one.fileno() for one in self.sockets]


async def test_the_same_sockets_arrive(tmp_path: Path, listeners: list[socket.socket]) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        taken = await asyncio.to_thread(take, path)
        assert taken.offer == Offer(addresses=(("127.0.0.1", 0), ("127.0.0.1", 1)), gate_socket="/g", private=True)
        assert [one.getsockname() for one in taken.sockets] == [one.getsockname() for one in listeners]
        assert not old.gone.is_set()
        taken.ready()
        async with asyncio.timeout(5):
            await old.gone.wait()
    assert not path.exists()
    # What was queued while nobody accepted is still there for the new one.
    waiting = socket.create_connection(listeners[0].getsockname())
    taken.sockets[0].setblocking(True)
    accepted, _ = taken.sockets[0].accept()
    accepted.close()
    waiting.close()
    taken.close()


async def test_more_sockets_than_one_message_holds(tmp_path: Path) -> None:
    many = [socket.socket() for _ in range(450)]
    old = Old(many)
    async with offering(tmp_path / "up.sock", old.offer, old.gone.set):
        taken = await asyncio.to_thread(take, tmp_path / "up.sock")
        assert len(taken.sockets) == 450
        taken.close()
    for one in many:
        one.close()


async def test_one_that_gives_up_changes_nothing(
    tmp_path: Path, listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        for _ in range(2):
            (await asyncio.to_thread(take, path)).close()
        taken = await asyncio.to_thread(take, path)
        assert not old.gone.is_set()
        taken.ready()
        async with asyncio.timeout(5):
            await old.gone.wait()
        taken.close()
    assert caplog.text.count("did not take over; this one goes on") == 2


async def test_the_old_ones_end_is_waited_for(tmp_path: Path, listeners: list[socket.socket]) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        taken = await asyncio.to_thread(take, path)
        taken.ready()
        async with asyncio.timeout(5):
            await old.gone.wait()
        over = asyncio.ensure_future(taken.over(5.0))
        await asyncio.sleep(0.05)
        assert not over.done()
        handover._kept.pop().close()
        await over
    for one in taken.sockets:
        one.close()


async def test_one_that_does_not_end_is_an_error(tmp_path: Path, listeners: list[socket.socket]) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        taken = await asyncio.to_thread(take, path)
        taken.ready()
        with pytest.raises(CannotServe, match=r"did not end within 0\.05 s"):
            await taken.over(0.05)
        async with asyncio.timeout(5):
            await old.gone.wait()
    handover._kept.pop().close()
    taken.close()


@pytest.mark.parametrize("said", [b"", b"\x00\x00\x00\x05{", b"\x00\x00\x00\x02{}"])
async def test_who_answers_otherwise_is_told(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "up.sock"

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    with pytest.raises(CannotServe, match="nothing can be taken over at") as caught:
        await asyncio.to_thread(take, path)
    assert caught.value.exit_status == ExitStatus.ADDRESS
    server.close()


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match=r"nothing can be taken over at .*up\.sock: .*No such file"):
        take(tmp_path / "up.sock")


async def test_a_path_that_cannot_be_used_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with offering(tmp_path / "nowhere" / "up.sock", Old([]).offer, lambda: None):
        assert "no new version can take over" in caplog.text


async def test_one_that_is_told_to_stop_in_the_middle_leaves_all_to_the_new_one(
    tmp_path: Path, listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        taken = await asyncio.to_thread(take, path)
    assert old.gone.is_set(), "what the new one needs must not be taken away"
    taken.ready()
    assert "is stopping already" in caplog.text
    over = asyncio.ensure_future(taken.over(5.0))
    await asyncio.sleep(0.05)
    assert not over.done(), "its gate may still be there"
    handover._kept.pop().close()
    await over
    for one in taken.sockets:
        one.close()


async def test_one_that_was_killed_in_the_middle_is_over_at_once(
    tmp_path: Path, listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    old, path = Old(listeners), tmp_path / "up.sock"
    async with offering(path, old.offer, old.gone.set):
        taken = await asyncio.to_thread(take, path)
    handover._kept.pop().close()
    taken.ready()
    await taken.over(5.0)
    assert "is stopping already" in caplog.text
    for one in taken.sockets:
        one.close()


async def test_what_a_crash_left_is_in_nobodys_way(tmp_path: Path, listeners: list[socket.socket]) -> None:
    path = tmp_path / "up.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    old = Old(listeners)
    async with offering(path, old.offer, old.gone.set):
        (await asyncio.to_thread(take, path)).close()


def test_no_descriptor_leaks(tmp_path: Path, listeners: list[socket.socket]) -> None:
    async def rounds(count: int) -> None:
        old = Old(listeners)
        for number in range(count):
            path = tmp_path / f"{number}.sock"
            async with offering(path, old.offer, old.gone.set):
                (await asyncio.to_thread(take, path)).close()

    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a count

    asyncio.run(rounds(1))
    before = open_now()
    asyncio.run(rounds(5))
    assert open_now() <= before


async def test_what_is_said_from_its_coming_on_reaches_the_new_version(
    tmp_path: Path, listeners: list[socket.socket]
) -> None:
    old, path, heir = Old(listeners), tmp_path / "up.sock", Heir()
    heir.tell(b"to nobody\n")
    async with offering(path, old.offer, old.gone.set, heir):
        # One that gives up hears nothing more, and keeps nobody from the next.
        (await asyncio.to_thread(take, path)).close()
        taken = await asyncio.to_thread(take, path)
        heir.tell(b"before it serves\n")
        taken.ready()
        async with asyncio.timeout(5):
            await old.gone.wait()
    heir.tell(b"while the old one drains\n")
    heir.tell(b"in two ")
    heir.tell(b"pieces\nand no end")
    heard: list[bytes] = []
    over = asyncio.ensure_future(taken.over(30.0, heard.append))
    handover._kept.pop().close()
    await over
    assert heard == [b"before it serves", b"while the old one drains", b"in two pieces"]
    for one in taken.sockets:
        one.close()


def test_what_is_said_while_the_sockets_are_on_their_way_comes_behind_them(listeners: list[socket.socket]) -> None:
    """Else it would stand in the middle of them."""
    near, far = socket.socketpair()
    heir = Heir()
    heir.asks()
    heir.tell(b"first\n")
    heir.tell(b"second\n")
    far.shutdown(socket.SHUT_WR)
    offer, fds = Old(listeners).offer()
    assert not give(near, offer, fds, heir.has_all)
    near.close()
    said = b"".join(iter(lambda: far.recv(4096), b""))
    assert said.endswith(b".second\n")
    assert b"first" not in said
    far.close()


def test_one_that_does_not_listen_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    near, far = socket.socketpair()
    heir = Heir()
    heir.asks()
    heir.has_all(near)
    while "could not be told" not in caplog.text:
        heir.tell(b"x" * 65536)
    caplog.clear()
    far.close()
    heir.tell(b"x\n")
    assert "could not be told" in caplog.text
    heir.gone()
    heir.tell(b"x\n")
    near.close()
