"""Processes that rotate, retire, sign and ship at every turn are killed at any moment, one after the other: what was
acknowledged is in the journal or with the sink, the sink lacks nothing, and the chain is whole, to every checkpoint."""

import json
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.journal.checkpoints import read_checkpoint
from proxy.journal.findings import Anchor, What
from proxy.journal.folder import CHECKPOINTS_FILE, FIRST_FILE, journal_files
from proxy.journal.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]

ROOT = Path(__file__).parents[2]
KILLS = 12
SEED = 20261124

LIFE = """
import asyncio, os, sys
from pathlib import Path
from proxy.journal.retention import keep_retiring
from proxy.journal.writer import open_journal
from proxy.settings import JournalSettings, ShipLimits
from proxy.ship.model import Taken
from proxy.ship.shipper import Shipper
from tests.journal.disk import record

folder, base, key = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_text()
settings = JournalSettings(rotate_size_bytes=3000, retain_files=2, checkpoint_key=key, checkpoint_every_records=7)
limits = ShipLimits(batch_records=5, poll_s=0.002, retry_s=0.01, retry_longest_s=0.02, send_s=10.0)

def opened(name):
    file = os.open(folder.parent / name, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(file, b"\\n")  # the kill before may have cut a line short
    return file

class Sink:
    name = "file"
    file = opened("sink")

    async def send(self, records):
        os.write(self.file, b"".join(one.line + b"\\n" for one in records))
        return Taken(len(records))

    async def close(self):
        pass

async def main():
    journal, acknowledged, number = open_journal(folder, settings), opened("acknowledged"), base
    shipper = Shipper(folder, Sink(), limits, durable=lambda: journal.standing().seq)
    background = [asyncio.ensure_future(shipper.run())]
    background.append(asyncio.ensure_future(keep_retiring(journal, settings, ["file"], look_s=0.005)))

    async def client():
        nonlocal number
        while True:
            number += 1
            mine = number
            # Refused: a start that is not finished keeps its file.
            await journal.append(record(mine, event={"outcome": "failure"}))
            os.write(acknowledged, f"r{mine} whole\\n".encode())

    print("up", flush=True)
    await asyncio.gather(*(client() for _ in range(4)))

asyncio.run(main())
"""


def _anchors(journal: Path) -> list[Anchor]:
    """All checkpoints that are whole; a kill may cut one short."""
    path = journal / CHECKPOINTS_FILE
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            one = read_checkpoint(line)
        except ValueError:
            continue
        found.append(Anchor(one.seq, one.hash, "a checkpoint", one.journal))
    return found


def _records(lines: list[bytes]) -> list[dict[str, Any]]:
    """The records in lines, without those that a kill cut short."""
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def test_nothing_is_lost_between_journal_and_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.journal.lines.SETTLE_S", 0.0)
    chance = random.Random(SEED)  # noqa: S311 -- moments, not secrets
    journal, key = tmp_path / "journal", tmp_path / "key"
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for number in range(KILLS):
        asked = [sys.executable, "-c", LIFE, str(journal), str(number * 1_000_000), str(key)]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, cwd=ROOT) as life:
            assert life.stdout is not None
            assert life.stdout.readline() == b"up\n"
            time.sleep(chance.uniform(0.0, 0.3))
            # The last one lives until a file was retired, however slow the machine is.
            while number == KILLS - 1 and (journal / FIRST_FILE).exists():
                time.sleep(0.02)
            life.kill()
        wrong = [str(one) for one in verify(journal, _anchors(journal)).findings if one.what is not What.TORN]
        assert wrong == [], f"after {number + 1} kills"
    kept = _records([line for path in journal_files(journal) for line in path.read_bytes().splitlines(keepends=True)])
    sent = _records((tmp_path / "sink").read_bytes().splitlines(keepends=True))
    receipts = {one["startgate"].get("receipt") for one in (*kept, *sent)}
    told = (tmp_path / "acknowledged").read_text().splitlines()
    acknowledged = {line.removesuffix(" whole") for line in told if line.endswith(" whole")}
    assert acknowledged
    assert acknowledged <= receipts
    numbers = {one["startgate"]["chain"]["seq"]: one["startgate"]["chain"]["hash"] for one in sent}
    assert sorted(numbers) == list(range(1, max(numbers) + 1)), "the sink lacks a record"
    hashes = {one["startgate"]["chain"]["hash"] for one in sent}
    assert len(hashes) == len(numbers), "the sink has a record that the journal took back"
    assert verify(journal).retired > 0
