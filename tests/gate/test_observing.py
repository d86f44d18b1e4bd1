"""The gate's socket for edge workers: what they tell is on record when they are answered, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.gate.observe_owners import BEGUN
from proxy.gate.observe_record import Who, observed
from proxy.gate.observing import Observing
from proxy.notes import GAP_TARGET, NOTE_TARGET, Gap, Note
from proxy.route.table import PUT
from tests.gate.fakes import ANN, FakeClock, FakeCluster, made
from tests.gate.test_observe import Records

NOTE = Note(
    action=PUT,
    method="PUT",
    target="/_ml/data_frame/analytics/outliers",
    headers=(("Authorization", "Basic YW5u"), ("X-Long", "\xe4" * 60_000)),
    peer="10.0.0.1:55",
    status=200,
    began_ms=1,
    answered_ms=2,
)
GAP = Gap(calls={PUT: 1}, since_ms=1, until_ms=2, why="down")


@asynccontextmanager
async def serving(
    answers: Mapping[str, Any] | None = None,
) -> AsyncIterator[tuple[TestClient[web.Request, web.Application], Observing, Records]]:
    journal = Records()
    observing = Observing(FakeCluster([], dict(answers or {})), journal, FakeClock(), service=None, own=None)
    app = web.Application(client_max_size=10)
    observing.add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield client, observing, journal


async def test_a_note_is_on_record_when_it_is_answered() -> None:
    async with serving() as (client, observing, journal):
        answer = await client.put(NOTE_TARGET, data=msgspec.json.encode(NOTE))
        assert answer.status == 204
        assert [one["event"]["action"] for one in journal.entries] == [PUT]
        assert observing.owners.seen(made())["name"] == ANN.username
        assert (await client.put(GAP_TARGET, data=msgspec.json.encode(GAP))).status == 204
        assert journal.entries[-1]["startgate"]["observed"]["missed"]["count"] == 1


@pytest.mark.parametrize(("target", "told"), [(NOTE_TARGET, NOTE), (GAP_TARGET, GAP)])
async def test_what_is_not_on_record_is_not_said_to_be(
    target: str, told: Note | Gap, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as (client, _, journal):
        journal.failing = True
        assert (await client.put(target, data=msgspec.json.encode(told))).status == 503
    assert "not on record: no space" in caplog.text


async def test_a_worker_that_does_not_wait_interrupts_nothing() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        asked.set()
        await go_on.wait()
        return ANN

    async with serving({"identify caller": slowly}) as (client, observing, journal):
        telling = asyncio.ensure_future(client.put(NOTE_TARGET, data=msgspec.json.encode(NOTE)))
        await asked.wait()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        go_on.set()
        await observing.drain(60)
        assert len(journal.entries) == 1


async def test_what_is_folded_is_on_record_at_the_end() -> None:
    async with serving() as (client, observing, journal):
        refused = msgspec.json.encode(replace(NOTE, status=401))
        for _ in range(3):
            assert (await client.put(NOTE_TARGET, data=refused)).status == 204
        assert [observing.repeated("10.9.9.9") for _ in range(3)] == [False, True, True]
        assert len(journal.entries) == 1
        await observing.close()
    told = {one["event"]["action"]: one["startgate"]["admin"]["unauthenticated"] for one in journal.entries[1:]}
    assert {action: one["count"] for action, one in told.items()} == {
        "startgate-unauthenticated-starts": 2,
        "startgate-unauthenticated-calls": 2,
    }


async def test_what_is_folded_goes_to_the_disk_together() -> None:
    """The supervisor gives a gate that stops five seconds beside what is under way."""

    class Together(Records):
        waiting, all_there = 0, asyncio.Event()

        async def append(self, entry: Mapping[str, Any]) -> None:
            self.waiting += 1
            if self.waiting == 100:
                self.all_there.set()
            await self.all_there.wait()
            await super().append(entry)

    journal = Together()
    observing = Observing(FakeCluster([]), journal, FakeClock(), service=None, own=None)
    for number in range(100):
        assert [observing.repeated(f"10.0.0.{number}") for _ in range(2)] == [False, True]
    await observing.close()
    assert len(journal.entries) == 100


async def test_owners_are_remembered_and_what_is_of_another_form_is_passed_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = observed(NOTE, "i", made().id, Who(caller=ANN), made(), {}, 0)
    async with serving() as (_, observing, _journal):
        observing.remember([{"startgate": {"observed": 1}}, {"startgate": 1}, good])
        assert observing.owners.seen(made())["why"] == BEGUN
        monkeypatch.setattr("proxy.gate.observe_owners.SETTLE_S", 0.0)
        observing.remember([])
        assert observing.owners.seen(made())["known"]
    assert "of another form" in caplog.text
