"""`admin.listen`: on loopback by default, elsewhere or not at all where that is asked for."""

from pathlib import Path

import pytest

from proxy.config import load
from proxy.config.admin import DEFAULT_ADMIN, is_loopback
from proxy.config.load import Config
from proxy.errors import ConfigError
from proxy.settings import AccessRule, AdminAccess, AdminPort, Listen, ListenTls
from tests.config.pem import Pem

# Every address of the machine.
EVERY = "0.0.0.0"
TOKEN = "t" * 32


def read(folder: Path, text: str, **environ: str) -> Config:
    """The configuration of a text."""
    path = folder / "startgate.yml"
    path.write_text(text)
    return load(path, environ)


def port(folder: Path, text: str) -> AdminPort:
    """The admin port of a configuration."""
    admin = read(folder, text).admin
    assert admin is not None
    return admin


def faults(folder: Path, text: str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [one.message for one in caught.value.faults]


def test_without_a_word_it_is_on_loopback(tmp_path: Path) -> None:
    admin = port(tmp_path, "workers: 1")
    assert (admin.host, admin.port, admin.tls) == (DEFAULT_ADMIN.host, DEFAULT_ADMIN.port, None)
    assert DEFAULT_ADMIN.host == "127.0.0.1"


@pytest.mark.parametrize("text", ["off", "'off'", "false", "no"])
def test_it_can_be_switched_off(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"admin: {{listen: {text}}}").admin is None


def test_a_variable_switches_it_off(tmp_path: Path) -> None:
    assert read(tmp_path, "workers: 1", STARTGATE_ADMIN__LISTEN="off").admin is None


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        (f"{EVERY}:9500", Listen(host=EVERY, port=9500)),
        ("'[::1]:9500'", Listen(host="::1", port=9500)),
        ("127.0.0.1:0", Listen(host="127.0.0.1", port=0)),
    ],
)
def test_it_can_be_elsewhere(tmp_path: Path, text: str, listen: Listen) -> None:
    admin = port(tmp_path, f"admin: {{listen: {text}, unsafe_plain: {'true' if listen.host == EVERY else 'false'}}}")
    assert (admin.host, admin.port) == (listen.host, listen.port)


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
    settings = config.admin_settings(AdminPort(host="127.0.0.1", port=9402), ("gate", "edge-1"), "/gate.sock")
    assert settings.processes == ("gate", "edge-1")
    assert settings.nodes == ("http://a:1", "http://b:2")
    assert settings.certificates == ("/one.pem", "/two.pem")
    assert (settings.gate_socket, settings.control) == ("/gate.sock", str(tmp_path / "journal" / "control.sock"))
    assert settings.journal == str(tmp_path / "journal")
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 9402)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("listen: 127.0.0.1:9500\nadmin: {listen: 127.0.0.1:9500}", "admin.listen"),
        ("listen: 0.0.0.0:9500\nadmin: {listen: 127.0.0.1:9500}", "admin.listen"),
        (
            "listen: [127.0.0.1:9400, 127.0.0.1:9500]\nadmin: {listen: '0.0.0.0:9500', unsafe_plain: true}",
            "admin.listen",
        ),
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


def token(folder: Path, name: str = "token", text: str = TOKEN) -> Path:
    """A file with a token."""
    path = folder / name
    path.write_text(text + "\n")
    return path


def test_who_may_what_without_a_word(tmp_path: Path) -> None:
    access = port(tmp_path, "workers: 1").access
    assert access == AdminAccess()
    assert (access.read.cluster, access.write.cluster, access.own) == (("manage_security",), ("all",), True)


def test_access_is_as_written(tmp_path: Path) -> None:
    token(tmp_path)
    text = (
        "admin:\n  metrics: signed_in\n  hosts: [Admin.Example.org]\n"
        "  access: {read: {roles: [auditor, viewer]}, write: {cluster: [manage_ml, monitor], roles: ops}, own: false}\n"
        "  tokens: [{name: prom, file: token, role: read}]\n"
    )
    admin = port(tmp_path, text)
    access = admin.access
    assert access.read == AccessRule(roles=("auditor", "viewer"))
    assert access.write == AccessRule(cluster=("manage_ml", "monitor"), roles=("ops",))
    assert (access.own, access.metrics_signed_in) == (False, True)
    assert [(one.name, one.file, one.role) for one in access.tokens] == [("prom", str(tmp_path / "token"), "read")]
    assert admin.hosts == ("admin.example.org",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("access: {read: {cluster: manage_securty}}", "unknown cluster privilege [manage_securty]"),
        ("access: {read: {clusters: all}}", "did you mean 'cluster'"),
        ("access: {own: maybe}", "must be true or false"),
        ("metrics: closed", "must be one of open, signed_in"),
        ("hosts: ['a b']", "must be a host name"),
        ("tokens: secret", "must be a list of {name, file, role}"),
        ("tokens: [secret]", "must be {name, file, role}"),
        ("tokens: [{name: a, file: good}]", "role is missing"),
        ("tokens: [{name: a, file: good, role: admin}]", "must be one of read, write"),
        ("tokens: [{name: a, file: good, rol: read}]", "did you mean 'role'"),
        ("tokens: [{name: 'a b', file: good, role: read}]", "is no name"),
        ("tokens: [{name: a, file: short, role: read}]", "a token of 31 characters: it must have 32 at least"),
        ("tokens: [{name: a, file: odd, role: read}]", "what no bearer token may"),
        ("tokens: [{name: a, file: nowhere, role: read}]", "cannot be read"),
        ("tokens: [{name: a, file: good, role: read}, {name: a, file: other, role: read}]", "a is named twice"),
        ("tokens: [{name: a, file: good, role: read}, {name: b, file: good, role: write}]", "are the same token"),
        ("listen: '192.0.2.1:9402'", "192.0.2.1 is not loopback: passwords would cross the network in clear"),
        ("tls: {certificate: nowhere.pem}", "admin.tls.key is missing"),
        ("tls: {certificate: nowhere.pem, key: nowhere.pem}", "cannot be read"),
        ("{listen: off, metrics: open}", "means nothing with admin.listen: off"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    token(tmp_path, "good")
    token(tmp_path, "other", "u" * 32)
    token(tmp_path, "short", "s" * 31)
    token(tmp_path, "odd", "ö" * 40)
    written = text if text.startswith("{") else f"{{{text}}}"
    found = faults(tmp_path, f"admin: {written}")
    assert any(told in one for one in found), found
    assert not any(word * 20 in one for word in "tsu" for one in found), "a secret is told"


def test_tls_is_as_of_listeners(tmp_path: Path, pem: Pem) -> None:
    files = f"certificate: {pem.certificate}, key: {pem.key}"
    text = f"admin: {{listen: '192.0.2.1:9402', tls: {{{files}, client_ca: {pem.ca}, min_version: 1.3}}}}"
    tls = port(tmp_path, text).tls
    assert tls is not None
    assert (tls.certificate, tls.client_ca, tls.min_version) == (str(pem.certificate), str(pem.ca), "1.3")
    wrong = f"admin: {{tls: {{certificate: {pem.certificate}, key: {pem.other_key}}}}}"
    assert "is not the key of the certificate" in faults(tmp_path, wrong)[0]
    beside = f"admin: {{unsafe_plain: true, tls: {{{files}}}}}"
    assert "means nothing beside admin.tls" in faults(tmp_path, beside)[0]


def test_its_socket_is_beside_the_controls(tmp_path: Path) -> None:
    assert port(tmp_path, "workers: 1").socket == str(tmp_path / "journal" / "admin.sock")
    assert port(tmp_path, "control: {socket: c.sock}").socket == str(tmp_path / "admin.sock")
    assert port(tmp_path, "admin: {socket: a.sock}").socket == str(tmp_path / "a.sock")
    assert "choose another" in faults(tmp_path, "control: {socket: a.sock}\nadmin: {socket: a.sock}")[0]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("Localhost", True), ("::", False), ("10.0.0.1", False)],
)
def test_loopback_is_what_nobody_else_can_reach(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_one_user_cannot_have_more_sessions_than_there_are(tmp_path: Path) -> None:
    text = "limits: {admin: {sessions: 5, sessions_per_user: 6}}"
    assert "must not be above sessions (5)" in faults(tmp_path, text)[0]
