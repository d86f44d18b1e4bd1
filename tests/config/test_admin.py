"""`admin.listen`: on loopback by default, elsewhere or not at all where that is asked for."""

from pathlib import Path

import pytest

from proxy.config import load
from proxy.config.admin import DEFAULT_ADMIN
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.settings import Listen, ListenTls


def read(folder: Path, text: str, **environ: str) -> Config:
    """The configuration of a text."""
    path = folder / "startgate.yml"
    path.write_text(text)
    return load(path, environ)


def test_without_a_word_it_is_on_loopback(tmp_path: Path) -> None:
    assert read(tmp_path, "workers: 1").admin == DEFAULT_ADMIN
    assert DEFAULT_ADMIN.host == "127.0.0.1"


@pytest.mark.parametrize("text", ["off", "'off'", "false", "no"])
def test_it_can_be_switched_off(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"admin: {{listen: {text}}}").admin is None


def test_a_variable_switches_it_off(tmp_path: Path) -> None:
    assert read(tmp_path, "workers: 1", STARTGATE_ADMIN__LISTEN="off").admin is None


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("0.0.0.0:9500", Listen(host="0.0.0.0", port=9500)),
        ("'[::1]:9500'", Listen(host="::1", port=9500)),
        ("127.0.0.1:0", Listen(host="127.0.0.1", port=0)),
    ],
)
def test_it_can_be_elsewhere(tmp_path: Path, text: str, listen: Listen) -> None:
    assert read(tmp_path, f"admin: {{listen: {text}}}").admin == listen


@pytest.mark.parametrize("text", ["9402", "true", "localhost", "a:b", "a:70000", "[a:1, b:2]"])
def test_what_is_no_address_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"admin: {{listen: {text}}}")
    [fault] = caught.value.faults
    assert fault.message.startswith("admin.listen: ")


def test_the_process_is_told_what_to_look_at(tmp_path: Path) -> None:
    config = read(tmp_path, "cluster: {nodes: ['http://a:1', 'http://b:2']}")
    tls = ListenTls(certificate="/one.pem", key="/k", more=(("/two.pem", "/k2"),))
    object.__setattr__(config, "listen", (Listen(host="a", port=1), Listen(host="a", port=2, tls=tls)))
    settings = config.admin_settings(Listen(host="127.0.0.1", port=9402), ("gate", "edge-1"))
    assert settings.processes == ("gate", "edge-1")
    assert settings.nodes == ("http://a:1", "http://b:2")
    assert settings.certificates == ("/one.pem", "/two.pem")
    assert (settings.host, settings.port) == ("127.0.0.1", 9402)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("listen: 127.0.0.1:9500\nadmin: {listen: 127.0.0.1:9500}", "admin.listen"),
        ("listen: 0.0.0.0:9500\nadmin: {listen: 127.0.0.1:9500}", "admin.listen"),
        ("listen: [127.0.0.1:9400, 127.0.0.1:9500]\nadmin: {listen: '0.0.0.0:9500'}", "admin.listen"),
        ("listen: 127.0.0.1:9402", "listen"),
    ],
)
def test_an_address_is_for_clients_or_for_operators(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    [fault] = caught.value.faults
    assert fault.message.startswith(f"{key}: ")
    assert "is an address of `listen`, too" in fault.message


@pytest.mark.parametrize("text", ["127.0.0.1:0", "127.0.0.2:9500"])
def test_other_addresses_do_not_meet(tmp_path: Path, text: str) -> None:
    config = read(tmp_path, f"listen: [127.0.0.1:9500, 127.0.0.1:0]\nadmin: {{listen: '{text}'}}")
    assert config.admin is not None
