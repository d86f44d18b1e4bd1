"""`journal.mask`: names are checked against the table of fields, and the key is there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import load
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.journal.mask import MASKABLE
from proxy.settings import Masking

KEY = "a key of some length"
Read = Callable[[str], Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "short").write_text("fifteen letters")

    def read(text: str) -> Config:
        path = tmp_path / "startgate.yml"
        path.write_text(text)
        return load(path, {})

    return read


def test_nothing_is_masked_by_default(read: Read) -> None:
    assert read("").masking == Masking()


def test_fields_and_key_reach_the_gate(read: Read) -> None:
    config = read("journal: {mask: [user.name, source.address, user.name], mask_key_file: key}")
    assert config.masking == Masking(fields=("user.name", "source.address"), key=KEY)
    assert config.gate_settings("/s").masking == config.masking
    assert KEY not in repr(config)
    assert read("journal: {mask: user.name, mask_key_file: key}").masking.fields == ("user.name",)


def fault(read: Read, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    (one,) = caught.value.faults
    return one.message


CAN = f"these can be masked: {', '.join(MASKABLE)}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("user.nam", f"'user.nam' is no field of a record (did you mean 'user.name'?); {CAN}"),
        ("zebra", f"'zebra' is no field of a record; {CAN}"),
        ("startgate.job.id", f"'startgate.job.id' cannot be masked; {CAN}"),
        ("startgate.receipt", f"'startgate.receipt' cannot be masked; {CAN}"),
        ("startgate.caller.name", "'startgate.caller.name' is masked together with user.name: name that"),
        ("source.ip", "'source.ip' is masked together with source.address: name that"),
    ],
)
def test_names_that_cannot_be_masked(read: Read, name: str, message: str) -> None:
    assert fault(read, f"journal: {{mask: [{name}], mask_key_file: key}}") == f"journal.mask: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{mask: user.name}", "journal.mask: needs journal.mask_key_file"),
        ("{mask_key_file: key}", "journal.mask_key_file: needs journal.mask"),
        ("{mask: [], mask_key_file: key}", "journal.mask: is an empty list"),
        ("{mask: user.name, mask_key_file: none}", "{folder}/none cannot be read: No such file or directory"),
        ("{mask: user.name, mask_key_file: short}", "{folder}/short holds less than 16 characters; keep a long key"),
    ],
)
def test_what_is_missing(read: Read, tmp_path: Path, text: str, message: str) -> None:
    assert fault(read, f"journal: {text}").endswith(message.replace("{folder}", str(tmp_path)))
