"""Listening sockets: shared by the workers, refused to anybody else, and gone when closed."""

import errno
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from proxy import listeners
from proxy.errors import CannotServe, ExitStatus
from proxy.settings import Listen

LOCAL = Listen(host="127.0.0.1", port=0)


@contextmanager
def bound(*listens: Listen, workers: int = 1) -> Iterator[list[list[socket.socket]]]:
    """Sockets that are closed at the end."""
    held = listeners.bind(listens, workers)
    try:
        yield held
    finally:
        listeners.close(held)


def port_of(one: socket.socket) -> int:
    """The port of a socket."""
    return int(one.getsockname()[1])


def connect(port: int) -> socket.socket:
    """A client's connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=2)


def test_workers_share_the_port_that_the_system_chose() -> None:
    with bound(LOCAL, LOCAL, workers=3) as held:
        first, second = ({port_of(sockets[number]) for sockets in held} for number in range(2))
        assert len(first) == len(second) == 1
        assert first != second
        assert 0 not in first | second


def test_a_connection_waits_for_a_worker_that_is_not_there() -> None:
    """What a client sent is in the queue when the worker comes."""
    with bound(LOCAL) as held, closing(connect(port_of(held[0][0]))) as client:
        client.sendall(b"hello")
        held[0][0].setblocking(True)
        accepted, _ = held[0][0].accept()
        with accepted:
            assert accepted.recv(5) == b"hello"


def test_closing_refuses_new_connections() -> None:
    with bound(LOCAL) as held:
        port = port_of(held[0][0])
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_a_taken_port_is_named() -> None:
    with bound(LOCAL) as held:
        port = port_of(held[0][0])
        with pytest.raises(CannotServe) as caught:
            listeners.prove_free([Listen(host="127.0.0.1", port=port)])
    assert caught.value.exit_status == ExitStatus.ADDRESS
    assert f"cannot listen on 127.0.0.1:{port}: the port is in use" in str(caught.value)


def test_another_program_on_the_port_is_found_by_binding_too() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = Listen(host="127.0.0.1", port=port_of(other))
        with pytest.raises(CannotServe, match="in use"):
            listeners.bind([listen], 1)
        with pytest.raises(CannotServe, match="in use"):
            listeners.prove_free([listen])


def test_nothing_stays_bound_after_a_failure() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = port_of(probe)
        listens = [Listen(host="127.0.0.1", port=free), Listen(host="127.0.0.1", port=port_of(other))]
        with pytest.raises(CannotServe):
            listeners.bind(listens, 2)
        listeners.prove_free(listens[:1])
        with pytest.raises(ConnectionRefusedError):
            connect(free)


def test_a_free_port_is_free() -> None:
    with bound(LOCAL) as held:
        port = port_of(held[0][0])
    listeners.prove_free([Listen(host="127.0.0.1", port=port)])
    with bound(Listen(host="127.0.0.1", port=port)) as again:
        assert port_of(again[0][0]) == port


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_others_is_named(host: str) -> None:
    """192.0.2.0/24 is for documentation (RFC 5737) and no machine's own."""
    with pytest.raises(CannotServe, match=f"cannot listen on {host}:9: .*no address of this machine"):
        listeners.bind([Listen(host=host, port=9)], 1)


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.EACCES, "CAP_NET_BIND_SERVICE"), (errno.EADDRINUSE, "in use"), (errno.ENOBUFS, "No buffer space")],
)
def test_other_reasons_are_said(monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(code, "No buffer space")

    monkeypatch.setattr(listeners.socket, "socket", Refusing)  # type: ignore[attr-defined]  # the module's own name
    with pytest.raises(CannotServe, match=said):
        listeners.bind([LOCAL], 1)


def test_addresses_are_shown_as_a_client_writes_them() -> None:
    with bound(LOCAL, Listen(host="::1", port=0)) as held:
        four, six = held[0]
        assert listeners.shown(four, tls=False) == f"http://127.0.0.1:{port_of(four)}"
        assert listeners.shown(six, tls=True) == f"https://[::1]:{port_of(six)}"


def test_both_families_may_have_one_port() -> None:
    with bound(Listen(host="0.0.0.0", port=0)) as held, bound(Listen(host="::", port=port_of(held[0][0]))) as other:
        assert port_of(other[0][0]) == port_of(held[0][0])


def test_sockets_do_not_block_and_are_no_files_of_children() -> None:
    with bound(LOCAL) as held:
        assert held[0][0].getblocking() is False
        assert not held[0][0].get_inheritable()
        assert stat.S_ISSOCK(__import__("os").fstat(held[0][0].fileno()).st_mode)


class TestAdopt:
    """Sockets of the version before: served on, spread over the workers, and closed where nobody wants them."""

    def sockets(self, count: int) -> list[socket.socket]:
        held = listeners.bind([Listen(host="127.0.0.1", port=0)], count)
        return [one for (one,) in held]

    @pytest.mark.parametrize(("before", "workers", "shape"), [(2, 2, [1, 1]), (1, 3, [1, 1, 1]), (3, 2, [2, 1])])
    def test_every_queue_has_somebody(self, before: int, workers: int, shape: list[int]) -> None:
        old = self.sockets(before)
        port = old[0].getsockname()[1]
        wanted = Listen(host="127.0.0.1", port=0)
        held = listeners.adopt([wanted], workers, [(("127.0.0.1", 0), one) for one in old])
        assert [len(pairs) for pairs in held] == shape
        every = [one for pairs in held for _, one in pairs]
        assert {one.getsockname()[1] for one in every} == {port}
        assert set(old) <= set(every)
        listeners.close([every])

    def test_an_address_that_is_gone_is_closed_and_a_new_one_is_bound(self) -> None:
        (old,) = self.sockets(1)
        held = listeners.adopt([Listen(host="127.0.0.2", port=0)], 1, [(("127.0.0.1", 0), old)])
        assert old.fileno() == -1
        (((listen, one),),) = held
        assert (listen.host, one.getsockname()[0]) == ("127.0.0.2", "127.0.0.2")
        one.close()

    def test_one_that_cannot_be_bound_leaves_nothing_open(self) -> None:
        (old,) = self.sockets(1)
        with pytest.raises(CannotServe):
            listeners.adopt(
                [Listen(host="127.0.0.1", port=0), Listen(host="192.0.2.1", port=1)], 1, [(("127.0.0.1", 0), old)]
            )
        assert old.fileno() == -1
