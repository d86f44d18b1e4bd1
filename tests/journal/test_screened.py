"""What goes into the journal passes the allow-list and the mask; a fault of ours never fails a start."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal.screened import ScreenedJournal
from proxy.settings import Masking


class Kept:
    """A journal that keeps what it gets."""

    def __init__(self) -> None:
        self.entries: list[Mapping[str, Any]] = []
        self.closed = 0

    async def append(self, entry: Mapping[str, Any]) -> None:
        if not entry:
            raise JournalError("full")
        self.entries.append(entry)

    async def close(self) -> None:
        self.closed += 1


async def test_strangers_are_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    journal = ScreenedJournal(kept)
    for _ in range(3):
        await journal.append({"event": {"id": "r1"}, "startgate": {"secret": "x"}})
    assert kept.entries == [{"event": {"id": "r1"}, "startgate": {}}] * 3
    assert [(one.levelno, "startgate.secret" in one.message) for one in caplog.records] == [(logging.ERROR, True)]
    assert "x" not in [one.message for one in caplog.records]


async def test_records_are_masked_and_the_callers_own_is_not_touched() -> None:
    kept = Kept()
    journal = ScreenedJournal(kept, Masking(fields=("user.name",), key="0123456789abcdef"))
    entry = {"user": {"name": "ann"}, "event": {"reason": "ann"}, "startgate": {}}
    await journal.append(entry)
    assert entry["user"] == {"name": "ann"}
    (told,) = kept.entries
    assert told["user"]["name"] == told["event"]["reason"] != "ann"


async def test_what_the_journal_raises_is_raised() -> None:
    with pytest.raises(JournalError, match="full"):
        await ScreenedJournal(Kept()).append({})


async def test_it_is_closed() -> None:
    kept = Kept()
    await ScreenedJournal(kept).close()
    assert kept.closed == 1
