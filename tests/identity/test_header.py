"""A front's header: believed from named peers only, once, and in one spelling."""

import pytest

from proxy.errors import Refusal
from proxy.identity.header import Claim, address_of, claim_of
from proxy.settings import TrustedHeader

FRONT = "10.0.0.5:4000"
PLAIN = TrustedHeader(name="X-User", peers=("10.0.0.5/32", "fd00::/64"))
WITH_ROLES = TrustedHeader(name="X-User", peers=("10.0.0.0/24",), roles_header="X-Roles")


def refused(*headers: tuple[str, str], peer: str = FRONT, trusted: TrustedHeader = WITH_ROLES) -> tuple[int, str]:
    with pytest.raises(Refusal) as told:
        claim_of(headers, peer, trusted)
    return told.value.status, told.value.reason


@pytest.mark.parametrize("peer", ["10.0.0.5:1", "[fd00::7]:1", "[::ffff:10.0.0.5]:1", "[fd00::7%eth0]:1"])
def test_named_peers_are_believed(peer: str) -> None:
    assert claim_of([("x-USER", " ann\t")], peer, PLAIN) == Claim("ann", None)


@pytest.mark.parametrize(
    "peer", ["10.0.0.6:1", "[fd00:0:0:1::7]:1", "unknown", "", "10.0.0.5", "[::ffff:10.0.0.6]:1", "[::1]:1", "x:1"]
)
@pytest.mark.parametrize("header", [("X-User", "ann"), ("X-User", "")])
def test_nobody_else_may_even_send_it(peer: str, header: tuple[str, str]) -> None:
    """An address without a port is nothing that the edge tells."""
    status, why = refused(header, peer=peer, trusted=PLAIN)
    assert status == 403
    assert "identity.trusted_header.peers" in why


def test_roles_of_nobody_from_nowhere_are_refused() -> None:
    assert refused(("X-Roles", "admin"), peer="10.9.9.9:1")[0] == 403
    assert "the roles of nobody" in refused(("X-Roles", "admin"))[1]


def test_what_a_client_says_of_its_way_counts_nothing() -> None:
    status, _ = refused(("X-User", "ann"), ("X-Forwarded-For", "10.0.0.5"), peer="10.9.9.9:1")
    assert status == 403


@pytest.mark.parametrize("peer", [FRONT, "10.9.9.9:1"])
def test_without_the_header_nobody_is_named(peer: str) -> None:
    assert claim_of([("X-Other", "1")], peer, WITH_ROLES) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([("X-User", "ann"), ("x-user", "ann")], "multiple values"),
        ([("X-User", "ann"), ("X-Roles", "a"), ("x-roles", "b")], "multiple values"),
        ([("X-User", "")], "is empty"),
        ([("X-User", "  ")], "is empty"),
        ([("X-User", "ann, admin")], "holds a comma"),
        ([("X-User", "änn")], "printable ASCII"),
        ([("X-User", "ann"), ("X_User", "admin")], "[X_User] can be taken for [X-User]"),
        ([("X_USER", "admin")], "can be taken for"),
        ([("X-User", "ann"), ("X_Roles", "admin")], "can be taken for"),
        ([("X-User", "ann"), ("X-Roles", "a,b\x7f")], "a role name"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(headers: list[tuple[str, str]], why: str) -> None:
    status, told = refused(*headers)
    assert status == 400
    assert why in told


@pytest.mark.parametrize(
    ("value", "roles"), [("a, b ,a,,", ("a", "b")), ("", ()), (" , ", ()), ("a b", ("a b",)), (None, ())]
)
def test_roles(value: str | None, roles: tuple[str, ...]) -> None:
    headers = [("X-User", "ann"), *([("X-Roles", value)] if value is not None else [])]
    assert claim_of(headers, FRONT, WITH_ROLES) == Claim("ann", roles)


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("10.0.0.5:1", "10.0.0.5"),
        ("[fd00::1]:1", "fd00::1"),
        ("[::ffff:10.0.0.5]:1", "10.0.0.5"),
        ("unknown", "None"),
        ("", "None"),
    ],
)
def test_addresses(peer: str, shown: str) -> None:
    assert str(address_of(peer)) == shown
