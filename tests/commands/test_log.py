"""`startgate log level`, asked of a gate by its socket."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.logs import setup
from tests.commands.running import invoke
from tests.control.test_levels import Records, controlled


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """A gate's record; the gate serves in a thread of its own, as commands run loops themselves."""
    before = setup.current_levels()
    kept = Records()
    serving, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with controlled(tmp_path, kept):
            serving.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert serving.wait(20)
    (tmp_path / "startgate.yml").write_text("control: {socket: control.sock}\n")
    try:
        yield kept
    finally:
        done.set()
        thread.join()
        setup.set_levels(before)


def test_levels_are_shown_and_changed(records: Records) -> None:
    assert invoke("log", "level").output == "log.level     info\n"
    changed = invoke("log", "level", "proxy.edge", "debug")
    assert changed.exit_code == 0, changed.output
    assert changed.output == "log.level     info\nlogger        proxy.edge: debug\n"
    assert json.loads(invoke("log", "level", "warning", "--json").output) == {
        "level": "warning",
        "each": {"proxy.edge": "debug"},
    }
    assert len(records.kept) == 2, "looking is no change"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["loud"], "a level is one of"),
        (["proxy.egde", "debug"], "did you mean 'proxy.edge'?"),
        (["proxy.edge", "debug", "now"], "give a logger and a level"),
    ],
)
def test_what_there_is_not_is_told(records: Records, words: list[str], told: str) -> None:
    answered = invoke("log", "level", *words)
    assert answered.exit_code == 2
    assert told in answered.output + answered.stderr
    assert records.kept == []


def test_where_no_gate_answers_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answered = invoke("log", "level", "debug")
    assert answered.exit_code == 3
    assert "no gate answers at" in answered.output + answered.stderr
