"""The journal is read by others while a gate writes it, rotates it and deletes old files: nobody trips, and nothing
that is there is missed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.journal import lines
from proxy.journal.entry import Phase
from proxy.journal.events import events, last
from proxy.journal.folder import journal_files
from proxy.journal.lines import refuse
from proxy.journal.query import Kind, Query
from proxy.journal.retention import retire
from proxy.journal.scan import matching
from proxy.journal.verify import verify
from proxy.journal.writer import Journal, open_journal
from proxy.settings import JournalSettings
from tests.journal.making import BEGIN_MS, granted, record

SETTINGS = JournalSettings(rotate_size_bytes=8 * 1024, rotate_age_s=0, retain_files=4, append_limit_s=60.0)
STARTS = 300
RECENT = 20


async def _write(journal: Journal) -> None:
    """Starts that are granted and denied, many at a time; what is old is shipped, and deleted."""
    for number in range(0, STARTS, 10):
        many = range(number, number + 10)
        await asyncio.gather(*(_start(journal, one) for one in many))
        newest = journal_files(journal.folder)[-1]
        cursor = {"file": newest.name, "offset": 0, "seq": 0}
        (journal.folder / "cursor-stream.json").write_text(json.dumps(cursor))
        await retire(journal, SETTINGS, ("stream",), now_ms=BEGIN_MS)


async def _start(journal: Journal, number: int) -> None:
    receipt = f"{number:032x}"
    for one in granted(receipt, user="anna") if number % 2 else [record(receipt, user="ben")]:
        await journal.append(one)


def _verified(folder: Path) -> None:
    assert verify(folder).findings == ()


def _listed(folder: Path) -> None:
    found = [one.receipt for one in matching(folder, Query(), refuse)]
    assert len(set(found)) == len(found)


def _streamed(folder: Path) -> None:
    seen = [one.record["startgate"]["chain"]["seq"] for one in events(folder, Query(), frozenset(Kind), refuse)]
    assert seen == sorted(seen)


def _tailed(folder: Path) -> None:
    newest, _ = last(folder, Query(), frozenset(Kind), refuse, RECENT)
    seen = [one.record["startgate"]["chain"]["seq"] for one in newest]
    # Where all files that were there have gone meanwhile, there is nothing.
    assert not seen or seen == list(range(seen[0], seen[0] + len(seen)))


@pytest.mark.slow
async def test_a_journal_in_use_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow this machine is, the rest of a record comes.
    monkeypatch.setattr(lines, "SETTLE_TRIES", 10_000)
    journal = open_journal(tmp_path / "journal", SETTINGS, now_ms=lambda: BEGIN_MS)
    writing = asyncio.ensure_future(_write(journal))
    rounds = 0

    async def read(reader: Callable[[Path], None]) -> None:
        nonlocal rounds
        while not writing.done():
            await asyncio.to_thread(reader, journal.folder)
            rounds += 1

    await asyncio.gather(*(read(one) for one in (_verified, _listed, _streamed, _tailed)))
    await writing
    await journal.close()
    found = verify(journal.folder)
    assert found.findings == ()
    assert found.retired > 0, "files were deleted meanwhile"
    ends = list(events(journal.folder, Query(), frozenset({Kind.START}), refuse))
    assert ends[-1].record["startgate"]["phase"] in (Phase.OUTCOME, Phase.END)
    assert rounds >= 4
