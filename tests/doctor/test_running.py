"""A Startgate that runs here, and its addresses."""

import os
import socket
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from proxy.admin.health import Health, Judged, Process
from proxy.doctor.host import Host
from proxy.doctor.model import State
from proxy.doctor.running import Running, addresses, judged, running
from proxy.settings import AdminPort, Listen

OWN = version("startgate")
# A loopback address that no other test uses: a port there stays free.
ALONE = "127.9.8.7"


def told(*, is_version: str = OWN, ok: bool = True, pid: int | None = None) -> Running:
    check = Judged(name="rules", ok=ok, needed_for=("starts",), reason="as told")
    process = Process(name="edge-1", up=True, pid=pid)
    health = Health(ready=ok, asked="starts", version=is_version, checks=(check,), processes=(process,))
    return Running(health=health)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


def test_it_is_judged() -> None:
    assert judged(told()).state is State.OK
    assert judged(told(is_version="0.0.1")).state is State.WARN
    wrong = judged(told(ok=False))
    assert (wrong.state, "rules: as told" in wrong.seen) == (State.FAIL, True)
    assert judged(Running(why="none")).state is State.SKIP


async def test_nobody_answers() -> None:
    assert (await running(None)).why == "not known: admin.listen is off"
    told = await running(AdminPort(host="127.0.0.1", port=9))
    assert (told.health, told.worker, told.pids) == (None, "self", ())
    assert "nobody answers at 127.0.0.1:9" in told.why


def test_limits_are_those_of_a_worker() -> None:
    assert told(pid=7).worker == "7"


def at(port: int, one: Running, host: str = "127.0.0.1") -> tuple[State, str]:
    (found,) = addresses([Listen(host=host, port=port)], None, one, Host())
    return found.state, found.seen


def test_a_port_that_is_free() -> None:
    assert at(9404, Running(), ALONE) == (State.OK, f"{ALONE}:9404 is free")
    assert at(0, Running())[0] is State.OK
    state, seen = at(9404, told(pid=os.getpid()), ALONE)
    assert (state, "another configuration" in seen) == (State.WARN, True)


def test_a_port_that_is_taken(taken: int) -> None:
    assert at(taken, Running())[0] is State.FAIL
    assert at(taken, told(pid=os.getpid())) == (State.OK, f"127.0.0.1:{taken} is the running Startgate's")


def test_a_port_of_which_it_cannot_be_seen(taken: int) -> None:
    """A process that is gone meanwhile cannot be looked at."""
    assert at(taken, told(pid=2**22 + 1))[0] is State.SKIP


def test_an_address_of_another_machine() -> None:
    state, seen = at(9400, Running(), "192.0.2.1")
    assert (state, "no address of this machine" in seen) == (State.FAIL, True)


def test_the_admin_port_is_one_of_them(taken: int) -> None:
    (found,) = addresses([], AdminPort(host="127.0.0.1", port=taken), Running(), Host())
    assert found.state is State.FAIL
