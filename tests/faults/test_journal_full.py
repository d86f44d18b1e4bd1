"""Disks that are full, broken or silent: nothing is acknowledged without a durable record, all other traffic flows, and
the gate recovers by itself."""

import asyncio
import errno
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proxy.cluster.forward import Forwarder
from proxy.embedded.app import serve_embedded
from proxy.errors import JournalError
from proxy.journal.entry import Phase
from proxy.journal.writer import Journal, open_journal
from proxy.model import Answer
from proxy.settings import JournalSettings
from tests.gate.fakes import until
from tests.journal.disk import Disk, actions, check_chain, receipts, record, said
from tests.stack import Replied, Stack, in_front_of

ROOT = Path(__file__).parents[2]
JOB = {"source": {"index": ["src"]}, "analysis": {"outlier_detection": {}}}

APPEND = """
import asyncio, resource, sys
from pathlib import Path
from proxy.errors import JournalError
from proxy.journal.writer import open_journal

async def run(folder, limit):
    opened = open_journal(folder)
    number = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    while number < 100_000:
        try:
            await opened.append({"startgate": {"receipt": f"r{number}", "phase": "outcome"}, "pad": "x" * 300})
        except JournalError as error:
            print(f"failed {error}", flush=True)
            break
        print(f"done {number}", flush=True)
        number += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await opened.append({"startgate": {"receipt": "after", "phase": "outcome"}})
    print("recovered", flush=True)
    await opened.close()

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
"""


def acknowledged(told: str) -> list[str]:
    return [f"r{line.removeprefix('done ')}" for line in told.splitlines() if line.startswith("done ")]


def test_a_file_that_may_not_grow_refuses_records_and_recovers(tmp_path: Path) -> None:
    """A limit on the size of files is met like a full disk: a part is written, then an error comes."""
    asked = [sys.executable, "-c", APPEND, str(tmp_path), "10000"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert told.returncode == 0, told.stderr
    assert "cannot be written: File too large" in told.stdout
    assert told.stdout.endswith("recovered\n")
    assert len(acknowledged(told.stdout)) > 10
    assert receipts(tmp_path) == [*acknowledged(told.stdout), "after"]
    check_chain(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 128 KiB."""
    folder = tmp_path / "journal"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=128k,mode=700"]
    mounted = subprocess.run(["mount", *options, "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left; the file to be removed to give it back."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 512):
            pass
    return filler


async def use_up(stack: Stack) -> None:
    """A full disk still takes what fits into the last page of a file: less than the record of such a start after this,
    and the intent of one that is granted is longer. A page holds 4 KiB, and a record more than 512 bytes."""
    for _ in range(8):
        await stack.start("missing")


async def append_until_full(journal: Journal, done: list[str]) -> None:
    for number in range(1000):
        await journal.append(record(number, pad="x" * 500))
        done.append(f"r{number}")


def grow(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=256k", str(folder)], check=True)


async def test_a_full_disk_refuses_records_and_recovers(small_disk: Path) -> None:
    opened = open_journal(small_disk)
    done: list[str] = []
    with pytest.raises(JournalError, match="No space left on device"):
        await append_until_full(opened, done)
    assert done
    for _ in range(3):
        with pytest.raises(JournalError, match="No space left on device"):
            await opened.append(record("refused", pad="x" * 5000))
    await asyncio.to_thread(grow, small_disk)
    await opened.append(record("after", pad="x" * 5000))
    await opened.close()
    assert receipts(small_disk) == [*done, "rafter"]
    check_chain(small_disk)


@asynccontextmanager
async def running(folder: Path, settings: JournalSettings | None = None) -> AsyncIterator[Stack]:
    """All parts over the journal in `folder`, and a source."""
    async with (
        serve_embedded() as cluster,
        in_front_of(cluster, folder, journaling=settings) as stack,
    ):
        await stack.ok("PUT", "/src", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
        lines = [part for n in range(9) for part in ({"index": {"_index": "src", "_id": str(n)}}, {"delay": n})]
        await stack.ok("POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        for job in ("one", "two", "three"):
            body = {**JOB, "dest": {"index": f"out-{job}"}}
            await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body)
        yield stack


async def ended(stack: Stack, answer: Replied) -> None:
    """Until the start's job is over and on record."""
    assert answer.status == 200, answer.body
    await stack.end_of(answer.receipt)


async def test_with_a_full_disk_starts_are_refused_and_all_else_flows(small_disk: Path, tmp_path: Path) -> None:
    async with running(tmp_path) as stack:
        await ended(stack, await stack.start("one"))
        filler = fill(small_disk)
        await use_up(stack)
        for _ in range(2):
            refused = await stack.start("two")
            assert refused.status == 503
            assert "journal cannot be written" in refused.reason
        assert (await stack.call("GET", "/src/_search")).status == 200
        assert (await stack.call("PUT", "/other", {})).status == 200
        assert (await stack.call("HEAD", "/out-two", direct=True)).status == 404
        stats = await stack.ok("GET", "/_ml/data_frame/analytics/two/_stats")
        assert stats["data_frame_analytics"][0]["state"] == "stopped"
        filler.unlink()
        await ended(stack, await stack.start("two"))
        known = stack.all_recorded()
        assert {str(one.latest["startgate"]["job"]["id"]) for one in known if Phase.END in one.records} == {
            "one",
            "two",
        }
    check_chain(small_disk)


async def test_with_unsafe_continue_starts_go_on_and_the_loss_is_on_record(small_disk: Path, tmp_path: Path) -> None:
    async with running(tmp_path, JournalSettings(on_full="unsafe_continue")) as stack:
        filler = fill(small_disk)
        await use_up(stack)
        answer = await stack.start("one")
        assert answer.status == 200, answer.body
        await stack.ended("one")
        filler.unlink()
        await ended(stack, await stack.start("two"))
    [lost] = said(small_disk, "lost")[:1]
    assert answer.receipt in lost["receipts"]
    # Its intent and its outcome.
    assert lost["receipts"].count(answer.receipt) >= 2
    check_chain(small_disk)


async def test_a_gate_begins_on_a_full_disk_and_serves_once_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    filler = fill(small_disk)
    async with running(tmp_path) as stack:
        await use_up(stack)
        assert (await stack.call("GET", "/src/_search")).status == 200
        assert (await stack.start("one")).status == 503
        filler.unlink()
        await ended(stack, await stack.start("one"))
    assert actions(small_disk) == ["opened", "opened"]
    check_chain(small_disk)


async def test_an_outcome_that_found_no_room_is_recorded_by_the_same_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from when the cluster has answered the start; its intent is on record by then."""
    disk, forward = Disk(), Forwarder.forward

    async def then_full(self: Forwarder, *asked: Any) -> Answer:
        answer = await forward(self, *asked)
        disk.takes = []
        return answer

    monkeypatch.setattr(Forwarder, "forward", then_full)
    monkeypatch.setattr("proxy.gate.app.open_journal", partial(open_journal, files=disk))
    async with running(tmp_path) as stack:
        refused = await stack.start("one")
        assert (refused.status, "its outcome is not on record" in refused.reason) == (503, True)
        assert stack.recorded(refused.receipt).open
        disk.takes = None
        await stack.end_of(refused.receipt)
        await until(lambda: not stack.recorded(refused.receipt).open)
        outcome = stack.recorded(refused.receipt).records[Phase.OUTCOME]
        assert outcome["event"]["outcome"] == "success"
        assert outcome["http"]["response"]["status_code"] == 503
        assert outcome["startgate"]["cluster"]["status"] == 200
    check_chain(tmp_path / "journal")


@pytest.mark.parametrize("why", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
@pytest.mark.parametrize("call", ["write", "sync"])
async def test_nothing_is_acknowledged_that_a_broken_disk_did_not_take(tmp_path: Path, call: str, why: int) -> None:
    """Every third batch fails; what was said to be recorded is there, what was refused is not."""
    disk = Disk()
    opened = open_journal(tmp_path / "journal", JournalSettings(append_limit_s=30.0), files=disk)
    done, refused = list[str](), list[str]()
    for number in range(30):
        if number % 3 == 0:
            disk.fail(call, 1, why)
        batch = [f"{number}-{part}" for part in range(4)]
        outcomes = await asyncio.gather(*(opened.append(record(one)) for one in batch), return_exceptions=True)
        for one, outcome in zip(batch, outcomes, strict=True):
            (refused if isinstance(outcome, JournalError) else done).append(f"r{one}")
    await opened.close()
    assert len(refused) == 40
    assert receipts(tmp_path / "journal") == done
    check_chain(tmp_path / "journal")
