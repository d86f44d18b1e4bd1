"""A child process: started, heard, started again, stopped."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from proxy import process
from proxy.errors import CannotServe
from proxy.process import Child, command, ended, pause_s

Make = Callable[[str], AbstractAsyncContextManager[Child]]

SERVES = """
    import signal, sys
    order = sys.stdin.readline()
    print("ready", flush=True)
    signal.pause()
"""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a child out of a script; it is stopped at the end of its block."""

    @asynccontextmanager
    async def make(script: str) -> AsyncIterator[Child]:
        path = tmp_path / "child.py"
        path.write_text(textwrap.dedent(script))
        child = Child("child", [sys.executable, "-S", str(path), str(tmp_path)], b'{"order": 1}')
        try:
            yield child
        finally:
            await child.stop(2)

    return make


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in another process
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process is not there any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the pauses between starts short."""
    monkeypatch.setattr(process, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(process, "LONGEST_PAUSE_S", 0.01)


async def test_it_serves_and_stops(make: Make) -> None:
    async with make(SERVES) as child:
        await child.start()
        pid = child.pid or 0
        assert os.getpgid(pid) == pid, "Ctrl-C must not reach it"
    assert child.pid is None
    assert gone(pid)


async def test_the_order_reaches_it(make: Make, tmp_path: Path) -> None:
    script = 'import sys, pathlib; pathlib.Path(sys.argv[1], "order").write_text(sys.stdin.readline()); print("ready")'
    async with make(script) as child:
        await child.start()
        assert (tmp_path / "order").read_text() == '{"order": 1}\n'


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("raise SystemExit(2)", 2, "exit status 2"),
        ("", 1, "exit status 0"),
        ("print('something else')", 1, "exit status 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 1, "signal SIGKILL"),
    ],
)
async def test_one_that_does_not_start_says_how_it_ended(make: Make, script: str, status: int, said: str) -> None:
    async with make(script) as child:
        with pytest.raises(CannotServe, match=said) as caught:
            await child.start()
        assert caught.value.exit_status == status


async def test_one_that_never_serves_is_killed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "READY_S", 0.3)
    async with make("import signal; signal.pause()") as child:
        with pytest.raises(CannotServe, match=r"within 0\.3 s"):
            await child.start()
        assert child.pid is None


async def test_one_that_dies_is_started_again(make: Make, quick: None, caplog: pytest.LogCaptureFixture) -> None:
    async with make(SERVES) as child:
        await child.start()
        child.keep()
        first = child.pid
        child.signal(signal.SIGKILL)
        await until(lambda: caplog.text.count("serves again") == 1)
        assert child.pid != first
        child.signal(signal.SIGSEGV)
        await until(lambda: caplog.text.count("serves again") == 2)
    assert "died: signal SIGKILL" in caplog.text
    assert "died: signal SIGSEGV" in caplog.text


async def test_it_is_tried_until_it_serves(
    make: Make, quick: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The child fails while a file is missing: an operator mends it, and the next try serves."""
    guard = "import pathlib, sys\nif not pathlib.Path(sys.argv[1], 'mended').exists(): raise SystemExit(2)\n"
    (tmp_path / "mended").touch()
    async with make(guard + textwrap.dedent(SERVES)) as child:
        await child.start()
        child.keep()
        (tmp_path / "mended").unlink()
        pid = child.pid
        child.signal(signal.SIGKILL)
        await until(lambda: caplog.text.count("did not start: exit status 2") >= 2)
        (tmp_path / "mended").touch()
        await until(lambda: child.pid not in {pid, None} and "serves again" in caplog.text)


async def test_a_system_that_has_no_process_to_give_is_asked_again(
    make: Make, quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with make(SERVES) as child:
        await child.start()
        child.keep()
        real, refusals = asyncio.create_subprocess_exec, iter([BlockingIOError(11, "Resource temporarily unavailable")])

        async def start(*arguments: object, **more: object) -> object:
            for refusal in refusals:
                raise refusal
            return await real(*arguments, **more)  # type: ignore[arg-type]  # handed on as they came

        monkeypatch.setattr("asyncio.create_subprocess_exec", start)
        child.signal(signal.SIGKILL)
        await until(lambda: "serves again" in caplog.text)
    assert "Resource temporarily unavailable" in caplog.text


async def test_stopping_ends_the_starting_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_S", 60.0)
    async with make(SERVES) as child:
        await child.start()
        child.keep()
        child.signal(signal.SIGKILL)
        await until(lambda: child.pid is None)
        assert await child.stop(2)
        assert child.pid is None


async def test_one_that_does_not_stop_is_killed(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    script = """
        import signal, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdin.readline()
        print("ready", flush=True)
        while True:
            signal.pause()
    """
    async with make(script) as child:
        await child.start()
        pid = child.pid
        assert not await child.stop(0.2)
        assert pid is not None
        assert gone(pid)
        assert "did not stop within 0.2 s" in caplog.text


async def test_stopping_what_never_started(make: Make) -> None:
    async with make(SERVES) as child:
        assert await child.stop(1)
        child.signal(signal.SIGHUP)


@pytest.mark.parametrize(("deaths", "pause"), [(1, 0.1), (2, 0.2), (3, 0.4), (7, 6.4), (8, 10.0), (1000, 10.0)])
def test_pauses_grow_and_end_growing(deaths: int, pause: float) -> None:
    assert pause_s(deaths) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("status", "words"), [(0, "exit status 0"), (2, "exit status 2"), (-9, "signal SIGKILL"), (-250, "signal 250")]
)
def test_ends_in_words(status: int, words: str) -> None:
    assert ended(status) == words


def test_a_child_is_this_interpreter_and_looks_not_into_the_working_directory() -> None:
    assert command("gate") == (sys.executable, "-P", "-m", "proxy.gate_process")


async def test_a_signal_waits_until_it_can_be_heard(make: Make, tmp_path: Path) -> None:
    """Before the process has its handler, the signal would end it."""
    script = """
        import pathlib, signal, sys, time
        folder = pathlib.Path(sys.argv[1])
        sys.stdin.readline()
        while not (folder / "go").exists():
            time.sleep(0.01)
        signal.signal(signal.SIGHUP, lambda *_: (folder / "heard").open("a").write("x"))
        print("ready", flush=True)
        while True:
            signal.pause()
    """
    async with make(script) as child:
        starting = asyncio.ensure_future(child.start())
        while child.pid is None:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)
        child.signal_serving(signal.SIGHUP)
        child.signal_serving(signal.SIGHUP)
        (tmp_path / "go").write_text("")
        await asyncio.wait_for(starting, 30)
        heard = tmp_path / "heard"
        async with asyncio.timeout(30):
            while not heard.exists() or not heard.read_text():  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.01)
        assert heard.read_text() == "x", "once, however often it was told"
        child.signal_serving(signal.SIGHUP)
        async with asyncio.timeout(30):
            while heard.read_text() != "xx":  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.01)


ECHOES = """
    import sys
    order = sys.stdin.readline()
    print("ready", flush=True)
    for line in sys.stdin:
        print("got", line.strip(), flush=True)
"""


def listening(folder: Path, heard: list[bytes], script: str = ECHOES) -> Child:
    """A child whose lines are kept."""
    path = folder / "child.py"
    path.write_text(textwrap.dedent(script))
    return Child("child", [sys.executable, "-S", str(path)], b"{}", heard=heard.append)


async def test_it_is_told_lines_and_heard(tmp_path: Path) -> None:
    heard: list[bytes] = []
    child = listening(tmp_path, heard)
    try:
        await child.start()
        child.tell(b"one\n")
        child.tell(b"two\n")
        await until(lambda: heard == [b"got one\n", b"got two\n"])
    finally:
        await child.stop(2)
    child.tell(b"nobody is there\n")


async def test_the_last_line_is_told_whenever_it_starts(tmp_path: Path, quick: None) -> None:
    heard: list[bytes] = []
    child = listening(tmp_path, heard)
    try:
        child.tell(b"old\n")
        child.tell(b"new\n")
        await child.start()
        child.keep()
        await until(lambda: heard == [b"got new\n"])
        child.signal(signal.SIGKILL)
        await until(lambda: heard == [b"got new\n"] * 2)
    finally:
        await child.stop(2)
