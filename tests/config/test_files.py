"""Files that the configuration names: opened at once, and secrets shown to nobody."""

import base64
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import files
from proxy.config.tree import Node, Place
from proxy.errors import ConfigError
from proxy.settings import ListenTls
from tests.config.pem import Pem


def named(path: Path | str, folder: Path = Path("/")) -> Node:
    """A value that names a path."""
    place = Place("x")
    return Node(value=str(path), place=place, key_place=place, folder=folder)


@pytest.mark.parametrize(
    ("held", "word"), [(b"wort", "wort"), (b"wort\n", "wort"), (b"wort\r\n", "wort"), (b" wort ", " wort ")]
)
def test_secret(tmp_path: Path, held: bytes, word: str) -> None:
    (tmp_path / "s").write_bytes(held)
    assert files.secret(named("s", tmp_path)) == word


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"geheim\nmore", "holds more than one line"),
        (b"geheim\xff", "is not UTF-8 text"),
        (b"geheim" * 10_000, "is larger than"),
    ],
    ids=["nothing", "line end", "two lines", "not text", "large"],
)
def test_secret_refused(tmp_path: Path, held: bytes, why: str) -> None:
    (tmp_path / "s").write_bytes(held)
    with pytest.raises(ConfigError, match=why) as caught:
        files.secret(named("s", tmp_path))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("held", ["id:wort", base64.b64encode(b"id:wort").decode() + "\n", " id:wort\n"])
def test_api_key_in_both_forms(tmp_path: Path, held: str) -> None:
    (tmp_path / "k").write_text(held)
    assert files.api_key(named("k", tmp_path)) == "ApiKey " + base64.b64encode(b"id:wort").decode()


@pytest.mark.parametrize(
    "held",
    ["geheim", "geheim:", ":geheim", base64.b64encode(b"geheim").decode(), "/////w=="],
    ids=["word", "no key", "no id", "base64 of a word", "base64 of no text"],
)
def test_api_key_refused(tmp_path: Path, held: str) -> None:
    (tmp_path / "k").write_text(held)
    with pytest.raises(ConfigError, match="holds no API key") as caught:
        files.api_key(named("k", tmp_path))
    assert held not in str(caught.value)


def test_basic() -> None:
    assert files.basic("anna", "wört") == "Basic " + base64.b64encode("anna:wört".encode()).decode()


def test_unreadable(tmp_path: Path) -> None:
    for path, why in [(tmp_path / "none", "No such file"), (tmp_path, "Is a directory")]:
        with pytest.raises(ConfigError, match=why):
            files.readable(named(path))


def test_authorities(tmp_path: Path, pem: Pem) -> None:
    assert files.authorities(named(pem.ca)) == str(pem.ca)
    for held in ("", "no certificate"):
        (tmp_path / "ca").write_text(held)
        with pytest.raises(ConfigError, match=r"x: .*/ca holds no CA certificate in PEM form"):
            files.authorities(named("ca", tmp_path))


def test_key_pair(pem: Pem) -> None:
    files.key_pair(named("x"), ListenTls(certificate=str(pem.certificate), key=str(pem.key)))


@pytest.mark.parametrize(
    ("choose", "why"),
    [
        (lambda pem: (pem.certificate, pem.other_key), "is not the key of the certificate in "),
        (lambda pem: (pem.key, pem.certificate), "holds no certificate in PEM form"),
        (lambda pem: (pem.certificate, "/nowhere/key"), "/nowhere/key cannot be read"),
        (lambda pem: ("/nowhere/cert", pem.key), "/nowhere/cert cannot be read"),
    ],
)
def test_key_pair_refused(pem: Pem, choose: Callable[[Pem], tuple[object, object]], why: str) -> None:
    certificate, key = choose(pem)
    with pytest.raises(ConfigError, match=why):
        files.key_pair(named("x"), ListenTls(certificate=str(certificate), key=str(key)))


def test_an_encrypted_key_is_refused_and_asks_nobody(tmp_path: Path, pem: Pem) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pem.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"geheim"),
        )
    )
    with pytest.raises(ConfigError, match=r"locked\.pem is protected by a pass phrase"):
        files.key_pair(named("x"), ListenTls(certificate=str(pem.certificate), key=str(locked)))


def test_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no \*\.yml"):
        files.rules(named(tmp_path))
    (tmp_path / "a.yml").touch()
    assert files.rules(named(tmp_path)) == str(tmp_path)
    assert files.rules(named("a.yml", tmp_path)) == str(tmp_path / "a.yml")
    with pytest.raises(ConfigError, match="does not exist"):
        files.rules(named("b.yml", tmp_path))


def test_journal(tmp_path: Path) -> None:
    assert files.journal(named("new", tmp_path)) == str(tmp_path / "new")
    assert files.journal(named(tmp_path)) == str(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is no folder"):
        files.journal(named("file", tmp_path))
    with pytest.raises(ConfigError, match="does not exist"):
        files.journal(named("a/b", tmp_path))


def test_paths_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission bits don't bind root, so what is asked is the system's own answer."""
    (tmp_path / "a.yml").touch()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="permission denied"):
        files.journal(named(tmp_path))
    with pytest.raises(ConfigError, match="permission denied"):
        files.rules(named(tmp_path))


@pytest.mark.parametrize("read", [files.rules, files.journal, files.socket_path])
def test_a_folder_that_may_not_be_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Node], str]
) -> None:
    """As a container's other user finds its volume. Root enters every folder, so the system's answer is given here."""

    def refused(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(ConfigError, match=rf"{tmp_path}/a/b cannot be reached: permission denied for the user \d+"):
        read(named("a/b", tmp_path))


def test_socket_path(tmp_path: Path) -> None:
    assert files.socket_path(named("g.sock", tmp_path)) == str(tmp_path / "g.sock")
    with pytest.raises(ConfigError, match="longer than 107 bytes"):
        files.socket_path(named("g" * 120, tmp_path))
    with pytest.raises(ConfigError, match="no folder"):
        files.socket_path(named("a/g.sock", tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is no socket"):
        files.socket_path(named("file", tmp_path))
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()
    assert files.socket_path(named("left", tmp_path)) == str(tmp_path / "left")
