"""`journal.*`: bounds with their units, and what means nothing alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from proxy.config import load
from proxy.config.journaling import ROTATE_AT_LEAST_BYTES
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.settings import JournalSettings

Read = Callable[[str], Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(pem)
    (tmp_path / "public").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def read(text: str) -> Config:
        path = tmp_path / "startgate.yml"
        path.write_text(f"journal: {text}")
        return load(path, {})

    return read


def fault(read: Read, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    [one] = caught.value.faults
    return one.message


def test_without_a_word_starts_are_refused_files_are_kept_and_nothing_is_signed(read: Read) -> None:
    assert read("{}").journaling == JournalSettings()
    assert JournalSettings().retain_files == 0
    assert JournalSettings().retain_age_s == 0
    assert not JournalSettings().continues


def test_every_key_counts_and_reaches_the_gate(read: Read, tmp_path: Path) -> None:
    config = read(
        "{on_full: unsafe_continue, append_limit_s: 0.5, rotate: {size_bytes: 65536, age_s: 3600}, "
        "checkpoints: {key_file: key, every_records: 7}}"
    )
    assert config.journaling == JournalSettings(
        on_full="unsafe_continue",
        append_limit_s=0.5,
        rotate_size_bytes=65536,
        rotate_age_s=3600.0,
        checkpoint_key=(tmp_path / "key").read_text(),
        checkpoint_every_records=7,
    )
    assert config.journaling.continues
    assert config.gate_settings("s").journaling == config.journaling


def test_the_key_is_in_no_text(read: Read) -> None:
    assert "PRIVATE" not in repr(read("{checkpoints: {key_file: key}}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{on_full: refus}", "journal.on_full: must be one of refuse, unsafe_continue, and is 'refus'"),
        ("{append_limit_s: 0}", "journal.append_limit_s: must be a number of seconds above 0"),
        (f"{{rotate: {{size_bytes: {ROTATE_AT_LEAST_BYTES - 1}}}}}", "must be at least 65536, and is 65535"),
        ("{rotate: {age_s: -1}}", "journal.rotate.age_s: must be a number of seconds above 0, or 0"),
        ("{retain: {files: -1}}", "journal.retain.files: must be at least 0"),
        ("{retain: {files: 1}}", "journal.retain.files: means nothing without journal.sinks: what is not shipped"),
        ("{retain: {age_s: 1}}", "journal.retain.age_s: means nothing without journal.sinks: what is not shipped"),
        ("{checkpoints: {every_records: 5}}", "every_records: needs journal.checkpoints.key_file"),
        ("{checkpoints: {key_file: key, every_records: 0}}", "journal.checkpoints.every_records: must be at least 1"),
        ("{checkpoints: {key_file: missing}}", "missing cannot be read: No such file"),
        ("{checkpoints: {key_file: public}}", "holds no private key in PEM form"),
    ],
)
def test_what_is_wrong_is_told(read: Read, text: str, message: str) -> None:
    assert message in fault(read, text)


def test_zero_is_no_bound(read: Read) -> None:
    assert read("{rotate: {age_s: 0}, retain: {files: 0, age_s: 0}}").journaling == JournalSettings(rotate_age_s=0.0)
