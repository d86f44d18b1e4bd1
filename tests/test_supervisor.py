"""The whole of `serve` with real processes: what a client sees while workers and gate come and go."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import trustme

from proxy import handover, supervisor
from proxy.config import Config, load
from proxy.control.client import Control
from proxy.errors import CannotServe, ExitStatus, RulesError
from proxy.handover import Offer, Taken, offering, take
from proxy.logs.passing import LogOrder, line_of, order_of
from proxy.logs.settings import Levels
from proxy.logs.setup import current_levels, set_levels
from proxy.orders import READY
from proxy.supervisor import UPGRADE_SOCKET, Supervisor
from tests.cluster_double import Double, cluster

START = "/_ml/data_frame/analytics/flights/_start"


def configured(folder: Path, double: Double, *, workers: int = 1, more: str = "") -> Config:
    """A configuration in front of the double, on a port of the system's choice."""
    path = folder / "startgate.yml"
    path.write_text(f"listen: 127.0.0.1:0\nworkers: {workers}\ncluster: {{nodes: ['{double.url}']}}\n{more}")
    return load(path, {})


@asynccontextmanager
async def supervised(config: Config) -> AsyncIterator[Supervisor]:
    """A running Startgate. Its processes tell as much as the configuration says, whatever earlier tests set here."""
    set_levels(config.log.levels)
    running = Supervisor(config)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


async def get(address: str, method: str = "GET", tls: ssl.SSLContext | None = None) -> tuple[int, str]:
    """Status and body of one request on a connection of its own."""
    timeout = aiohttp.ClientTimeout(total=15)
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.request(method, address, ssl=tls or True) as response,
    ):
        return response.status, await response.text()


async def until(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in another process
            await asyncio.sleep(0.02)


def alive(pid: int | None) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return pid is not None


@pytest.mark.slow
async def test_it_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with cluster(Double()) as double, supervised(configured(tmp_path, double, workers=2)) as running:
        (address,) = running.addresses
        for _ in range(8):
            assert await get(f"{address}/index/_search") == (200, '{"path": "/index/_search"}')
        status, _ = await get(address + START, "POST")
        assert status == 401, "the gate answers a start, with what the cluster said of the caller"
        pids = [child.pid for child in (running.gate, *running.edges) if child is not None]
        folder = running._folder
        assert folder is not None
        assert folder.stat().st_mode & 0o777 == 0o700
    assert len(pids) == 3
    assert not any(alive(pid) for pid in pids)
    assert not folder.exists()


@pytest.mark.slow
async def test_tls_on_both_sides_is_checked(tmp_path: Path) -> None:
    """To the clients with a certificate of its own, to the cluster with the authority that the configuration names."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    async with cluster(Double(), context) as double:
        path = tmp_path / "startgate.yml"
        text = (
            "listen: {address: '127.0.0.1:0', tls: {certificate: own.pem, key: own.pem}}\n"
            f"cluster: {{nodes: ['{double.url}'], tls: {{ca: ca.pem}}}}\n"
        )
        path.write_text(text)
        async with supervised(load(path, {})) as running:
            (address,) = running.addresses
            assert address.startswith("https://")
            trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            assert await get(f"{address}/a", tls=trust) == (200, '{"path": "/a"}')
            assert (await get(address + START, "POST", tls=trust))[0] == 401
        path.write_text(text.replace("ca.pem", "stranger.pem"))
        with pytest.raises(CannotServe, match=r"the certificate is not accepted: .*cluster\.tls\.ca") as caught:
            await supervisor.serve(load(path, {}), wait_s=0, announce=print)
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


@pytest.mark.slow
async def test_a_worker_that_is_killed_comes_back_and_its_queue_is_served(tmp_path: Path) -> None:
    async with cluster(Double()) as double, supervised(configured(tmp_path, double)) as running:
        (address,) = running.addresses
        first = running.edges[0].pid
        running.edges[0].signal(signal.SIGKILL)
        await until(lambda: not alive(first))
        # Nobody accepts now: the connection waits in the socket that the supervisor keeps.
        assert await get(f"{address}/a") == (200, '{"path": "/a"}')
        assert running.edges[0].pid != first


@pytest.mark.slow
async def test_without_a_gate_starts_are_refused_and_traffic_flows(tmp_path: Path) -> None:
    async with cluster(Double()) as double, supervised(configured(tmp_path, double)) as running:
        (address,) = running.addresses
        assert running.gate is not None
        first = running.gate.pid
        running.gate.signal(signal.SIGKILL)
        await until(lambda: not alive(first))
        status, body = await get(address + START, "POST")
        assert status == 503
        assert "gate" in body
        assert (await get(f"{address}/a"))[0] == 200
        await until(lambda: running.gate is not None and running.gate.pid not in {first, None})
        async with asyncio.timeout(20):
            while (await get(address + START, "POST"))[0] != 401:  # noqa: ASYNC110 -- another process serves, or not yet
                await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_request_in_flight_is_finished_before_the_end(tmp_path: Path) -> None:
    double = Double(pause_s=1.0)
    async with cluster(double), supervised(configured(tmp_path, double)) as running:
        (address,) = running.addresses
        flying = asyncio.ensure_future(get(f"{address}/slow"))
        await asyncio.sleep(0.4)
        stopping = asyncio.ensure_future(running.stop())
        await asyncio.sleep(0.2)
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(f"{address}/a")
        assert (await flying)[0] == 200
        await stopping


@pytest.mark.slow
async def test_a_child_that_cannot_start_ends_all_with_its_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with cluster(Double()) as double:
        config = configured(tmp_path, double)
        (tmp_path / "journal").write_text("a file, where the journal's folder should be")
        running = Supervisor(config)
        with pytest.raises(CannotServe, match="gate did not start: exit status 2") as caught:
            await running.start()
        await running.stop()
    assert caught.value.exit_status == ExitStatus.INVALID
    assert not alive(running.edges[0].pid)
    assert "journal" in capfd.readouterr().err


async def test_a_takeover_that_fails_leaves_the_old_gate_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", f"raise SystemExit({kind!r})"))
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "gate.sock").touch()
    near, far = socket.socketpair()
    offer = Offer(addresses=(), gate_socket=str(folder / "gate.sock"), private=True)
    async with cluster(Double()) as double:
        new = Supervisor(configured(tmp_path, double))
        with far:
            with pytest.raises(CannotServe):
                await new.start(Taken(near, offer, []))
            await new.stop()
            near.close()
    assert (folder / "gate.sock").exists()


@pytest.mark.parametrize("named", [True, False])
async def test_of_a_version_that_ended_only_a_private_folder_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    serves = f"import time; print({READY!r}, flush=True); time.sleep(600)"
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", serves))
    private, own = tmp_path / "private", tmp_path / "own"
    private.mkdir()
    own.mkdir()
    near, far = socket.socketpair()
    offer = Offer(addresses=(), gate_socket=str(private / "gate.sock"), private=True)
    async with cluster(Double()) as double:
        config = configured(tmp_path, double)
        new = Supervisor(replace(config, gate_socket=str(own / "gate.sock")) if named else config)
        with far:
            far.shutdown(socket.SHUT_WR)
            await new.start(Taken(near, offer, []))
            assert new.offer()[0].private is not named
            await new.stop()
    assert own.exists()
    assert private.exists() is named, "what is not taken over is not taken away"


async def test_the_old_version_has_the_time_that_its_own_configuration_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serves = f"import time; print({READY!r}, flush=True); time.sleep(600)"
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", serves))
    given_s: list[float] = []

    class Patient(Taken):
        async def over(self, patience_s: float, heard: Callable[[bytes], None] = print) -> None:
            given_s.append(patience_s)
            self.close()

    near, far = socket.socketpair()
    async with cluster(Double()) as double:
        new = Supervisor(configured(tmp_path, double))
        own_s = new.offer()[0].drain_s
        with far:
            offer = Offer(addresses=(), gate_socket=str(tmp_path / "p" / "g.sock"), private=True, drain_s=own_s + 900)
            await new.start(Patient(near, offer, []))
            await new.stop()
    assert own_s > 0
    assert given_s[0] >= own_s + 900


@pytest.mark.slow
async def test_the_gate_reads_the_rules_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.yml"
    shipped = Path(__file__).parent.parent / "rules" / "start.yml"
    rules.write_text(shipped.read_text())
    said = ""

    def heard(text: str) -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return text in said

    async with (
        cluster(Double()) as double,
        supervised(configured(tmp_path, double, more=f"rules: {rules}")) as running,
    ):
        rules.write_text(shipped.read_text().replace("on_refused_start: remove", "on_refused_start: keep"))
        running.reload()
        await until(lambda: heard("rules reloaded"))
        rules.write_text("version: 7")
        running.reload()
        await until(lambda: heard("not reloaded"))


@pytest.mark.slow
async def test_workers_read_certificates_again_and_drop_no_connection(tmp_path: Path) -> None:
    """Behind a front that speaks the PROXY protocol, as it then is."""
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def issue(name: str) -> None:
        authority.issue_cert(name, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        await asyncio.wait_for(reader.readuntil(b"}"), 20)
        return head.startswith(b"HTTP/1.1 200")

    async def shown(port: int) -> str:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        names = writer.get_extra_info("peercert")["subjectAltName"]
        writer.close()
        return str(names[0][1])

    issue("one.example")
    async with cluster(Double()) as double:
        path = tmp_path / "startgate.yml"
        path.write_text(
            "listen:\n"
            "  - {address: '127.0.0.1:0', tls: {certificate: own.pem, key: own.pem}}\n"
            "  - {address: '127.0.0.1:0', proxy_protocol: 127.0.0.1}\n"
            f"cluster: {{nodes: ['{double.url}']}}\n"
        )
        async with supervised(load(path, {})) as running:
            port, fronted = (int(address.rpartition(":")[2]) for address in running.addresses)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            assert await ask(reader, writer)
            issue("two.example")
            running.reload()
            async with asyncio.timeout(20):
                while await shown(port) != "two.example":  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(0.05)
            assert await ask(reader, writer)
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", fronted)
            writer.write(b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n")
            assert await ask(reader, writer)
            writer.close()


async def test_a_taken_port_is_told_before_anything_else(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = load(None, {"STARTGATE_LISTEN": f"127.0.0.1:{port}", "STARTGATE_CLUSTER__NODES": "http://127.0.0.1:9"})
    with pytest.raises(CannotServe, match="the port is in use") as caught:
        await supervisor.serve(config, wait_s=60, announce=print)
    assert caught.value.exit_status == ExitStatus.ADDRESS
    server.close()
    await server.wait_closed()


async def test_broken_rules_end_it_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("version: 7")
    config = configured(tmp_path, Double(url="http://127.0.0.1:9"), more="rules: rules.yml")
    with pytest.raises(RulesError):
        await supervisor.serve(config, wait_s=60, announce=print)


async def test_a_signal_ends_the_waiting_for_a_cluster(tmp_path: Path) -> None:
    config = configured(tmp_path, Double(url="http://127.0.0.1:9"))
    asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await supervisor.serve(config, wait_s=600, announce=print) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve_says_one_line_and_ends_for_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    said: list[str] = []

    def announce(line: str) -> None:
        said.append(line)
        os.kill(os.getpid(), number)

    async with cluster(Double()) as double:
        config = configured(tmp_path, double)
        assert await supervisor.serve(config, wait_s=5, announce=announce) == 0
    (line,) = said
    assert line.startswith("startgate ")
    assert f" ready: http://127.0.0.1:{line.split('127.0.0.1:')[1].split(' ')[0]} -> " in line
    assert "a cluster that hides its name" in line
    assert double.url in line
    assert "; rules " in line
    assert f"journal {tmp_path}/journal" in line


@pytest.mark.slow
async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    """The first lets a request in flight finish; the second ends it."""
    double = Double(pause_s=30)
    flying: list[asyncio.Future[tuple[int, str]]] = []

    def announce(line: str) -> None:
        address = line.split(" ready: ")[1].split(" ", maxsplit=1)[0]
        flying.append(asyncio.ensure_future(get(f"{address}/slow")))
        for after_s in (0.5, 1.0):
            asyncio.get_running_loop().call_later(after_s, os.kill, os.getpid(), signal.SIGTERM)

    async with cluster(double):
        async with asyncio.timeout(15):
            assert await supervisor.serve(configured(tmp_path, double), wait_s=5, announce=announce) == 0
        double.pause_s = 0
        with pytest.raises(aiohttp.ClientError):
            await flying[0]


@pytest.mark.slow
async def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    async with cluster(Double()) as double, supervised(configured(tmp_path, double)) as running:
        pids = [child.pid for child in (running.gate, *running.edges) if child is not None]
        for child in (running.gate, *running.edges):
            assert child is not None
            process = child._process
            assert process is not None
            assert process.stdin is not None
            # What the system does to the pipe when the supervisor is gone.
            process.stdin.close()
        await until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize("takeover", [False, True])
async def test_a_signal_in_the_middle_of_a_start_ends_it_and_what_was_there_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, takeover: bool
) -> None:
    began = tmp_path / "began"
    never = f"import pathlib, time; pathlib.Path({str(began)!r}).touch(); time.sleep(600)"
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", never))
    gone = asyncio.Event()
    async with cluster(Double()) as double:
        config = configured(tmp_path, double)
        (tmp_path / "journal").mkdir(mode=0o700)
        listener = socket.create_server(("127.0.0.1", 0))
        offer = Offer(addresses=(("127.0.0.1", 0),), gate_socket=str(tmp_path / "gate.sock"), private=True)
        said: list[str] = []
        async with offering(tmp_path / "journal" / UPGRADE_SOCKET, lambda: (offer, [listener.fileno()]), gone.set):
            serving = asyncio.ensure_future(supervisor.serve(config, wait_s=5, announce=said.append, takeover=takeover))
            await until(began.exists)
            os.kill(os.getpid(), signal.SIGTERM)
            assert await asyncio.wait_for(serving, 20) == ExitStatus.OK
            if takeover:
                await until(lambda: "did not take over; this one goes on" in caplog.text)
        with socket.create_connection(listener.getsockname(), timeout=5):
            listener.accept()[0].close()
        listener.close()
    assert (said, gone.is_set()) == ([], False)


@pytest.mark.slow
async def test_a_signal_after_a_takeover_cuts_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever starts a new version and then stops the old one by its process id means no harm."""
    caplog.set_level(logging.INFO, "proxy.supervisor")
    flying: list[asyncio.Future[tuple[int, str]]] = []

    async def new_version() -> None:
        taken = await asyncio.to_thread(take, tmp_path / "journal" / UPGRADE_SOCKET)
        taken.ready()
        await until(lambda: "stopping: requests in flight may finish" in caplog.text)
        os.kill(os.getpid(), signal.SIGTERM)
        taken.close()

    def announce(line: str) -> None:
        address = line.split(" ready: ")[1].split(" ", maxsplit=1)[0]
        flying.append(asyncio.ensure_future(get(f"{address}/slow")))
        # It is in flight when the new version comes.
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, lambda: flying.append(asyncio.ensure_future(new_version())))  # type: ignore[arg-type]

    async with cluster(Double(pause_s=3)) as double:
        async with asyncio.timeout(60):
            assert await supervisor.serve(configured(tmp_path, double), wait_s=5, announce=announce) == 0
        assert (await flying[0])[0] == 200
        await flying[1]
    handover._kept.pop().close()


@pytest.fixture
def levels() -> Iterator[Levels]:
    """Those of this process, which are as before afterwards."""
    before = current_levels()
    yield before
    set_levels(before)


@pytest.mark.usefixtures("levels")
async def test_what_is_told_during_a_takeover_reaches_the_gate_that_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command, which asks the old gate, and by SIGHUP, which asks for the levels of the configuration."""
    told = tmp_path / "told"
    gate = (
        f"import pathlib, sys, time; sys.stdin.readline(); print({READY!r}, flush=True)\n"
        f"line = sys.stdin.readline(); pathlib.Path({str(told)!r} + '.new').write_text(line)\n"
        f"pathlib.Path({str(told)!r} + '.new').rename({str(told)!r}); time.sleep(600)"
    )
    serves = f"import time; print({READY!r}, flush=True); time.sleep(600)"
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", gate if kind == "gate" else serves))
    for by_signal in (False, True):
        near, far = socket.socketpair()
        offer = Offer(addresses=(), gate_socket=str(tmp_path / "gate.sock"), private=False)
        async with cluster(Double()) as double:
            new = Supervisor(configured(tmp_path, double), lambda: Levels(level="warning"))
            with far:
                starting = asyncio.ensure_future(new.start(Taken(near, offer, [])))
                assert await asyncio.get_running_loop().run_in_executor(None, far.recv, 16) == b"ready\n"
                if by_signal:
                    new.reload()
                else:
                    far.sendall(line_of(LogOrder(levels=Levels(level="error"))))
                far.shutdown(socket.SHUT_WR)
                await starting
                await until(told.exists)
                await new.stop()
        order = order_of(told.read_bytes())
        assert order == LogOrder(levels=Levels(level="warning" if by_signal else "error"), reopen=by_signal)
        told.unlink()


@pytest.mark.slow
@pytest.mark.usefixtures("levels")
async def test_the_command_during_a_takeover_is_told_to_the_new_version(tmp_path: Path) -> None:
    heard: list[bytes] = []
    news: list[asyncio.Future[None]] = []

    async def new_version() -> None:
        # It is offered once it has been announced.
        await until((tmp_path / "journal" / UPGRADE_SOCKET).exists)
        taken = await asyncio.to_thread(take, tmp_path / "journal" / UPGRADE_SOCKET)
        await Control(tmp_path / "journal" / "control.sock").change_level("debug", "proxy.edge")
        taken.ready()
        await taken.over(60.0, heard.append)
        taken.close()

    def announce(_line: str) -> None:
        news.append(asyncio.ensure_future(new_version()))

    async with cluster(Double()) as double, asyncio.timeout(60):
        assert await supervisor.serve(configured(tmp_path, double), wait_s=5, announce=announce) == 0
        handover._kept.pop().close()
        await news[0]
    [line] = heard
    order = order_of(line)
    assert order is not None
    assert order.levels.each == {"proxy.edge": "debug"}


async def test_a_gate_waits_for_that_of_a_version_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor is gone, and its gate still has the journal."""
    monkeypatch.setattr(supervisor, "RETRY_S", 0.01)
    free = tmp_path / "free"
    tries = tmp_path / "tries"
    gate = (
        f"import pathlib, sys, time; open({str(tries)!r}, 'a').write('.')\n"
        f"if not pathlib.Path({str(free)!r}).exists(): sys.exit(2)\n"
        f"print({READY!r}, flush=True); time.sleep(600)"
    )
    serves = f"import time; print({READY!r}, flush=True); time.sleep(600)"
    monkeypatch.setattr(supervisor, "command", lambda kind: (sys.executable, "-c", gate if kind == "gate" else serves))
    near, far = socket.socketpair()
    offer = Offer(addresses=(), gate_socket=str(tmp_path / "p" / "gate.sock"), private=True)
    async with cluster(Double()) as double:
        new = Supervisor(configured(tmp_path, double))
        starting = asyncio.ensure_future(new.start(Taken(near, offer, [])))
        far.close()
        await until(lambda: tries.exists() and len(tries.read_text()) >= 2)
        assert not starting.done()
        free.touch()
        await asyncio.wait_for(starting, 20)
        await new.stop()
