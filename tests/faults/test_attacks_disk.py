"""Disks that fail in any way at any call, lives that end anywhere, clocks that jump: what was acknowledged is there,
once, and the chain is whole. Seeded; without fsyncs, which take the time and are looked at elsewhere."""

import errno
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.errors import JournalError
from proxy.journal.chain import prepare
from proxy.journal.files import Files
from proxy.journal.findings import What
from proxy.journal.folder import journal_files
from proxy.journal.opening import open_store
from proxy.journal.store import Store
from proxy.journal.verify import verify
from proxy.settings import JournalSettings
from tests.journal.disk import STARTED, receipts, record

SEEDS = 400
CALLS = ("open", "write", "short", "sync", "truncate", "status", "named", "remove", "sync_folder")
# What a start-up meets: where a file cannot be opened there is no journal, and nothing to be seen.
AT_START = ("write", "short", "sync", "truncate", "status", "sync_folder")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Failing(Files):
    """Fails by chance, each call as often as `odds` says; `short` is a write that takes a part."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.odds: dict[str, float] = {}

    def _maybe(self, call: str) -> None:
        if self._chance.random() < self.odds.get(call, 0):
            raise OSError(self._chance.choice([errno.EIO, errno.ENOSPC, errno.EROFS]), f"{call} failed")

    def open(self, path: Path, flags: int) -> int:
        self._maybe("open")
        return super().open(path, flags)

    def write(self, file: int, data: bytes) -> int:
        if self._chance.random() < self.odds.get("short", 0):
            return super().write(file, data[: self._chance.randint(1, len(data))])
        self._maybe("write")
        return super().write(file, data)

    def sync(self, file: int) -> None:
        self._maybe("sync")

    def truncate(self, file: int, size: int) -> None:
        self._maybe("truncate")
        super().truncate(file, size)

    def status(self, file: int) -> os.stat_result:
        self._maybe("status")
        return super().status(file)

    def named(self, path: Path) -> os.stat_result:
        self._maybe("named")
        return super().named(path)

    def remove(self, path: Path) -> None:
        self._maybe("remove")
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._maybe("sync_folder")


class Lives:
    """Processes that use one journal, one after the other."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)  # noqa: S311 -- made-up faults, no secret
        self.disk = Failing(self.chance)
        self.now_ms = STARTED
        self.acknowledged: list[int] = []
        self._number = 0
        self._settings = JournalSettings(
            rotate_size_bytes=self.chance.choice([1, 900, 3000]),
            rotate_age_s=self.chance.choice([0, 5]),
            checkpoint_key=self.chance.choice(["", KEY.decode()]),
            checkpoint_every_records=3,
        )

    def live(self) -> None:
        """One process: it starts on a disk that may fail, records on one that fails now and then, and ends."""
        self.disk.odds = dict.fromkeys(AT_START, self.chance.choice([0.0, 0.2]))
        store = self._opened()
        for _ in range(self.chance.randint(1, 25)):
            self._step(store)
        self._end(store)

    def _opened(self) -> Store:
        with suppress(JournalError):
            return open_store(self.folder, self._settings, self.disk, lambda: self.now_ms)
        self.disk.odds = {}
        return open_store(self.folder, self._settings, self.disk, lambda: self.now_ms)

    def _step(self, store: Store) -> None:
        if self.chance.random() < 0.5:
            odds = [0, 0, 0.1, 0.5, 1] if self.chance.random() < 0.5 else [0]
            self.disk.odds = {call: self.chance.choice(odds) for call in CALLS}
        self.now_ms += self.chance.choice([1, 1000, 10_000, -5000])
        batch = [self._number + one for one in range(self.chance.randint(1, 4))]
        self._number += len(batch)
        with suppress(OSError, JournalError):
            store.commit([prepare(record(one)) for one in batch])
            self.acknowledged += batch
            store.checkpoint()

    def _end(self, store: Store) -> None:
        self.disk.odds = {}
        if self.chance.random() < 0.5:
            store.close()
            return
        # A crash: nothing is said, and maybe the last line is half there.
        os.close(store._segment.file)
        store._lock.release()
        if self.chance.random() < 0.4:
            with journal_files(self.folder)[-1].open("ab") as file:
                file.write(b'{"half')


@pytest.mark.parametrize("part", range(4))
def test_whatever_a_disk_does_the_chain_is_whole_and_nothing_acknowledged_is_lost(
    tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is writing the line that a crash cut short.
    monkeypatch.setattr("proxy.journal.lines.SETTLE_S", 0.0)
    for seed in range(part, SEEDS, 4):
        lives = Lives(tmp_path / str(seed), seed)
        for _ in range(lives.chance.randint(1, 4)):
            lives.live()
            wrong = [str(one) for one in verify(lives.folder).findings if one.what is not What.TORN]
            assert wrong == [], f"seed {seed}"
        found = receipts(lives.folder)
        assert {f"r{number}" for number in lives.acknowledged} <= set(found), f"seed {seed}"
        assert len(found) == len(set(found)), f"seed {seed}: a record is there twice"
