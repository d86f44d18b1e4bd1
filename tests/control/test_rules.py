"""The calls about rules, on a real socket."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.control.client import Control
from proxy.control.rules import BY_CHARS, RuleCalls
from proxy.control.server import serving
from proxy.errors import CannotServe
from proxy.gate.standing import Outcome, Trigger
from proxy.gate.trial import CASE_BYTES, NotTried, Trials
from tests.cases.trials import CASE, HOSTILE
from tests.control.gates import controlled
from tests.gate.test_generation import KEPT, SHIPPED


async def call(path: Path, method: str, target: str, data: bytes | None = None) -> tuple[int, Any]:
    """Status and decoded body of one call."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as session,
        session.request(method, f"http://gate{target}", data=data) as response,
    ):
        return response.status, await response.json()


async def test_files_are_told_as_they_were_read(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        control, file = Control(path), str(scene.folder / "start.yml")
        told = await control.texts()
        assert told.revision == scene.rules.current.revision
        assert [(one.path, one.text, one.left_out) for one in told.files] == [(file, SHIPPED, False)]
        scene.write("version: 7")
        await control.reload(20)
        assert (await control.texts()).files[0].text == SHIPPED, "what was refused is not in force"
        scene.write(KEPT)
        await control.reload(20)
        assert (await control.texts()).files[0].text == KEPT


async def test_attempts_are_kept_newest_first(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        control = Control(path)
        scene.write("version: 7")
        await control.reload(20, "ann of the realm native1")
        scene.write(KEPT)
        await control.reload(20)
        attempts = (await control.standing()).attempts
        assert [one.outcome for one in attempts] == [Outcome.LOADED, Outcome.REFUSED, Outcome.LOADED]
        assert [one.trigger for one in attempts] == [Trigger.CONTROL, Trigger.CONTROL, Trigger.BOOT]
        us = f"user {os.geteuid()}, process {os.getpid()}"
        assert [one.by for one in attempts] == [us, f"ann of the realm native1, by way of {us}", ""]
        assert attempts[1].faults
        assert scene.journal.entries[0]["startgate"]["admin"]["by"] == attempts[1].by


@pytest.mark.parametrize(
    "body", [b"nonsense", b'{"by": 7}', b'{"by": "a\\nb"}', b'{"by": "%s"}' % (b"x" * (BY_CHARS + 1))]
)
async def test_who_asks_must_be_a_name(tmp_path: Path, body: bytes) -> None:
    async with controlled(tmp_path) as (path, scene):
        status, told = await call(path, "POST", "/v1/rules/reload", body)
        assert (status, list(told)) == (400, ["error"])
        assert scene.journal.entries == []


async def test_counts_are_told(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        told = await Control(path).counts()
        assert told.revision == scene.rules.current.revision
        assert told.counts[0].id == "cluster.manage_ml"


async def test_a_case_is_judged_by_the_rules_in_force(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, scene):
        control = Control(path)
        assert (await control.try_case(CASE)).verdict == "allowed"
        scene.write(
            SHIPPED + "guards: [{id: never, deny: job.id == 'outliers', message: Not this one., mode: enforce}]\n"
        )
        attempt = await control.reload(20)
        assert attempt.outcome is Outcome.REFUSED, "the shipped rules are sealed"
        assert (await control.try_case(CASE)).revision == attempt.after
        assert len(scene.journal.entries) == 1, "trying leaves no record"


@pytest.mark.parametrize("name", ["a bomb", "deep", "unknown names", "two cases"])
async def test_what_is_no_case_has_faults(tmp_path: Path, name: str) -> None:
    async with controlled(tmp_path) as (path, _):
        status, told = await call(path, "POST", "/v1/rules/try", HOSTILE[name].encode())
        assert status == 422
        assert all(fault["line"] >= 1 for fault in told["faults"])
        trial = await Control(path).try_case(HOSTILE[name])
        assert [fault.message for fault in trial.faults] == [fault["message"] for fault in told["faults"]]


async def test_other_bodies_are_refused(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (path, _):
        status, told = await call(path, "POST", "/v1/rules/try", b"x" * (CASE_BYTES + 1))
        assert (status, told) == (413, {"error": "a case may have 262,144 bytes"})
        status, told = await call(path, "POST", "/v1/rules/try", b"name: \xff")
        assert (status, told) == (422, {"error": "a case is UTF-8, and this is not (byte 0xff)"})
        with pytest.raises(NotTried, match="262,144"):
            await Control(path).try_case("x" * (CASE_BYTES + 1))


async def test_who_comes_while_another_case_is_tried_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "go")
    code = (
        f"open({str(tmp_path / 'begun')!r}, 'w').write('x'); open({str(tmp_path / 'go')!r}).read(); raise SystemExit(1)"
    )
    async with controlled(tmp_path, Trials((sys.executable, "-c", code), wait_s=60)) as (path, _):
        control = Control(path)
        first = asyncio.ensure_future(control.try_case(CASE))
        await asyncio.to_thread((tmp_path / "begun").read_text)
        others = await asyncio.gather(*(control.try_case(CASE) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(one, NotTried) and one.busy for one in others)
        await asyncio.to_thread((tmp_path / "go").write_text, "")
        with pytest.raises(NotTried) as caught:
            await first
        assert not caught.value.busy


async def test_a_gate_may_count_and_try_nothing(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (_, scene), serving(tmp_path / "b.sock", RuleCalls(rules=scene.rules)):
        assert (await call(tmp_path / "b.sock", "GET", "/v1/rules/counts"))[0] == 404
        assert (await call(tmp_path / "b.sock", "POST", "/v1/rules/try", b"x"))[0] == 404
        with pytest.raises(CannotServe, match="no gate of this version"):
            await Control(tmp_path / "b.sock").counts()
