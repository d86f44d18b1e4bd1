"""`startgate rules`: asked of a gate by its socket, and read from the journal."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.entry import administrative
from tests.commands.running import invoke
from tests.control.gates import controlled
from tests.gate.test_generation import KEPT
from tests.gate.test_rules_in_force import Scene
from tests.journal.making import encode


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Scene]:
    """A gate's rules and their socket, in a thread of their own: commands run loops themselves."""
    found: list[Scene] = []
    serving, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with controlled(tmp_path) as (_, scene):
            found.append(scene)
            serving.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert serving.wait(20)
    (tmp_path / "startgate.yml").write_text("control: {socket: control.sock}\n")
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


def test_status_tells_what_is_in_force(gate: Scene) -> None:
    told = invoke("rules", "status")
    assert told.exit_code == 0, told.output
    assert f"revision      {gate.rules.current.revision}\n" in told.output
    assert f"rules at      {gate.folder} (not watched)\n" in told.output
    assert f"file          {gate.folder}/start.yml\n" in told.output
    assert "(boot): loaded\n" in told.output


def test_status_in_json_is_what_the_socket_answers(gate: Scene) -> None:
    told = json.loads(invoke("rules", "status", "--json").output)
    assert told["revision"] == gate.rules.current.revision
    assert told["last_attempt"]["outcome"] == "loaded"


def test_reload_tells_what_came_of_it(gate: Scene) -> None:
    before = gate.rules.current.revision
    gate.write(KEPT)
    told = invoke("rules", "reload")
    assert told.exit_code == 0, told.output
    assert told.output == f"reloaded: revision {gate.rules.current.revision} is in force, and was {before} before\n"
    told = invoke("rules", "reload", "--wait", "20")
    assert told.output.startswith("reloaded, and the rules say the same: ")
    gate.write("version: 7")
    told = invoke("rules", "reload")
    assert told.exit_code == 2
    assert f"error: {gate.folder}/start.yml:" in told.stderr
    assert told.stdout == f"refused: revision {gate.rules.current.revision} stays in force\n"
    told = invoke("rules", "status")
    assert told.exit_code == 1, "what lies on the disk is not in force"
    assert "fault         " in told.output
    assert invoke("rules", "status", "--json").exit_code == 1
    assert json.loads(invoke("rules", "reload", "--json").output)["outcome"] == "refused"


@pytest.mark.parametrize("arguments", [("status",), ("reload",), ("status", "--json")])
def test_without_a_gate_it_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = invoke("rules", *arguments)
    assert told.exit_code == 3
    assert "is `startgate serve` running with this configuration" in told.stderr


def history(folder: Path, *lines: dict[str, Any]) -> None:
    """A journal with these records of administration between starts."""
    folder.mkdir()
    start = encode({"startgate": {"receipt": "r1", "phase": "outcome"}})
    (folder / "starts-000001.jsonl").write_bytes(start + b"".join(map(encode, lines)) + start)


def reload(**admin: Any) -> dict[str, Any]:
    """A record of a reload."""
    record = administrative("startgate-rules-reload", "x", 0, outcome="failure")
    record["startgate"]["admin"] = {"trigger": "watch", "rules": {"before": "a1", "after": "b2"}, **admin}
    return record


def test_history_tells_every_reload(tmp_path: Path) -> None:
    faults = {"outcome": "refused", "faults": ["a.yml:1:1: no\x1b[31m"], "by": "user 1, process 2"}
    history(tmp_path / "journal", reload(outcome="loaded"), reload(**faults))
    told = invoke("rules", "history")
    assert told.output.splitlines() == [
        "1970-01-01T00:00:00.000Z  a1 -> b2  loaded (watch)",
        "1970-01-01T00:00:00.000Z  a1 -> b2  refused (watch, user 1, process 2)",
        "    a.yml:1:1: no\\x1b[31m",
    ]
    lines = invoke("rules", "history", "--journal", str(tmp_path / "journal"), "--json").output.splitlines()
    assert [json.loads(line)["startgate"]["admin"]["outcome"] for line in lines] == ["loaded", "refused"]


@pytest.mark.parametrize("action", ["startgate-journal-opened", "startgate-admin-sign-in", "startgate-other"])
def test_history_passes_over_what_is_no_reload(tmp_path: Path, action: str) -> None:
    other = administrative(action, "y", 0, outcome="failure")
    history(tmp_path / "journal", other, reload(outcome="loaded"))
    assert invoke("rules", "history").output == "1970-01-01T00:00:00.000Z  a1 -> b2  loaded (watch)\n"
    assert invoke("rules", "history", "--journal", "nowhere").exit_code == 2


def test_history_says_that_there_is_none(tmp_path: Path) -> None:
    history(tmp_path / "journal")
    folder = str(tmp_path / "journal")
    assert invoke("rules", "history", "--journal", folder).output == f"no reload is recorded in {folder}\n"
    assert invoke("rules", "history", "--json").output == ""
