"""What every child process does: says that it serves, hears signals, ends with its supervisor."""

import signal
import textwrap

import pytest

from proxy.logs.passing import LogOrder, line_of
from proxy.logs.settings import Levels
from tests.children import complained, running, said

WORKS = """
    import sys
    from proxy import child, logs
    from proxy.errors import CannotServe, ConfigError, ExitStatus, Fault, JournalError

    logs.configure("test")

    async def work(stop, ready, reload):
        print(child_order.decode().strip(), flush=True)
        ready()
        await reload.wait() if "reload" in child_order.decode() else await stop.wait()
        print("reloads" if reload.is_set() else "stops", flush=True)

    child_order = child.read_order()
    sys.exit(child.run(lambda: work))
"""

FAILS = """
    import sys
    from proxy import child, logs
    from proxy.errors import CannotServe, ConfigError, ExitStatus, Fault, JournalError

    logs.configure("test")

    async def work(stop, ready, reload):
        raise {error}

    sys.exit(child.run(lambda: work))
"""


def script(text: str) -> list[str]:
    """The arguments that run a script."""
    return ["-c", textwrap.dedent(text)]


@pytest.mark.parametrize("number", [signal.SIGTERM, None])
async def test_it_stops_for_a_signal_and_with_its_supervisor(number: signal.Signals | None) -> None:
    async with running(script(WORKS), b'{"told": 1}') as process:
        assert await said(process) == '{"told": 1}'
        assert await said(process) == "ready"
        if number is None:
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(number)
        assert await said(process) == "stops"
        assert await process.wait() == 0


async def test_lines_on_its_standard_input_change_how_it_logs() -> None:
    order = line_of(LogOrder(levels=Levels(level="error")))
    async with running(script(WORKS), b"x") as process:
        assert [await said(process), await said(process)] == ["x", "ready"]
        assert process.stdin is not None
        process.stdin.write(b"nonsense\n" + order)
        process.stdin.close()
        assert await said(process) == "stops"
        status, text = await complained(process)
    assert status == 0
    first, second = text.splitlines()
    assert "ERROR test: what another process says of logging cannot be read" in first
    assert second.endswith("INFO test: the log tells from now on: error")


async def test_ctrl_c_is_not_its_to_hear() -> None:
    async with running(script(WORKS), b"x") as process:
        assert [await said(process), await said(process)] == ["x", "ready"]
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert await said(process) in {"stops", "reloads"}
        assert await process.wait() == 0


async def test_hang_up_asks_to_reload() -> None:
    async with running(script(WORKS), b"reload") as process:
        assert [await said(process), await said(process)] == ["reload", "ready"]
        process.send_signal(signal.SIGHUP)
        assert await said(process) == "reloads"


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        ('ConfigError([Fault("a.yml", "odd", 1, 2), Fault("b.yml", "too")])', 2, "CRITICAL test: a.yml:1:2: odd\n"),
        ('CannotServe(ExitStatus.ADDRESS, "no")', 4, "CRITICAL test: no\n"),
        ('JournalError("the journal is full")', 2, "CRITICAL test: the journal is full\n"),
        ('OSError(98, "Address already in use")', 2, "Address already in use\n"),
    ],
)
async def test_an_error_of_ours_is_a_line(error: str, status: int, text: str) -> None:
    async with running(script(FAILS.format(error=error))) as process:
        ended, complaint = await complained(process)
        assert ended == status
        assert text in complaint
        assert "Traceback" not in complaint


async def test_a_fault_of_ours_shows_its_traceback() -> None:
    async with running(script(FAILS.format(error='ValueError("unforeseen")'))) as process:
        status, text = await complained(process)
        assert status == 1
        assert "Traceback" in text
        assert "ValueError: unforeseen" in text


LIMITED = """
    import resource, sys
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
    from proxy import child

    async def work(stop, ready, reload):
        ready()
        now = resource.getrlimit(resource.RLIMIT_NOFILE)
        print("all" if now == (hard, hard) else now, flush=True)

    sys.exit(child.run(lambda: work))
"""


async def test_it_takes_all_the_descriptors_that_it_may_have() -> None:
    async with running(script(LIMITED), b"{}") as process:
        assert await said(process) == "ready"
        assert await said(process) == "all"
