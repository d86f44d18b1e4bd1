"""Replicas that are replaced or given other rules one after another, while the others serve: a takeover under load and
while records are shipped, and what each tells of the rules that it has."""

import asyncio
import json
import signal
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from proxy.embedded.app import basic
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.journal.entry import Phase
from tests.faults.crashing import until
from tests.faults.replicas import Replica, Site, site
from tests.faults.replicas_load import CLIENTS, Front, all_granted, load
from tests.faults.replicas_means import Shipping, command, followed, marked
from tests.stack import Replied

AUTH = basic("elastic", ELASTIC_PASSWORD)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


async def test_one_replica_is_taken_over_while_the_other_serves_and_starts_go_on(tmp_path: Path) -> None:
    async with site(tmp_path) as two:
        front, stop = Front(two), asyncio.Event()
        clients = [asyncio.ensure_future(load(front, number, stop)) for number in range(CLIENTS)]
        try:
            before = [_served(replica) for replica in two.replicas]
            await two.replicas[0].taken_over()
            after = [_served(replica) for replica in two.replicas]
            # Both answer: the new version of the one, and the other as before.
            for replica, count in zip(two.replicas, after, strict=True):
                await until(partial(_more, replica, count))
        finally:
            stop.set()
            started = await asyncio.gather(*clients)
        assert front.refused == 0, "the front never found anybody away"
        assert after[1] > before[1], "the other replica had starts meanwhile"
        all_granted(two, sum(started))
        [opened] = marked(two.replicas[0], "startgate-journal-opened")[1:]
        assert opened["startgate"]["admin"]["journal"]["before"] == "records"
        assert not marked(two.replicas[1], "startgate-journal-opened")[1:]


def _served(replica: Replica) -> int:
    return sum(1 for one in replica.all_recorded() if Phase.INTENT in one.records)


async def _more(replica: Replica, than: int) -> bool:
    return _served(replica) > than


async def test_two_replicas_ship_into_one_stream_each_record_once(tmp_path: Path) -> None:
    shipping = Shipping()
    async with site(tmp_path, more=shipping.more, node=shipping.node) as two:
        for number in range(6):
            # Some batches are cut before they are carried out, and some after.
            shipping.stream.statuses += [0, -1]
            await followed(two.replicas[number % 2], await _granted(two, number % 2, f"job-{number}"))
        await shipping.has_all(*two.replicas)
        # What it cannot ship while it is cut off, it ships then.
        await two.ways[1].cut()
        await two.job("cut")
        refused = await two.replicas[1].start("cut", two.cluster.superuser)
        assert refused.status == 503, refused.body
        assert not any(refused.receipt.encode() in document for document in shipping.stream.documents)
        await two.ways[1].heal()
        await shipping.has_all(*two.replicas)
        two.replicas[1].kill_gate(signal.SIGKILL)
        shipping.stream.rollover()
        await _granted(two, 0, "after")
        await shipping.has_all(*two.replicas)
    _each_once(shipping)


async def test_two_replicas_ship_while_one_is_taken_over(tmp_path: Path) -> None:
    shipping = Shipping()
    async with site(tmp_path, more=shipping.more, node=shipping.node) as two:
        await _granted(two, 0, "before-0")
        # What the old process has sent and was not told of, the new one finds there.
        shipping.stream.statuses += [-1, 0]
        taking = asyncio.ensure_future(two.replicas[0].taken_over())
        number = 0
        while not taking.done():
            number += 1
            await _granted(two, 1, f"meanwhile-{number}")
        await taking
        assert number, "the other had starts meanwhile"
        await followed(two.replicas[0], await _granted(two, 0, "after-0"))
        await shipping.has_all(*two.replicas)
    _each_once(shipping)


async def _granted(two: Site, number: int, job: str) -> Replied:
    await two.job(job)
    answer = await two.replicas[number].start(job, two.cluster.superuser)
    assert answer.status == 200, answer.body
    return answer


def _each_once(shipping: Shipping) -> None:
    counted = Counter(shipping.stream.documents)
    assert set(counted.values()) == {1}
    journals = {json.loads(line)["startgate"]["chain"]["journal"] for line in counted}
    assert len(journals) == 2


async def test_each_replica_tells_which_rules_it_has_and_which_it_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as two:
        took, refused = two.replicas
        [before] = {await _everywhere(replica, refused=False) for replica in two.replicas}
        text = took.rules.read_text()
        took.rules.write_text(text.replace("settings: {}", 'settings: {"*": {index.refresh_interval: 7s}}'))
        refused.rules.write_text(text.replace("settings: {}", "settings: {broken"))
        for replica in two.replicas:
            replica.reload()
        await until(partial(_tried, took))
        await until(partial(_tried, refused))
        after = await _everywhere(took, refused=False)
        assert after != before
        assert await _everywhere(refused, refused=True) == before
        assert (await command(refused, "check")).status == 2, "it would not start again with these"
        status, page = await refused.told("/health/ready")
        assert (status, [one["ok"] for one in json.loads(page)["checks"] if one["name"] == "rules"]) == (503, [False])
        # It goes on with its last good rules, and every record says which those were.
        for replica, revision in ((took, after), (refused, before)):
            await two.job(f"job-{replica.host}")
            answer = await replica.start(f"job-{replica.host}", two.cluster.superuser)
            assert answer.status == 200, answer.body
            for phase in (Phase.INTENT, Phase.OUTCOME):
                assert replica.recorded(answer).records[phase]["startgate"]["rules"]["revision"] == revision
        refused.rules.write_text(took.rules.read_text())
        refused.reload()
        await until(partial(_tried, refused, times=2))
        assert await _everywhere(refused, refused=False) == after


async def _tried(replica: Replica, times: int = 1) -> bool:
    """Whether it has read its rules again so many times, and its admin port knows."""
    status, text = await replica.told("/v1/rules", AUTH)
    return status == 200 and sum(json.loads(text)["reloads"].values()) >= times


async def _everywhere(replica: Replica, *, refused: bool) -> str:
    """The revision in force, as metrics, the API and commands tell it; `refused`: each says that others were."""
    rules, ready, (status, text) = await asyncio.gather(
        command(replica, "rules", "status", "--json"),
        command(replica, "status", "--json"),
        replica.told("/v1/rules", AUTH),
    )
    # A busy machine may have other checks fail for a moment: only that of the rules counts here.
    [check] = [one for one in ready.json["checks"] if one["name"] == "rules"]
    assert check["ok"] is not refused, check
    assert ready.status == 1 or not refused, ready
    assert rules.status == (1 if refused else 0), rules
    assert status == 200, text
    shown = json.loads(text)
    for one in (rules.json, shown):
        assert bool(one["last_attempt"].get("faults")) == refused, one["last_attempt"]
    assert rules.json["revision"] == shown["revision"]
    revision: str = shown["revision"]

    async def counted() -> bool:
        lines = (await replica.told("/metrics"))[1].splitlines()
        told = {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[:1] != "#")}
        revisions = {name: value for name, value in told.items() if name.startswith("startgate_rules_info{")}
        success = told.get("startgate_rules_last_reload_success")
        return revisions == {f'startgate_rules_info{{revision="{revision}"}}': 1} and success == int(not refused)

    await until(counted)
    return revision
