"""Shipping as part of the whole: real processes, sinks that work beside sinks that do not."""

import asyncio
import signal
from pathlib import Path

import pytest

from proxy.config import load
from proxy.ship.cursor import load as load_cursor
from tests.cluster_double import Double, cluster
from tests.test_supervisor import START, get, supervised, until

pytestmark = pytest.mark.slow

CONFIGURATION = """
listen: 127.0.0.1:0
cluster: {{nodes: ['{node}']}}
journal:
  sinks:
    elasticsearch: {{data_stream: startgate-audit}}
    syslog: {{address: '127.0.0.1:{port}', transport: tcp}}
    webhook: {{url: 'http://127.0.0.1:{port}/', secret_file: secret}}
    stdout: {{enabled: true}}
limits: {{ship: {{poll_s: 0.05, retry_s: 0.05, retry_longest_s: 0.1}}}}
"""


def journal_lines(folder: Path) -> list[str]:
    """Every whole line of the journal."""
    texts = [path.read_text() for path in sorted((folder / "journal").glob("starts-*.jsonl"))]
    return [line for text in texts for line in text.split("\n")[:-1]]


async def test_records_come_out_while_other_sinks_hang_and_the_gate_is_killed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A cluster without a data stream, and a receiver that answers nothing: starts are answered, and the end comes."""
    (tmp_path / "secret").write_text("a secret of the tests, long enough")
    held: list[asyncio.StreamWriter] = []
    printed: list[str] = []

    def shipped() -> bool:
        printed.extend(capfd.readouterr().out.splitlines())
        recorded = journal_lines(tmp_path)
        return bool(recorded) and set(recorded) <= set(printed)

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with cluster(Double()) as double:
        port = hanging.sockets[0].getsockname()[1]
        path = tmp_path / "startgate.yml"
        path.write_text(CONFIGURATION.format(node=double.url, port=port))
        async with supervised(load(path, {})) as running:
            (address,) = running.addresses
            assert (await get(address + START, "POST"))[0] == 401
            await until(shipped)
            assert any('"startgate-journal-opened"' in line for line in printed)
            assert running.gate is not None
            first = running.gate.pid
            running.gate.signal(signal.SIGKILL)
            await until(lambda: running.gate is not None and running.gate.pid not in {first, None})
            async with asyncio.timeout(20):
                while (await get(address + START, "POST"))[0] != 401:  # noqa: ASYNC110 -- another process serves, or not yet
                    await asyncio.sleep(0.05)
            await until(shipped)
    for writer in held:
        writer.transport.abort()
    hanging.close()
    await asyncio.sleep(0)
    for sink in ("elasticsearch", "stdout", "syslog", "webhook"):
        assert load_cursor(tmp_path / "journal", sink) is not None, "retention knows of it by this"
