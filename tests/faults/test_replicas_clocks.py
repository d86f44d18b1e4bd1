"""Replicas whose clock is behind, or goes back or on while they run: what follows the clock, and what does not."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.entry import Phase
from proxy.journal.folder import journal_files
from proxy.journal.shipped import shipped
from proxy.journal.verify import verify
from tests.faults.crashing import until
from tests.faults.replicas import Replica, Site, site
from tests.faults.replicas_means import (
    EXCEPTIONS,
    LIBRARIES,
    Clock,
    changed,
    command,
    exception,
    followed,
    lifted,
    marked,
)
from tests.stack import Replied

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not LIBRARIES, reason="needs libfaketime (Debian: faketime)"),
]

HOUR_S = 3600


async def _started(two: Site, replica: Replica, job: str) -> Replied:
    await two.job(job)
    return await replica.start(job, two.cluster.superuser)


def _over(replica: Replica) -> None:
    """An exception that is over for an hour, and was in force two hours ago."""
    exception(replica, -3 * HOUR_S, -HOUR_S)


async def test_an_exception_is_honoured_for_as_long_as_the_clock_is_behind(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", -2 * HOUR_S)
    async with site(tmp_path, more=EXCEPTIONS, envs={1: clock.env}, prepare=_over) as two:
        right, behind = two.replicas
        denied = await _started(two, right, "right")
        assert denied.status == 403, denied.body
        granted = await _started(two, behind, "behind")
        assert granted.status == 200, granted.body
        outcome = behind.recorded(granted).records[Phase.OUTCOME]
        assert "inc" in str(outcome["startgate"]["verdict"])
        assert clock.tells(outcome["@timestamp"])
        assert clock.tells(behind.recorded(granted).records[Phase.OUTCOME]["event"]["start"])
        assert clock.made(granted.receipt)
        await followed(behind, granted)
        end = behind.recorded(granted).records[Phase.END]
        assert clock.tells(end["@timestamp"])
        assert 0 <= outcome["event"]["duration"] < HOUR_S * 10**9
        # A clock that goes on is no note: only one that goes back makes times that are not in order.
        clock.set(0)
        assert (await _started(two, behind, "again")).status == 403
        assert not marked(behind, "startgate-journal-clock")
    for replica in (right, behind):
        assert verify(replica.journal).whole


async def test_a_clock_that_goes_back_is_on_record_and_owners_are_named_only_where_that_is_sure(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    async with site(tmp_path, envs={0: clock.env}) as two:
        replica = two.replicas[0]
        for job in ("before", "both"):
            await _put(two, replica, job)
        owner = await _owner(two, replica, "before")
        assert (owner["known"], owner["name"]) == (True, "elastic")
        clock.set(-2 * HOUR_S)
        # Nobody changed it since, by whatever clock.
        assert (await _owner(two, replica, "before"))["name"] == "elastic"
        [note] = marked(replica, "startgate-journal-clock")
        told = note["startgate"]["admin"]["journal"]
        assert clock.tells(told["after"])
        assert not clock.tells(told["before"])
        await _update(two, replica, "both")
        doubted = await _owner(two, replica, "both")
        assert not doubted["known"]
        assert "the clock went back" in doubted["why"]
        await _put(two, replica, "after")
        assert (await _owner(two, replica, "after"))["name"] == "elastic"
        # Later than all before it, by its clock as well: it is sure again.
        clock.set(2 * HOUR_S)
        await _update(two, replica, "both")
        assert (await _owner(two, replica, "both"))["name"] == "elastic"
        clock.set(0)
        answer = await _started(two, replica, "last")
        await followed(replica, answer)
        assert len(marked(replica, "startgate-journal-clock")) == 2, "one note for each step back"
        await _reads_itself_again(replica, answer)
    assert verify(replica.journal).whole


async def _reads_itself_again(replica: Replica, answer: Replied) -> None:
    """A gate that is killed leaves times that are not in order to the next one."""
    replica.kill_gate(signal.SIGKILL)

    async def back() -> bool:
        return (await replica.told("/health/ready"))[0] == 200

    await until(back)
    assert Phase.END in replica.recorded(answer).records


async def _put(two: Site, replica: Replica, job: str) -> None:
    body = {"source": {"index": ["src"]}, "dest": {"index": f"out-{job}"}, "analysis": {"outlier_detection": {}}}
    await changed(two, replica, "PUT", f"/_ml/data_frame/analytics/{job}", body)


async def _update(two: Site, replica: Replica, job: str) -> None:
    await changed(two, replica, "POST", f"/_ml/data_frame/analytics/{job}/_update", {"description": "anew"})


async def _owner(two: Site, replica: Replica, job: str) -> dict[str, Any]:
    """What the record of a start says of whose job it is. Whether the cluster starts it is another matter."""
    answer = await replica.start(job, two.cluster.superuser)
    owner: dict[str, Any] = replica.recorded(answer).records[Phase.OUTCOME]["startgate"]["owner"]["seen"]
    await two.ended(job)
    return owner


RETAINED = (
    f"journal: {{path: journal, rotate: {{age_s: {HOUR_S}}}, retain: {{age_s: {HOUR_S}}}, "
    "sinks: {stdout: {enabled: true}}}\n"
)


async def test_retention_by_age_follows_the_clock_of_the_replica(tmp_path: Path) -> None:
    clocks = [Clock(tmp_path / f"clock-{number}") for number in range(2)]
    envs = {number: clock.env for number, clock in enumerate(clocks)}
    async with site(tmp_path, more=RETAINED, envs=envs) as two:
        for clock, replica in zip(clocks, two.replicas, strict=True):
            await followed(replica, await _started(two, replica, f"first-{replica.host}"))
            # By a clock that is ahead the file is old, and the next record goes to another.
            clock.set(2 * HOUR_S)
            await followed(replica, await _started(two, replica, f"second-{replica.host}"))
            assert _names(replica) == ["starts-000001.jsonl", "starts-000002.jsonl"]
            await _all_shipped(replica)
        # Old files are looked for when a gate begins. For one it is two hours later; the other's clock went back.
        clocks[1].set(0)
        await asyncio.gather(*(_again(replica) for replica in two.replicas))
        gone, kept = two.replicas

        async def retired() -> bool:
            return "starts-000001.jsonl" not in _names(gone)

        await until(retired)
        [mark] = marked(gone, "startgate-journal-retired")
        assert (mark["startgate"]["admin"]["journal"]["file"], clocks[0].tells(mark["@timestamp"])) == (
            "starts-000001.jsonl",
            True,
        )
        assert not marked(kept, "startgate-journal-retired")
        assert "starts-000001.jsonl" in _names(kept)
        clocks[1].set(2 * HOUR_S)
        await _again(kept)

        async def retired_too() -> bool:
            return "starts-000001.jsonl" not in _names(kept)

        await until(retired_too)
    for replica in two.replicas:
        assert verify(replica.journal).whole


def _names(replica: Replica) -> list[str]:
    return [path.name for path in journal_files(replica.journal)]


async def _all_shipped(replica: Replica) -> None:
    async def passed() -> bool:
        return any(sink.file == "starts-000002.jsonl" for sink in shipped(replica.journal, ["stdout"]))

    await until(passed)


async def _again(replica: Replica) -> None:
    await replica.end()
    await replica.begin()


def _in_force(replica: Replica) -> None:
    """An exception that is in force, by the true time."""
    exception(replica, -60, HOUR_S)


async def test_a_replica_ahead_is_on_the_safe_side_and_the_doctor_tells_of_both(tmp_path: Path) -> None:
    clocks = {0: Clock(tmp_path / "clock-0", -2 * HOUR_S), 1: Clock(tmp_path / "clock-1", 2 * HOUR_S)}
    envs = {number: clock.env for number, clock in clocks.items()}
    async with site(tmp_path, more=EXCEPTIONS, envs=envs, prepare=_in_force) as two:
        for replica, clock in zip(two.replicas, clocks.values(), strict=True):
            # To one it has not begun, to the other it is over.
            answer = await _started(two, replica, f"job-{replica.host}")
            assert answer.status == 403, answer.body
            assert clock.tells(replica.recorded(answer).records[Phase.OUTCOME]["@timestamp"])
        examined = await _examined(two)
        assert len(examined) == 2
        assert all(one["state"] == "warn" for one in examined), examined
        assert "s behind" in str(examined[0])
        assert "s ahead" in str(examined[1])
        clocks[0].set(0)
        after = await _examined(two)
        assert [one["state"] for one in after] == ["ok", "warn"], after
        clocks[1].set(0)
        # A job that no clock concerns any more.
        ahead = two.replicas[1]
        await followed(ahead, await lifted(ahead, f"job-{ahead.host}", two.cluster.superuser))
        await ahead.end()
        last = await _examined(two)
        assert [one["state"] for one in last] == ["ok", "fail"], last


async def _examined(two: Site) -> list[dict[str, object]]:
    """What `startgate doctor` finds of the replicas, run beside the first of them with the true time."""
    named = [word for replica in two.replicas for word in ("--replica", replica.admin)]
    told = await command(two.replicas[0], "doctor", "--json", *named)
    found = [one for one in told.json["findings"] if one["check"] == "replicas"]
    assert told.status == told.json["exit_status"]
    worst = {one["state"] for one in found}
    if "fail" in worst:
        assert told.status == 2
    elif "warn" in worst:
        assert told.status >= 1
    return found
