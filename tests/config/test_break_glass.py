"""The keys that vouch for exceptions, as the configuration names them."""

from pathlib import Path

import pytest

from proxy.config import load
from proxy.config.keys import variable
from proxy.errors import ConfigError
from tests.rules.test_signed import OTHER, SECRET, private_pem, public_pem

KEY = "break_glass.public_keys"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """Key files of all kinds."""
    (tmp_path / "ops.pub").write_text(public_pem(SECRET))
    (tmp_path / "night.pub").write_text(public_pem(OTHER))
    (tmp_path / "ops.key").write_text(private_pem(SECRET))
    (tmp_path / "bad.pub").write_text("nothing")
    (tmp_path / "raw.pub").write_bytes(b"\xff")
    (tmp_path / "big.pub").write_bytes(b"x" * 20_000)


def keys(folder: Path, text: str) -> dict[str, str]:
    """The keys under a configuration text."""
    path = folder / "startgate.yml"
    path.write_text(text)
    return dict(load(path, {}).break_glass_keys)


def test_keys_have_names(tmp_path: Path) -> None:
    assert keys(tmp_path, "") == {}
    found = keys(tmp_path, "break_glass: {public_keys: {ops: ops.pub, night.shift-2: night.pub}}")
    assert found == {"ops": public_pem(SECRET), "night.shift-2": public_pem(OTHER)}


def test_a_variable_names_them_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = load(None, {variable(KEY): "ops=ops.pub, night=night.pub"}).break_glass_keys
    assert found == {"ops": public_pem(SECRET), "night": public_pem(OTHER)}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[ops.pub]", "must be a map of names to files with public keys, and is a list"),
        ("ops.pub", "must be a map of names to files with public keys, and is a text"),
        ("{ops: gone.pub}", "cannot be read: No such file"),
        ("{ops: 3}", "must be a text"),
        ("{ops: ops.key}", "holds a private key"),
        ("{ops: bad.pub}", "holds no public key in PEM form"),
        ("{ops: raw.pub}", "is not UTF-8 text"),
        ("{ops: big.pub}", "is larger than"),
        ("{'a b': ops.pub}", "'a b' is no name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"startgate\.yml:1:") as caught:
        keys(tmp_path, f"break_glass: {{public_keys: {written}}}")
    assert said in str(caught.value)


def test_every_fault_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        keys(tmp_path, "break_glass: {public_keys: {a: bad.pub, b: gone.pub, c: ops.pub}}")
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("written", "said"), [("ops.pub", "must be name=file"), ("a=ops.pub,a=night.pub", "a is named twice")]
)
def test_a_variable_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        load(None, {variable(KEY): written})
