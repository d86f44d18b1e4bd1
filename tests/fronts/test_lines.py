"""What the texts share."""

from dataclasses import replace

import pytest

from proxy.errors import ConfigError
from proxy.fronts.lines import duration, heading, kilobytes, milliseconds, plain_text, refuse, written
from proxy.fronts.model import Upstream
from tests.fronts.samples import FULL, PLAIN, TLS, at


@pytest.mark.parametrize("bad", ["a b", 'a"b', "a;b", "a{b", "a$b", "a'b", "a\\b", "a\nb", "a#b", "", "é", "%[src]"])
def test_what_would_mean_something_else_is_refused_wherever_it_stands(bad: str) -> None:
    nodes = Upstream(servers=(at("es", 1),), tls=replace(TLS, ca=bad))
    for front in (
        replace(PLAIN, listen=at(bad, 1)),
        replace(PLAIN, certificate=bad, key="k"),
        replace(PLAIN, remove=(bad,)),
        replace(PLAIN, nodes=Upstream(servers=(at("es", 1), at(bad, 1)))),
        replace(PLAIN, startgate=nodes),
        replace(PLAIN, nodes=replace(nodes, tls=replace(TLS, names=(bad,)))),
    ):
        with pytest.raises(ConfigError, match="holds a character that cannot stand in the configuration of a front"):
            written(front)


def test_ordinary_names_are_good() -> None:
    written(FULL)
    written(PLAIN)


def test_every_bad_name_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        written(replace(PLAIN, listen=at("a b", 1), remove=("c d",)))
    assert [fault.where for fault in caught.value.faults] == ["a b", "c d"]


def test_times_and_sizes() -> None:
    assert [milliseconds(seconds) for seconds in (0.0001, 0.5, 30, 86400.0)] == [
        "1ms",
        "500ms",
        "30000ms",
        "86400000ms",
    ]
    assert [duration(seconds) for seconds in (0.5, 30.0, 86400.0, 2e6)] == ["0.5s", "30s", "86400s", "2000000s"]
    assert [kilobytes(size) for size in (1, 1024, 1025)] == [1, 1, 2]


def test_the_heading_says_what_must_hold() -> None:
    lines = list(heading(FULL, "nginx", ("Something else.",)))
    assert all(line.startswith("#") and len(line) <= 102 for line in lines)
    told = " ".join(line.removeprefix("#").strip() for line in lines)
    assert "Made by `startgate export nginx`" in told
    assert "Who reaches them directly goes round the gate." in told
    assert "Something else." in told
    assert "X-User, X-Roles" in told
    assert "X-User" not in " ".join(heading(PLAIN, "nginx", ()))


def test_only_what_leaves_the_host_in_plain_text_is_warned_of() -> None:
    far = Upstream(servers=(at("10.0.0.1", 1), at("127.0.0.1", 2), at("localhost", 3)))
    assert list(plain_text(far, "It")) == [
        "It is spoken to in plain text at 10.0.0.1:1: passwords and tokens can be read on the way."
    ]
    assert not list(plain_text(replace(far, tls=TLS), "It"))
    assert not list(plain_text(PLAIN.nodes, "It"))


def test_refusing_names_the_program() -> None:
    refuse("nginx", [])
    with pytest.raises(ConfigError, match=r"^listen: why \(startgate export nginx\)$"):
        refuse("nginx", [("listen", "why")])
