"""Others at work at the same moment: writers to an index that is about to be removed, a journal that breaks while
starts are made, clients that leave."""

import asyncio
import errno
import json
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proxy.journal.entry import Phase
from proxy.journal.read import starts
from proxy.model import Answer
from proxy.settings import GateLimits
from tests.gate.fakes import TARGET, Scene, arrived
from tests.stack import Replied, Stack, whole

pytestmark = pytest.mark.slow  # together some ten seconds

SEED = 20010101
ROUNDS = 25
WRITERS = 6
JOBS = 24


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """A source that can be analysed, and one where no document has all fields: its starts are refused at the end."""
    async with whole(tmp_path) as found:
        mappings = {"properties": {"delay": {"type": "integer"}}}
        await found.ok("PUT", "/src", {"mappings": mappings})
        await found.ok("PUT", "/void", {"mappings": mappings})
        lines = [part for n in range(30) for part in ({"index": {"_index": "src", "_id": str(n)}}, {"delay": n % 7})]
        await found.ok("POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        yield found


async def put(stack: Stack, job: str, source: str = "src") -> None:
    analysis: dict[str, object] = {"outlier_detection": {}}
    body = {"source": {"index": [source]}, "dest": {"index": f"out-{job}"}, "analysis": analysis}
    await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body)


async def test_no_acknowledged_document_is_lost_with_a_removed_destination(stack: Stack) -> None:
    """Writers meet an index that Startgate made for a start that the cluster refuses, at every moment of its life."""
    random_ = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    stack.cluster.delay_s = 0.002
    acknowledged: dict[str, set[str]] = {}
    removals: list[str] = []

    async def write(job: str, number: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        lines = ({"index": {"_index": f"out-{job}", "_id": str(number)}}, {"n": number})
        answer = await stack.call("POST", "/_bulk", "".join(json.dumps(line) + "\n" for line in lines), direct=True)
        if answer.status == 200 and not answer.json["errors"]:
            acknowledged.setdefault(job, set()).add(str(number))

    for round_ in range(ROUNDS):
        job = f"round-{round_}"
        await put(stack, job, "void")
        span = (0.0, 0.06) if round_ % 2 else (0.02, 0.15)
        writers = [write(job, number, random_.uniform(*span)) for number in range(WRITERS)]
        if round_ % 5 == 1:  # somebody has waited for the index
            writers.append(_write_once_there(stack, job, write))
        if round_ % 5 == 0:  # for once they find it gone
            answer = await stack.start(job)
            await asyncio.gather(*writers)
        else:
            writing = asyncio.gather(*writers)
            answer = await stack.start(job)
            await writing
        assert answer.status == 400, answer.body
        destination = stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["destination"]
        removals.append(destination.get("removal", "not made"))
    stack.cluster.delay_s = 0.0
    for job, ids in acknowledged.items():
        await stack.ok("POST", f"/out-{job}/_refresh")
        found = await stack.ok("GET", f"/out-{job}/_search?size=100")
        assert {hit["_id"] for hit in found["hits"]["hits"]} == ids, job
        settings = await stack.ok("GET", f"/out-{job}/_settings?flat_settings=true")
        assert "index.blocks.write" not in settings[f"out-{job}"]["settings"], job
    assert sum(map(len, acknowledged.values())) > ROUNDS
    assert "removed" in removals
    assert any(text == "kept: it has been written to" for text in removals), removals


async def _write_once_there(stack: Stack, job: str, write: Callable[[str, int, float], Awaitable[None]]) -> None:
    while (await stack.call("GET", f"/out-{job}", direct=True)).status == 404:
        pass
    await write(job, WRITERS, 0.0)


async def _starts(stack: Stack, answered: Callable[[Replied], object] = lambda _: None) -> list[Replied]:
    for number in range(JOBS):
        await put(stack, f"job-{number}")
    stack.cluster.delay_s = 0.003

    async def start(number: int) -> Replied:
        await asyncio.sleep(number * 0.015)
        reply = await stack.start(f"job-{number}")
        answered(reply)
        return reply

    return await asyncio.gather(*map(start, range(JOBS)))


async def _hold(stack: Stack, answers: list[Replied], journal: Path) -> None:
    """What was acknowledged is on record; what runs or exists was intended; what was refused did nothing."""
    known = {one.receipt: one.records for one in starts(journal)}
    intents = [records[Phase.INTENT] for records in known.values() if Phase.INTENT in records]
    intended = {record["startgate"]["job"]["id"] for record in intents}
    for answer in answers:
        assert answer.status in (200, 503), answer.body
        if answer.status == 200:
            assert known[answer.receipt][Phase.OUTCOME]["event"]["outcome"] == "success"
    existing = await stack.ok("GET", "/out-*")
    assert {name.removeprefix("out-") for name in existing} <= intended
    statistics = await stack.ok("GET", "/_ml/data_frame/analytics/_stats?size=1000")
    for stats in statistics["data_frame_analytics"]:
        begun = stats["state"] != "stopped" or any(one["progress_percent"] for one in stats["progress"])
        assert not begun or stats["id"] in intended
    for number, answer in enumerate(answers):
        if f"job-{number}" not in intended:
            assert answer.status == 503
            assert "journal" in answer.reason


async def test_a_journal_that_is_taken_away_stops_starts_and_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    file = stack.journal / "starts-000001.jsonl"
    kept = tmp_path / "kept"
    kept.mkdir()
    os.link(file, kept / file.name)

    def take_away(reply: Replied) -> None:
        if reply.status == 200:
            file.unlink(missing_ok=True)

    await put(stack, "last")
    answers = await _starts(stack, take_away)
    assert {answer.status for answer in answers} >= {200}
    # Whoever notices it is refused; after that the journal goes on in a new file. The end of a job may notice it, too.
    assert (await stack.start("last")).status in (200, 503)
    assert (await stack.start("last")).status != 503
    assert not file.exists()
    for path in stack.journal.glob("starts-*.jsonl"):
        os.link(path, kept / path.name)
    assert len(list(kept.iterdir())) == 2
    await _hold(stack, answers, kept)


async def test_a_disk_that_fills_and_empties_loses_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    random_ = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    fsync = os.fsync

    def sometimes(descriptor: int) -> None:
        if random_.random() < 0.4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr("proxy.journal.files.os.fsync", sometimes)
    answers = await _starts(stack)
    monkeypatch.setattr("proxy.journal.files.os.fsync", fsync)
    await _hold(stack, answers, stack.journal)
    again = await stack.start("job-0")
    assert again.status != 503, again.body


async def test_clients_that_leave_in_the_middle_of_a_body_leave_no_traceback(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(10):
        # From ten addresses: of one, all but the first would only be counted.
        local = (f"127.0.0.{10 + number}", 0)
        _, writer = await asyncio.open_connection("127.0.0.1", stack.port, local_addr=local)
        writer.write(b"POST /_ml/data_frame/analytics/job/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.transport.abort()
    async with asyncio.timeout(60):
        while len(stack.all_recorded()) < 10:  # noqa: ASYNC110 -- the journal is a file
            await asyncio.sleep(0.02)
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.WARNING]


async def test_many_starts_at_once_leave_nothing_behind(stack: Stack) -> None:
    """Of different jobs, all by strangers: all are answered, the first is on record and the rest are counted, and one
    who may is served at once."""
    await put(stack, "good")
    flood = [asyncio.ensure_future(stack.start(f"job-{n}", "Basic bm9ib2R5Om5v")) for n in range(300)]
    good = await asyncio.wait_for(stack.start("good"), 10)
    assert good.status == 200, good.body
    answers = await asyncio.gather(*flood)
    assert {answer.status for answer in answers} == {401}
    receipts = [answer.headers["X-Startgate-Receipt"] for answer in answers if "X-Startgate-Receipt" in answer.headers]
    assert len(receipts) == 1
    assert {start.receipt for start in stack.all_recorded()} == {good.receipt, *receipts}


async def test_a_short_timeout_does_not_hide_a_start(tmp_path: Path) -> None:
    """Whoever waits for a nanosecond hears nothing of it, and the job runs: its end is on record all the same."""
    async with whole(tmp_path, limits=GateLimits(follow_up_poll_s=0.1, forward_grace_s=0.05)) as stack:
        await stack.ok("PUT", "/src", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
        for number in range(12):
            await stack.ok("PUT", f"/src/_doc/{number}?refresh=true", {"delay": number})
        await put(stack, "hidden")
        stack.cluster.delay_s = 0.15
        answer = await stack.start("hidden", query="?timeout=1nanos")
        assert answer.status == 503, answer.body
        end = await stack.end_of(answer.receipt)
        assert (end["startgate"]["end"]["state"], end["event"]["outcome"]) == ("stopped", "success")
        assert stack.recorded(answer.receipt).records[Phase.OUTCOME]["event"]["outcome"] == "unknown"


async def test_a_start_that_waits_without_end_does_not_make_others_wait() -> None:
    """Who may start a job may ask for `timeout=-1`; the next one is told, as the cluster would tell it."""
    forwarded = asyncio.Event()

    async def never() -> Answer:
        forwarded.set()
        await asyncio.Event().wait()
        raise AssertionError

    scene = Scene(limits=GateLimits(forward_grace_s=0.05))
    scene.cluster.answers = {"forward": never}
    first = asyncio.ensure_future(scene.run(arrived(target=f"{TARGET}?timeout=-1")))
    await asyncio.wait_for(forwarded.wait(), 5)
    second = await asyncio.wait_for(scene.run(arrived(target=f"{TARGET}?timeout=1ms", receipt="r2")), 5)
    assert second.status == 409
    assert b"another start of it is still under way" in second.body
    assert scene.outcome["event"]["outcome"] == "failure"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    scene.cluster.answers = {}
    assert (await scene.run(arrived(receipt="r3"))).status == 200
