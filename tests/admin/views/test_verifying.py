"""The chain, checked in the background: one check at a time, given up with the process."""

import asyncio
import sys
from pathlib import Path

import pytest

from proxy.admin.api import ApiError
from proxy.admin.shown.journal import Verification
from proxy.admin.views.verifying import NEVER, Verifying
from tests.journal.making import opened, record, sealed, write

PATIENCE_S = 60.0


def journal(folder: Path, count: int = 10) -> list[bytes]:
    """A sound journal."""
    lines = sealed([opened(), *(record(f"r{number}") for number in range(count))])[0]
    write(folder, lines)
    return lines


async def ended(verifying: Verifying) -> Verification:
    """What came of a check."""
    async with asyncio.timeout(PATIENCE_S):
        while verifying.latest.state == "running":  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(0.01)
    return verifying.latest


async def test_a_sound_journal(tmp_path: Path) -> None:
    size = sum(map(len, journal(tmp_path)))
    verifying = Verifying(tmp_path)
    assert verifying.latest == NEVER
    begun = verifying.begin("anna")
    assert (begun.state, begun.by, begun.took_s) == ("running", "anna", None)
    with pytest.raises(ApiError, match="for anna") as caught:
        verifying.begin("ben")
    assert caught.value.status == 409
    found = await ended(verifying)
    assert (found.state, found.records, found.read_bytes, found.total_bytes) == ("sound", 11, size, size)
    assert found.took_s is not None
    assert verifying.begin("ben").by == "ben", "another may follow"
    await ended(verifying)


async def test_a_damaged_journal(tmp_path: Path) -> None:
    lines = journal(tmp_path)
    write(tmp_path, [*lines[:3], *lines[4:]])
    verifying = Verifying(tmp_path)
    verifying.begin("anna")
    found = await ended(verifying)
    assert found.state == "damaged"
    assert "missing, seq 4" in found.findings[0]


async def test_no_journal(tmp_path: Path) -> None:
    verifying = Verifying(tmp_path / "none")
    verifying.begin("anna")
    found = await ended(verifying)
    assert (found.state, len(found.findings)) == ("failed", 1)


async def test_a_check_is_given_up_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that would take for ever."""
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 1000\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    verifying = Verifying(tmp_path)
    verifying.begin("anna")
    await asyncio.sleep(0.05)
    await verifying.close()
    assert verifying.latest.state == "failed"
    await verifying.close()


async def test_a_process_that_cannot_be_started_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    verifying = Verifying(tmp_path)
    verifying.begin("anna")
    assert (await ended(verifying)).state == "failed"
