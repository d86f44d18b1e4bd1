"""The section `identity`: what it may hold, and every fault."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from proxy.config import Config, load
from proxy.errors import ConfigError
from proxy.settings import CertificateNames, IdentityLimits, ListenTls, TrustedHeader
from tests.config.pem import Pem
from tests.identity.samples import ROLES_FILE, USERS_FILE

Read = Callable[[str], Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    (tmp_path / "users").write_text(USERS_FILE)
    (tmp_path / "users_roles").write_text(ROLES_FILE)

    def read(text: str) -> Config:
        path = tmp_path / "startgate.yml"
        path.write_text(textwrap.dedent(text))
        return load(path, {})

    return read


def listening(pem: Pem, more: str = "") -> str:
    return f"listen: {{address: 'a:1', tls: {{certificate: {pem.certificate}, key: {pem.key}{more}}}}}\n"


def test_it_is_off_by_default(read: Read) -> None:
    assert read("").identity is None
    assert read("limits: {identity: {threads: 3}}\nidentity:\n").identity is None


def test_all_of_it(read: Read, pem: Pem, tmp_path: Path) -> None:
    config = read(
        listening(pem, f", client_ca: {pem.ca}, client_certificates: optional")
        + """
identity:
  users_file: users
  users_roles_file: users_roles
  client_certificates: {username: email}
  trusted_header: {name: X-User, peers: [10.0.0.5, "fd00::/64"], roles_header: X-Roles, forward: false}
limits:
  identity: {cache_s: 0, threads: 1, waiting: 9, failures: 8, failures_window_s: 7}
"""
    )
    identity = config.identity
    assert identity is not None
    assert config.gate_settings("s").identity is identity
    assert (identity.users_file, identity.users_roles_file) == (str(tmp_path / "users"), str(tmp_path / "users_roles"))
    assert identity.certificates == CertificateNames(username="email")
    assert identity.header == TrustedHeader(
        name="X-User", peers=("10.0.0.5/32", "fd00::/64"), roles_header="X-Roles", forward=False
    )
    assert identity.limits == IdentityLimits(cache_s=0, threads=1, waiting=9, failures=8, failures_window_s=7)
    assert config.listen[0].tls == ListenTls(
        certificate=str(pem.certificate), key=str(pem.key), client_ca=str(pem.ca), client_certificates="optional"
    )


def test_a_map_of_certificates(read: Read, pem: Pem) -> None:
    config = read(
        listening(pem, f", client_ca: {pem.ca}")
        + 'identity: {client_certificates: {users: {"CN=ann,O=x": ann, "CN=b": bob}}}\n'
    )
    assert config.identity is not None
    assert config.identity.certificates == CertificateNames(users=(("CN=ann,O=x", "ann"), ("CN=b", "bob")))
    assert config.listen[0].tls is not None
    assert config.listen[0].tls.client_certificates == "required"


def test_by_variables(read: Read, tmp_path: Path) -> None:
    read("")
    environ = {
        "STARTGATE_IDENTITY__USERS_FILE": str(tmp_path / "users"),
        "STARTGATE_IDENTITY__TRUSTED_HEADER__NAME": "X-User",
        "STARTGATE_IDENTITY__TRUSTED_HEADER__PEERS": "10.0.0.5,10.1.0.0/16",
        "STARTGATE_IDENTITY__TRUSTED_HEADER__FORWARD": "false",
        "STARTGATE_LIMITS__IDENTITY__CACHE_S": "0",
    }
    identity = load(None, environ).identity
    assert identity is not None
    assert identity.header == TrustedHeader(name="X-User", peers=("10.0.0.5/32", "10.1.0.0/16"), forward=False)
    assert identity.limits.cache_s == 0
    with pytest.raises(ConfigError, match="must be a map"):
        load(None, {"STARTGATE_IDENTITY__CLIENT_CERTIFICATES__USERS": "CN=a: b"})


def header(**changes: str) -> str:
    keys: Mapping[str, str] = {"name": "X-User", "peers": "10.0.0.5", **changes}
    written = ", ".join(f"{key}: {value}" for key, value in keys.items() if value)
    return f"identity: {{trusted_header: {{{written}}}}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("identity: {users_roles_file: users_roles}", "nothing names a user"),
        ("identity: {users_file: nowhere}", "cannot be read: No such file"),
        ("identity: {users_file: users_roles}", "the hash is of no kind"),
        ("identity: {users_file: users, users_roles_file: nowhere}", "cannot be read: No such file"),
        ("identity: {user_file: users}", "did you mean 'users_file'?"),
        ("identity: {client_certificates: {username: cn}}", "needs an address in listen with tls.client_ca"),
        ("identity: {client_certificates: {username: emial}}", "did you mean 'email'?"),
        ("identity: {client_certificates: {users: {}}}", "must be a map from distinguished names"),
        ("identity: {client_certificates: {users: ann}}", "must be a map from distinguished names"),
        ("identity: {client_certificates: {users: {ann: ann}}}", "'ann' is no distinguished name"),
        ("identity: {client_certificates: {users: {CN=a: 'a ', 'CN=b': ''}}}", "begins or ends with a blank"),
        ("identity: {client_certificates: {users: {CN=a: b, 'cn = a': c}}}", "is the same name as 'CN=a'"),
        ("identity: {client_certificates: {username: cn, users: {CN=a: b}}}", "give one or the other"),
        (header(name=""), "needs identity.trusted_header.name"),
        (header(peers=""), "needs identity.trusted_header.peers"),
        (header(name="'X User'"), "must be the name of a header"),
        (header(name="Authorization"), "has a meaning of its own"),
        (header(name="X_Forwarded_For"), "has a meaning of its own"),
        (header(name="es-user"), "has a meaning of its own"),
        (header(name="X-Startgate-User"), "has a meaning of its own"),
        (header(roles_header="x_user"), "is the same header as identity.trusted_header.name"),
        (header(peers="0.0.0.0/0"), "is every address"),
        (header(peers="'::/0'"), "is every address"),
        (header(peers="front"), "must be an address or a network"),
        (header(peers="10.0.0.5/8"), "in the middle of 10.0.0.0/8"),
        (header(peers="[]"), "is an empty list"),
        (header(forward="'no'"), "must be true or false"),
        ("limits: {identity: {failures: 128}}", "must be below waiting (128)"),
        ("limits: {identity: {waiting: 30}}", "failures (30) must be below waiting (30)"),
        ("limits: {identity: {cache_s: -1}}", "above 0, or 0"),
        ("limits: {identity: {failures_window_s: 0}}", "above 0, and is"),
    ],
)
def test_faults(read: Read, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert told in str(caught.value)


def test_all_faults_at_once(read: Read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("identity:\n  users_file: no\n  trusted_header: {name: Host, peers: [x, y]}\n")
    assert len(caught.value.faults) == 4


def test_a_broken_file_of_users_is_told_with_its_line(read: Read, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("# a\nann\n")
    with pytest.raises(ConfigError) as caught:
        read("identity: {users_file: mine}")
    assert [str(one) for one in caught.value.faults] == [
        f"{tmp_path / 'mine'}:2:1: identity.users_file: must be name:hash"
    ]


def test_a_fault_of_listen_is_no_second_one_here(read: Read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("listen: nowhere\nidentity: {client_certificates: {username: cn}}")
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (", client_certificates: required", "client_certificates needs client_ca"),
        (", client_crl: CA", "client_crl needs client_ca"),
        (", client_ca: CA, client_crl: nowhere.pem", "nowhere.pem cannot be read"),
        (", client_ca: CA, client_crl: CA", "must hold nothing else"),
        (", client_ca: CA, client_crl: KEY", "holds no CRL in PEM form"),
        (", client_ca: CA, client_certificates: maybe", "must be one of required, optional"),
        (", client_ca: nowhere.pem", "nowhere.pem cannot be read"),
        (", client_ca: KEY", "holds no CA certificate in PEM form"),
        (", client_cas: CA", "did you mean 'client_ca'?"),
    ],
)
def test_faults_of_the_clients_authorities(read: Read, pem: Pem, more: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(listening(pem, more.replace("CA", str(pem.ca)).replace("KEY", str(pem.key))))
    assert told in str(caught.value)
