"""Whom commands ask: the API, and the gate where there is none to ask."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from click.testing import Result

from proxy.admin.api import ErrorAnswer
from proxy.admin.client import Where
from proxy.admin.shown.journal import Journal, SinkRow, Verification
from proxy.admin.shown.rules import RuleFile, Rules
from proxy.commands.running import Running, Sunk
from proxy.control.client import Control
from proxy.gate.standing import Attempt, Outcome, Trigger
from proxy.logs.settings import Levels
from tests.commands.running import invoke
from tests.control import gates

# A Unix socket's path has 108 bytes at most: those of pytest's folders fit.
LOADED = Attempt(
    at="2026-01-31T09:00:00.000Z", trigger=Trigger.BOOT, outcome=Outcome.LOADED, before="", after="aaaabbbbcccc"
)
RULES = Rules(
    revision="aaaabbbbcccc",
    loaded_at="2026-01-31T09:00:00.000Z",
    age_s=90.0,
    path="/etc/rules",
    files=(RuleFile(path="/etc/rules/start.yml", text="version: 1", changed=False),),
    watched=True,
    last_attempt=LOADED,
    attempts=(LOADED,),
    break_glass=(),
    counts=(),
    counts_since="",
    reloads={"loaded": 1},
)
NEVER = Verification(state="never", began="", took_s=None, read_bytes=0, total_bytes=0, records=0, findings=(), by="")
JOURNAL = Journal(folder="journal", standing=gates.STANDING, reason="", files=(), bytes=0, sinks=(), verification=NEVER)
Answers = dict[tuple[str, str], tuple[int, object]]
GOOD: Answers = {
    ("GET", "/v1/rules"): (200, RULES),
    ("POST", "/v1/rules/reload"): (200, replace(LOADED, outcome=Outcome.UNCHANGED)),
    ("GET", "/v1/journal"): (200, JOURNAL),
    ("GET", "/v1/log"): (200, Levels()),
    ("PUT", "/v1/log"): (200, Levels(level="debug")),
}
COMMANDS = (("rules", "status"), ("rules", "reload"), ("audit", "status"), ("log", "level"), ("log", "level", "debug"))


@contextmanager
def api(folder: Path, answers: Answers) -> Iterator[list[tuple[str, str, bytes, str]]]:
    """An admin port that answers so at its socket and at a port, in a thread of its own; all that it was asked."""
    asked: list[tuple[str, str, bytes, str]] = []
    up, done = threading.Event(), threading.Event()
    ports: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        asked.append((request.method, request.path, body, request.headers.get("authorization", "")))
        status, content = answers[(request.method, request.path)]
        return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.UnixSite(runner, str(folder / "admin.sock")).start()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[-1][1])
        up.set()
        await asyncio.to_thread(done.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    (folder / "url").write_text(f"http://127.0.0.1:{ports[0]}")
    (folder / "startgate.yml").write_text("control: {socket: control.sock}\nadmin: {socket: admin.sock}\n")
    try:
        yield asked
    finally:
        done.set()
        thread.join()


@contextmanager
def gate(folder: Path) -> Iterator[None]:
    """A gate's control socket."""
    up, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with gates.controlled(folder):
            up.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    (folder / "startgate.yml").write_text("control: {socket: control.sock}\nadmin: {socket: admin.sock}\n")
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_api_is_asked(tmp_path: Path, command: tuple[str, ...]) -> None:
    with api(tmp_path, GOOD) as asked:
        told = invoke(*command)
    assert told.exit_code == 0, told.output
    assert len(asked) == 1


def test_what_it_answers_is_what_the_gate_tells(tmp_path: Path) -> None:
    with api(tmp_path, GOOD) as asked:
        status = invoke("rules", "status")
        assert "revision      aaaabbbbcccc\n" in status.output
        assert "file          /etc/rules/start.yml\n" in status.output
        assert json.loads(invoke("rules", "status", "--json").output)["reloads"] == {"loaded": 1}
        assert "written, 3 refused" in invoke("audit", "status").output
        assert invoke("log", "level", "proxy.edge", "debug").output == "log.level     debug\n"
    assert json.loads(asked[-1][2]) == {"level": "debug", "logger": "proxy.edge"}


def elsewhere(folder: Path, *command: str) -> Result:
    """A command that asks the port at another place."""
    (folder / "token").write_text("t" * 40)
    return invoke(*command, "--admin", (folder / "url").read_text(), "--token-file", "token")


@pytest.mark.parametrize("command", COMMANDS)
def test_another_machine_is_asked_with_a_token(tmp_path: Path, command: tuple[str, ...]) -> None:
    with api(tmp_path, GOOD) as asked:
        told = elsewhere(tmp_path, *command)
    assert told.exit_code == 0, told.output
    assert asked[0][3] == "Bearer " + "t" * 40


def refused(status: int, reason: str) -> Answers:
    """A port that refuses everything."""
    return {call: (status, ErrorAnswer(status=status, reason=reason, hint="look there")) for call in GOOD}


@pytest.mark.parametrize(
    ("status", "reason", "exit_code", "said"),
    [
        (503, "no gate answers", 3, "error: no gate answers\n"),
        (403, "this takes the role write", 3, "refuses /v1/log: this takes the role write (look there)"),
        (422, "a level is one of", 2, "error: a level is one of\n"),
    ],
)
def test_a_refusal_is_told(tmp_path: Path, status: int, reason: str, exit_code: int, said: str) -> None:
    with api(tmp_path, refused(status, reason)):
        told = elsewhere(tmp_path, "log", "level", "debug")
    assert told.exit_code == exit_code
    assert said in told.stderr


def test_a_gate_that_does_not_answer_is_told_as_the_api_tells_it(tmp_path: Path) -> None:
    away = replace(JOURNAL, standing=None, reason="no gate answers")
    with api(tmp_path, {**GOOD, ("GET", "/v1/journal"): (200, away)}):
        told = invoke("audit", "status")
    assert (told.exit_code, told.stderr) == (3, "error: no gate answers\n")


def test_nobody_elsewhere_is_told(tmp_path: Path) -> None:
    told = invoke("rules", "status", "--admin", "http://127.0.0.1:1")
    assert told.exit_code == 3
    assert "nobody answers at 127.0.0.1:1" in told.stderr


def _left_behind(folder: Path) -> None:
    """The socket of a process that was killed."""

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "admin.sock"))


@pytest.mark.parametrize("before", [lambda _folder: None, _left_behind])
def test_the_gate_is_asked_where_there_is_no_api(tmp_path: Path, before: Callable[[Path], Any]) -> None:
    before(tmp_path)
    with gate(tmp_path):
        assert "rules at      " in invoke("rules", "status").output
        assert "state         writable\n" in invoke("audit", "status").output


def test_the_gate_is_asked_by_a_user_whom_the_api_does_not_serve(tmp_path: Path) -> None:
    with gate(tmp_path), api(tmp_path, refused(403, "only the user whom Startgate runs as is served here")):
        assert "state         writable\n" in invoke("audit", "status").output


async def test_nobody_at_all_is_told() -> None:
    with pytest.raises(ValueError, match="nobody to ask"):
        Running(None, None)


SINK = SinkRow(name="webhook", kind="webhook", lag_records=3, lag_bytes=9, lag_s=1.0, rejected=0, reason="it fails")


def test_sinks_are_told_by_the_api_and_else_by_the_gate(tmp_path: Path) -> None:
    running = Running(Where(socket=tmp_path / "admin.sock"), Control(tmp_path / "control.sock"))
    with api(tmp_path, {**GOOD, ("GET", "/v1/journal"): (200, replace(JOURNAL, sinks=(SINK,)))}):
        assert asyncio.run(running.sinks()) == (Sunk(name="webhook", records=3, trouble="it fails"),)
    (tmp_path / "admin.sock").unlink(missing_ok=True)
    with gate(tmp_path):
        assert asyncio.run(running.sinks()) == (Sunk(name="syslog", records=2, trouble="nobody listens"),)
