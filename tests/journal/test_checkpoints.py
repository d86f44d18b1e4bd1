"""Checkpoints: signed, beside the journal, and never in its way."""

import logging
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from proxy.errors import JournalError
from proxy.journal.chain import Link
from proxy.journal.checkpoints import Checkpoint, Checkpoints, is_signed, read_checkpoint, sign
from proxy.journal.folder import CHECKPOINTS_FILE
from proxy.journal.writer import open_journal
from proxy.rules.signed import NoKey
from proxy.settings import JournalSettings
from tests.journal.disk import Clock, Disk, everything, record

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
OTHERS = OTHER.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
LINK = Link("j" * 22, 8, "a" * 64)


def settings(every: int = 3) -> JournalSettings:
    return JournalSettings(checkpoint_key=PRIVATE, checkpoint_every_records=every)


def written(folder: Path) -> list[Checkpoint]:
    return [read_checkpoint(line) for line in (folder / CHECKPOINTS_FILE).read_bytes().splitlines()]


def test_a_checkpoint_is_of_the_record_before_a_place_and_verifiable() -> None:
    made = sign(KEY, LINK, 0)
    assert (made.journal, made.seq, made.hash, made.time) == ("j" * 22, 7, "a" * 64, "1970-01-01T00:00:00.000Z")
    assert read_checkpoint(msgspec.json.encode(made)) == made
    assert is_signed(made, PUBLIC)
    assert not is_signed(made, OTHERS)


@pytest.mark.parametrize(
    "change", [{"journal": "k"}, {"seq": 8}, {"hash": "b" * 64}, {"time": "1970"}, {"signature": "AAAA"}]
)
def test_no_value_of_a_checkpoint_can_be_changed(change: dict[str, object]) -> None:
    made = msgspec.to_builtins(sign(KEY, LINK, 0))
    assert not is_signed(Checkpoint(**{**made, **change}), PUBLIC)


def test_what_is_no_base64_is_no_signature() -> None:
    made = msgspec.to_builtins(sign(KEY, LINK, 0))
    assert not is_signed(Checkpoint(**{**made, "signature": "ä"}), PUBLIC)
    with pytest.raises(NoKey):
        is_signed(sign(KEY, LINK, 0), PRIVATE)
    with pytest.raises(ValueError, match="is no checkpoint"):
        read_checkpoint(b'{"seq":1}')


async def test_one_is_written_every_so_many_records_and_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    journal = open_journal(tmp_path, settings(every=4), now_ms=Clock())
    for number in range(5):
        await journal.append(record(number))
    await journal.close()
    made = written(tmp_path)
    hashes = {one["startgate"]["chain"]["seq"]: one["startgate"]["chain"]["hash"] for one in everything(tmp_path)}
    assert [one.seq for one in made] == [4, 6]
    assert [one.hash for one in made] == [hashes[4], hashes[6]]
    assert all(is_signed(one, PUBLIC) for one in made)
    assert sum("journal checkpoint: {" in entry.getMessage() for entry in caplog.records) == 2
    assert (tmp_path / CHECKPOINTS_FILE).stat().st_mode & 0o777 == 0o600


async def test_without_a_key_there_are_none(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, JournalSettings(checkpoint_every_records=1))
    await journal.append(record(1))
    await journal.close()
    assert not (tmp_path / CHECKPOINTS_FILE).exists()
    none = Checkpoints(tmp_path, "", 1, 0, Disk())
    none.write(LINK, 0)
    assert not none.due(LINK, at_end=True)
    assert not (tmp_path / CHECKPOINTS_FILE).exists()


def test_one_that_cannot_be_written_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    checkpoints = Checkpoints(tmp_path, PRIVATE, 3, 0, disk)
    disk.fail("write")
    checkpoints.write(LINK, 0)
    assert "checkpoints.jsonl cannot be written: Input/output error" in caplog.text
    assert checkpoints.due(LINK)
    checkpoints.write(LINK, 0)
    assert not checkpoints.due(LINK)
    assert not checkpoints.due(LINK, at_end=True)
    assert len(written(tmp_path)) == 1


def test_a_new_line_begins_after_a_torn_one(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINTS_FILE).write_bytes(b'{"half')
    Checkpoints(tmp_path, PRIVATE, 3, 0, Disk()).write(LINK, 0)
    torn, whole = (tmp_path / CHECKPOINTS_FILE).read_bytes().splitlines()
    assert torn == b'{"half'
    assert is_signed(read_checkpoint(whole), PUBLIC)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / CHECKPOINTS_FILE).symlink_to(tmp_path / "target")
    Checkpoints(tmp_path, PRIVATE, 3, 0, Disk()).write(LINK, 0)
    assert "cannot be written" in caplog.text
    assert not (tmp_path / "target").exists()


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"journal\.checkpoints\.key_file"):
        open_journal(tmp_path, JournalSettings(checkpoint_key=PUBLIC))
    # The folder is free again.
    with pytest.raises(JournalError, match=r"journal\.checkpoints\.key_file"):
        open_journal(tmp_path, JournalSettings(checkpoint_key="none"))
