"""Single values: what is taken, what is refused and how."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import values
from proxy.config.tree import Node, Place
from proxy.errors import ConfigError
from proxy.settings import Listen, ListenTls


def node(value: object, *, environment: bool = False) -> Node:
    """A value at one place; maps and lists of plain values are wrapped."""
    place = Place("x")
    if isinstance(value, dict):
        value = {key: node(below) for key, below in value.items()}
    if isinstance(value, list):
        value = [node(below) for below in value]
    folder = Path("/etc")
    return Node(value=value, place=place, key_place=place, folder=folder, from_environment=environment)  # type: ignore[arg-type]  # wrapped above


def message(error: pytest.ExceptionInfo[ConfigError]) -> str:
    """The text of the only fault."""
    (fault,) = error.value.faults
    return fault.message


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("127.0.0.1:9400", "127.0.0.1", 9400),
        ("[::1]:9400", "::1", 9400),
        ("localhost:0", "localhost", 0),
        (" 0.0.0.0:65535 ", "0.0.0.0", 65535),
    ],
)
def test_address(written: str, host: str, port: int) -> None:
    assert values.address(node(written)) == (host, port)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "9400",
        ":9400",
        "::1:9400",
        "a:",
        "a:x",
        "a:65536",
        "a:-1",
        "a:٣",
        "http://a:1",
        "a@b:1",
        "[]:1",
        "a b:1",
        "a]:1",
    ],
)
def test_address_refused(written: str) -> None:
    with pytest.raises(ConfigError):
        values.address(node(written))


@given(st.text(), st.booleans())
def test_address_is_taken_or_refused_and_nothing_else(written: str, environment: bool) -> None:
    try:
        host, port = values.address(node(written, environment=environment))
    except ConfigError:
        return
    assert host
    assert 0 <= port <= 65535


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("http://a:9200", "http://a:9200"),
        ("https://a:9200/", "https://a:9200"),
        ("HTTPS://A.example:9200", "https://a.example:9200"),
        ("http://[::1]:9200", "http://[::1]:9200"),
    ],
)
def test_cluster_node(written: str, base: str) -> None:
    assert values.cluster_node(node(written)) == base


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("a:9200", "must be http(s)://host:port"),
        ("http://a", "the port is missing"),
        ("ftp://a:1", "'ftp://a:1'"),
        ("http://a:x", "must be http(s)://host:port"),
        ("http://a:1/path", "it must end after the port"),
        ("http://a:1?q", "it must end after the port"),
        ("http://a:1#", "it must end after the port"),
        ("http://u:geheim@a:1", "credentials don't belong into it"),
        ("geheim@a:1", "must be http(s)://host:port"),
        ("http://:1", "must be http(s)://host:port"),
        ("http://a b:1", "space"),
        ("http://[::1:9200", "must be http(s)://host:port"),
        ("http://a:0", "no node listens on port 0"),
        (9200, "must be http(s)://host:port, such as https://10.0.0.1:9200, and is a number"),
    ],
)
def test_cluster_node_refused(written: object, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        values.cluster_node(node(written))
    assert why in message(caught)
    assert "geheim" not in message(caught)


@given(st.text() | st.from_regex(r"https?://.{0,20}", fullmatch=True))
def test_cluster_node_is_taken_or_refused_and_nothing_else(written: str) -> None:
    try:
        base = values.cluster_node(node(written))
    except ConfigError:
        return
    assert base.startswith(("http://", "https://"))
    assert not base.endswith("/")
    assert values.cluster_node(node(base)) == base


@pytest.mark.parametrize(
    ("value", "environment", "number"),
    [(1, False, 1), (16, False, 16), ("7", True, 7), (" 7 ", True, 7)],
)
def test_whole(value: object, environment: bool, number: int) -> None:
    assert values.whole(node(value, environment=environment), at_least=1, at_most=16) == number


@pytest.mark.parametrize(
    ("value", "environment", "why"),
    [
        (0, False, "must be from 1 to 16, and is 0"),
        (17, False, "must be from 1 to 16, and is 17"),
        (True, False, "must be a whole number, and is true or false"),
        (1.0, False, "must be a whole number, and is 1.0"),
        ("1", False, "must be a whole number, and is '1'"),
        ("1.5", True, "must be a whole number, and is '1.5'"),
        ("", True, "must be a whole number, and is ''"),
    ],
)
def test_whole_refused(value: object, environment: bool, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        values.whole(node(value, environment=environment), at_least=1, at_most=16)
    assert message(caught) == why


def test_whole_without_an_upper_bound() -> None:
    with pytest.raises(ConfigError) as caught:
        values.whole(node(-1), at_least=0)
    assert message(caught) == "must be at least 0, and is -1"


@pytest.mark.parametrize(("value", "environment", "time"), [(5, False, 5.0), (0.5, False, 0.5), ("2.5", True, 2.5)])
def test_seconds(value: object, environment: bool, time: float) -> None:
    assert values.seconds(node(value, environment=environment)) == time


@pytest.mark.parametrize(
    ("value", "environment"),
    [
        (0, False),
        (-1, False),
        (True, False),
        ("5", False),
        ("5s", True),
        ("nan", True),
        ("inf", True),
        (float("nan"), False),
    ],
)
def test_seconds_refused(value: object, environment: bool) -> None:
    with pytest.raises(ConfigError, match="must be a number of seconds"):
        values.seconds(node(value, environment=environment))


def test_choice() -> None:
    assert values.choice(node("full"), ("full", "none")) == "full"
    with pytest.raises(ConfigError, match=r"did you mean 'full'"):
        values.choice(node("ful"), ("full", "none"))
    with pytest.raises(ConfigError, match="not supported by this version; allowed: a"):
        values.choice(node("b"), ("a",), later=("b",))


@pytest.mark.parametrize("value", [1, None, True, [], {}, "", "  "])
def test_text_refused(value: object) -> None:
    with pytest.raises(ConfigError):
        values.text(node(value))


def test_each_gathers_every_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        values.each(node(["a:1", "b", 3]), values.address)
    assert len(caught.value.faults) == 2
    assert values.each(node("a:1"), values.address) == (("a", 1),)
    with pytest.raises(ConfigError, match="empty list"):
        values.each(node([]), values.address)


def test_listen_in_both_forms() -> None:
    tls = {"certificate": "c.pem", "key": "/k.pem"}
    assert values.listen(node("a:1")) == Listen(host="a", port=1)
    assert values.listen(node({"address": "a:1"})) == Listen(host="a", port=1)
    assert values.listen(node({"address": "a:1", "tls": tls})) == Listen(
        host="a", port=1, tls=ListenTls(certificate="/etc/c.pem", key="/k.pem")
    )


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({}, "listen.address is missing"),
        ({"adress": "a:1"}, "unknown key 'adress' (did you mean 'address'?); allowed: address, tls, proxy_protocol"),
        ({"address": "a:1", "tls": "yes"}, "must hold certificate and key, and is a text"),
        ({"address": "a:1", "tls": {"certificate": "c"}}, "listen.tls.key is missing"),
        (
            {"address": "a:1", "tls": {"certificate": "c", "key": "k", "ca": "x"}},
            "unknown key 'ca'; allowed: certificate, key, client_ca, client_certificates, client_crl, "
            "min_version, max_version",
        ),
    ],
)
def test_listen_refused(written: object, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        values.listen(node(written))
    assert message(caught) == why


def test_distinct() -> None:
    values.distinct(node("x"), ["a", "b"])
    with pytest.raises(ConfigError, match="a is named twice"):
        values.distinct(node("x"), ["a", "b", "a"])


def test_listens_are_plain_records() -> None:
    assert dataclasses.asdict(values.listen(node("a:1"))) == {
        "host": "a",
        "port": 1,
        "tls": None,
        "proxy_protocol": (),
    }


@pytest.mark.parametrize(
    ("written", "from_environment", "value"), [(True, False, True), ("TRUE", True, True), ("false", True, False)]
)
def test_a_switch_is_on_or_off(written: bool | str, from_environment: bool, value: bool) -> None:
    place = Place("here")
    one = Node(value=written, place=place, key_place=place, folder=Path(), from_environment=from_environment)
    assert values.switch(one) is value
