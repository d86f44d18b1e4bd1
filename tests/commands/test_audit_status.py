"""`startgate audit status`: asked of a gate by its socket."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from proxy.journal.standing import JournalStanding, JournalState
from tests.commands.running import invoke
from tests.control import gates


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[None]:
    """A gate's control socket, in a thread of its own: commands run loops themselves."""
    serving, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with gates.controlled(tmp_path):
            serving.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert serving.wait(20)
    (tmp_path / "startgate.yml").write_text("control: {socket: control.sock}\n")
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.usefixtures("gate")
def test_it_tells_counts_and_the_last_record() -> None:
    told = invoke("audit", "status")
    assert told.exit_code == 0
    assert told.output.splitlines() == [
        "state         writable",
        "journal       jjjjjjjjjjjjjjjjjjjjjj",
        "file          starts-000002.jsonl, to record 7",
        "records       5 written, 3 refused, 2 lost, 1 late",
        "last fsync    2.5 ms",
    ]


@pytest.mark.usefixtures("gate")
def test_a_journal_that_cannot_be_written_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = replace(gates.STANDING, state=JournalState.FAILING, reason="no space\x1b[31m")
    monkeypatch.setattr(gates, "STANDING", failing)
    told = invoke("audit", "status")
    assert told.exit_code == 1
    assert told.output.splitlines()[:2] == ["state         failing", "reason        no space\\x1b[31m"]


@pytest.mark.usefixtures("gate")
def test_in_json_it_is_what_the_socket_answers() -> None:
    told = invoke("audit", "status", "--json")
    assert told.exit_code == 0
    assert msgspec.convert(json.loads(told.output), JournalStanding) == gates.STANDING


def test_without_a_gate_it_says_so() -> None:
    told = invoke("audit", "status")
    assert told.exit_code == 3
    assert "is `startgate serve` running with this configuration" in told.stderr
