"""What servers behind are told of who asked: extended or replaced, and no client's words where those don't count."""

import pytest

from proxy.wire.fields import canonical
from proxy.wire.forwarded import tell_forwarded

OTHER = b"\nHost: x\r\nX-Forwarded-Host: y\r\nAccept: */*\r"


def told(section: bytes, *, believed: bool, address: str = "192.0.2.7", scheme: str = "https") -> list[str]:
    """The lines of a section after it has been told who asks."""
    made = tell_forwarded(OTHER + section, address=address, scheme=scheme, believed=believed)
    assert made.startswith(OTHER)
    return made[len(OTHER) :].decode().strip("\r\n").split("\r\n")


def test_nothing_came() -> None:
    for believed in (True, False):
        assert told(b"", believed=believed) == ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"]


@pytest.mark.parametrize(
    ("came", "extended"),
    [
        (b"\nX-Forwarded-For: 1.1.1.1\r", ["X-Forwarded-For: 1.1.1.1, 192.0.2.7", "X-Forwarded-Proto: https"]),
        (
            b"\nx-forwarded-for: 1.1.1.1, 2.2.2.2\r\nX-FORWARDED-FOR: 3.3.3.3\r",
            ["X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7", "X-Forwarded-Proto: https"],
        ),
        (b"\nX-Forwarded-For: \r", ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"]),
        (b"\nX-Forwarded-Proto: http\r", ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http"]),
        (
            b'\nForwarded: for=1.1.1.1\r\nForwarded: for="[::1]"\r',
            [
                "X-Forwarded-For: 192.0.2.7",
                "X-Forwarded-Proto: https",
                'Forwarded: for=1.1.1.1, for="[::1]", for=192.0.2.7;proto=https',
            ],
        ),
    ],
)
def test_what_came_is_extended_where_it_is_believed_and_gone_where_not(came: bytes, extended: list[str]) -> None:
    assert told(came, believed=True) == extended
    assert told(came, believed=False) == ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"]


@pytest.mark.parametrize(
    ("address", "listed", "node"), [("2001:db8::1", "2001:db8::1", '"[2001:db8::1]"'), ("", "unknown", "unknown")]
)
def test_addresses(address: str, listed: str, node: str) -> None:
    lines = told(b"\nForwarded: for=a\r", believed=True, address=address, scheme="http")
    assert lines == [
        f"X-Forwarded-For: {listed}",
        "X-Forwarded-Proto: http",
        f"Forwarded: for=a, for={node};proto=http",
    ]


def test_the_section_stays_canonical() -> None:
    made = tell_forwarded(b"\nForwarded: \xffx\r\nA: b\r", address="::1", scheme="http", believed=True)
    assert canonical(made[1:].removesuffix(b"\r").split(b"\r\n")) == made
