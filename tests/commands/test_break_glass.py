"""`startgate break-glass`: what it signs is what a gate takes, and nothing that a gate would refuse."""

import stat
from pathlib import Path

import pytest

from proxy.config import load as load_config
from proxy.errors import RulesError
from proxy.rules import Rules, load
from tests.commands.running import invoke
from tests.gate.fakes import ROOT

SHIPPED = (ROOT / "rules" / "start.yml").read_text()
SIGN = ("--key", "ops.key", "--id", "inc-7", "--users", "anna", "--jobs", "flights*", "--for", "2h", "--reason", "why")


@pytest.fixture(autouse=True)
def keys() -> None:
    """A pair of keys in the working directory."""
    made = invoke("break-glass", "keygen", "ops.key")
    assert made.exit_code == 0, made.output


def loaded(folder: Path, entry: str) -> Rules:
    """The shipped rules with an entry, under a configuration that knows the key."""
    (folder / "rules.yml").write_text(SHIPPED + "\n" + entry)
    (folder / "startgate.yml").write_text("break_glass: {public_keys: {ops: ops.key.pub}}\nrules: rules.yml\n")
    config = load_config(folder / "startgate.yml", {})
    return load(Path(config.rules), config.break_glass_keys)


def test_keys_are_made_once_and_the_private_one_is_private(tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "ops.key").stat().st_mode) == 0o600
    assert "PRIVATE" not in (tmp_path / "ops.key.pub").read_text()
    before = (tmp_path / "ops.key").read_bytes()
    again = invoke("break-glass", "keygen", "ops.key")
    assert again.exit_code == 2
    assert "ops.key: cannot be made: File exists" in again.stderr
    assert (tmp_path / "ops.key").read_bytes() == before
    made = invoke("break-glass", "keygen", "night.key")
    assert made.output == f"break_glass: {{public_keys: {{night: {tmp_path}/night.key.pub}}}}\n"


def test_what_is_signed_is_taken(tmp_path: Path) -> None:
    signed = invoke("break-glass", "sign", *SIGN)
    assert signed.exit_code == 0, signed.output
    (entry,) = loaded(tmp_path, signed.stdout).break_glass
    assert (entry.id, entry.users, entry.jobs, entry.reason) == ("inc-7", ("anna",), ("flights*",), "why")
    assert entry.signed_by == "ops"
    assert entry.until_ms - entry.from_ms == 2 * 3600 * 1000


def test_the_time_and_odd_texts_survive(tmp_path: Path) -> None:
    odd = 'say "no" \\ to: {it} # ä'
    arguments = (*SIGN, "--reason", odd, "--from", "2030-01-02T03:04:05Z", "--for", "90m", "--users", "anna, ben-*")
    (entry,) = loaded(tmp_path, invoke("break-glass", "sign", *arguments).stdout).break_glass
    assert entry.reason == odd
    assert entry.from_ms == 1_893_553_445_000
    assert entry.until_ms == entry.from_ms + 90 * 60_000
    assert entry.users == ("anna", "ben-*")


def test_a_changed_entry_and_an_unknown_key_keep_all_rules_out(tmp_path: Path) -> None:
    signed = invoke("break-glass", "sign", *SIGN).stdout
    with pytest.raises(RulesError, match="sign it again after any change"):
        loaded(tmp_path, signed.replace("anna", "mallory"))
    with pytest.raises(RulesError, match="names no key"):
        loaded(tmp_path, invoke("break-glass", "sign", *SIGN, "--signed-by", "other").stdout)
    with pytest.raises(RulesError, match="names no key"):
        load(tmp_path / "rules.yml")


def test_check_knows_the_keys_of_the_configuration(tmp_path: Path) -> None:
    loaded(tmp_path, invoke("break-glass", "sign", *SIGN).stdout)
    told = invoke("check")
    assert told.exit_code == 0, told.output


def test_everybody_and_everything_is_warned_about() -> None:
    told = invoke("break-glass", "sign", *SIGN, "--users", "*", "--jobs", "*")
    assert told.exit_code == 0
    assert "everybody start every job" in told.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--for", "25h", "--for: 25h is more than 24h"),
        ("--for", "2", "must be a time such as 90m or 2h"),
        ("--for", "0m", "must be a time such as 90m or 2h"),
        ("--from", "now", "must be a time in UTC such as"),
        ("--from", "2030-01-02T03:04:05+01:00", "must be a time in UTC such as"),
        ("--users", "", "an empty name stands between the commas"),
        ("--users", "a,,b", "an empty name stands between the commas"),
        ("--jobs", "a\nb", "must be one line of text"),
        ("--reason", " ", "must be one line of text"),
        ("--reason", "x" * 1001, "1000 characters at most"),
        ("--id", "INC-7", "a-z, 0-9"),
        ("--id", "", "a-z, 0-9"),
        ("--key", "gone.key", "gone.key cannot be read: No such file"),
        ("--key", "ops.key.pub", "holds no private key"),
        ("--key", "raw.key", "raw.key cannot be read: it is no text"),
    ],
)
def test_what_a_gate_would_refuse_is_not_signed(tmp_path: Path, option: str, value: str, said: str) -> None:
    (tmp_path / "raw.key").write_bytes(b"\xff\x00")
    told = invoke("break-glass", "sign", *SIGN, option, value)
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stdout == ""
