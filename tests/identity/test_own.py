"""Who sent a start: by password, certificate or header; one, or several that agree."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.clientcert import told
from proxy.errors import ConfigError, Refusal
from proxy.identity.own import CHALLENGE, OwnIdentities
from proxy.model import Identity
from proxy.settings import CertificateNames, IdentityLimits, IdentitySettings, TrustedHeader
from tests.identity.samples import PBKDF2, ROLES_FILE, USERS_FILE, WIDE, WORD

TARGET = "/_ml/data_frame/analytics/outliers/_start"
CLIENT, FRONT = "10.1.1.1:999", "10.0.0.5:4000"
Header = tuple[str, str]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """Identities over files in a folder. `ways` narrows what is configured."""

    def __init__(self, folder: Path, *, ways: str = "ucht", forward: bool = True, roles_header: bool = False) -> None:
        self.users, self.roles = folder / "users", folder / "users_roles"
        self.users.write_text(USERS_FILE)
        self.roles.write_text(ROLES_FILE)
        self.clock = Clock()
        name = "X-Roles" if roles_header else None
        header = TrustedHeader(name="X-User", peers=("10.0.0.5/32",), roles_header=name, forward=forward)
        self.settings = IdentitySettings(
            users_file=str(self.users) if "u" in ways else None,
            users_roles_file=str(self.roles),
            certificates=CertificateNames(username="cn") if "c" in ways else None,
            header=header if "h" in ways else None,
            limits=IdentityLimits(failures=5),
        )
        self.own = OwnIdentities(self.settings, self.clock)

    async def who(
        self, *headers: Header, peer: str = CLIENT, certificate: str = ""
    ) -> tuple[Identity, Identity | None]:
        return await self.own.identify(headers, peer=peer, certificate=certificate, target=TARGET)

    async def refused(self, *headers: Header, peer: str = CLIENT, certificate: str = "") -> Refusal:
        with pytest.raises(Refusal) as refusal:
            await self.who(*headers, peer=peer, certificate=certificate)
        return refusal.value


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.own.close()


def basic(name: str, password: str, header: str = "Authorization") -> Header:
    return header, "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def shown(name: str) -> str:
    """What the edge tells of a certificate with this common name."""
    return told({"subject": ((("commonName", name),),)})


def ours(name: str, roles: tuple[str, ...], way: str) -> Identity:
    realm = f"startgate_{way}"
    return Identity(username=name, roles=roles, realm=realm, realm_type="startgate", lookup_realm=realm)


ANN = ours("ann", ("analyst",), "users")


async def test_each_way_names_the_caller(desk: Desk) -> None:
    assert await desk.who(basic("ann", WORD)) == (ANN, None)
    assert await desk.who(certificate=shown("bob")) == (ours("bob", ("analyst", "reader"), "certificates"), None)
    assert await desk.who(("X-User", "carl"), peer=FRONT) == (ours("carl", ("reader",), "header"), None)


async def test_who_we_identify_runs_as_nobody_and_has_authenticated_in_person(desk: Desk) -> None:
    who, _ = await desk.who(basic("ann", WORD))
    assert not who.runs_as
    assert (who.authentication_type, who.api_key_id) == ("realm", None)


async def test_a_user_without_roles_has_none(desk: Desk) -> None:
    who, _ = await desk.who(certificate=shown("dora"))
    assert who.roles == ()


async def test_nobody_is_nobody(desk: Desk, tmp_path: Path) -> None:
    refusal = await desk.refused()
    assert (refusal.status, refusal.headers) == (401, (CHALLENGE,))
    assert refusal.reason == f"missing authentication credentials for REST request [{TARGET}]"
    without = Desk(tmp_path, ways="ch")
    assert (await without.refused()).headers == ()
    assert (await without.refused(basic("ann", WORD))).status == 401


@pytest.mark.parametrize(
    "value",
    [
        "", "Basic", "Basic ", "Basic !", "Bearer abc", "ApiKey YTpi", "Basic " + base64.b64encode(b"ann").decode(),
        "Basic " + base64.b64encode(b":x").decode(), "Basic " + base64.b64encode(b"ann:").decode(),
        "Basic " + base64.b64encode(b"\xff:x").decode(),
    ],
)  # fmt: skip
async def test_what_is_no_basic_credential_is_refused(desk: Desk, value: str) -> None:
    refusal = await desk.refused(("Authorization", value), certificate=shown("ann"))
    assert (refusal.status, refusal.headers) == (401, (CHALLENGE,))
    assert "only Basic" in refusal.reason


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(desk: Desk) -> None:
    wrong, unknown = await desk.refused(basic("ann", "x")), await desk.refused(basic("erik", "x"))
    assert (wrong.status, wrong.reason) == (401, f"unable to authenticate user [ann] for REST request [{TARGET}]")
    assert unknown.reason == wrong.reason.replace("ann", "erik")
    assert wrong.headers == unknown.headers == (CHALLENGE,)


async def test_scheme_and_blanks_are_read_as_http_has_them(desk: Desk) -> None:
    name, value = basic("ann", WORD)
    assert (await desk.who((name.upper(), value.replace("Basic ", "bASIC  "))))[0] == ANN


async def test_the_secondary_is_a_password(desk: Desk, tmp_path: Path) -> None:
    also = basic("bob", WIDE, "es-secondary-authorization")
    bob = ours("bob", ("analyst", "reader"), "users")
    assert await desk.who(basic("ann", WORD), also) == (ANN, bob)
    assert (await desk.who(also, certificate=shown("ann")))[1] == bob
    assert (await desk.who(basic("ann", WORD), (also[0], "")))[1] is None
    refusal = await desk.refused(basic("ann", WORD), basic("bob", "x", "es-secondary-authorization"))
    assert (refusal.status, refusal.reason) == (401, "Failed to authenticate secondary user")
    assert refusal.caused_by == {
        "type": "security_exception",
        "reason": f"unable to authenticate user [bob] for REST request [{TARGET}]",
    }
    without = Desk(tmp_path, ways="ch")
    assert (await without.refused(also, certificate=shown("ann"))).reason == "Failed to authenticate secondary user"


async def test_too_many_failures_are_told_as_such_for_the_secondary_too(desk: Desk) -> None:
    also = "es-secondary-authorization"
    for guess in range(5):
        await desk.refused(basic("ann", WORD), basic("bob", str(guess), also), peer="10.1.1.1:1")
    refusal = await desk.refused(basic("ann", WORD), basic("bob", "x", also))
    assert refusal.status == 429


async def test_running_as_somebody_else_is_refused_even_if_empty(desk: Desk) -> None:
    for value in ("bob", ""):
        refusal = await desk.refused(basic("ann", WORD), ("ES-Security-Runas-User", value))
        assert refusal.status == 403
        assert "es-security-runas-user" in refusal.reason


async def test_ways_that_agree_are_one(desk: Desk) -> None:
    headers = (basic("ann", WORD), ("X-User", "ann"))
    assert (await desk.who(*headers, peer=FRONT, certificate=shown("ann")))[0] == ANN


async def test_ways_that_do_not_agree_are_refused(desk: Desk, tmp_path: Path) -> None:
    for headers, peer, certificate in (
        ((basic("ann", WORD),), CLIENT, shown("bob")),
        ((basic("ann", WORD), ("X-User", "bob")), FRONT, ""),
        ((("X-User", "ann"),), FRONT, shown("bob")),
        ((basic("ann", WORD), ("X-User", "ann")), FRONT, shown("bob")),
    ):
        refusal = await desk.refused(*headers, peer=peer, certificate=certificate)
        assert refusal.status == 403
        assert "two ways name the caller and do not agree" in refusal.reason
    with_roles = Desk(tmp_path, roles_header=True)
    headers = (("X-User", "ann"), ("X-Roles", "admin"))
    assert "do not agree" in (await with_roles.refused(*headers, peer=FRONT, certificate=shown("ann"))).reason
    assert (await with_roles.who(*headers, peer=FRONT))[0] == ours("ann", ("admin",), "header")


async def test_a_way_that_fails_is_not_passed_over(desk: Desk) -> None:
    assert (await desk.refused(basic("ann", "x"), certificate=shown("ann"))).status == 401
    assert (await desk.refused(basic("ann", WORD), ("X-User", "ann"))).status == 403
    assert (await desk.refused(certificate=shown("a\0b"))).status == 403
    assert (await desk.refused(basic("ann", WORD), certificate="nonsense")).status == 403


async def test_a_certificate_that_names_nobody_leaves_it_to_others(desk: Desk) -> None:
    certificate = told({"subject": ((("organizationName", "front"),),)})
    assert (await desk.who(("X-User", "carl"), peer=FRONT, certificate=certificate))[0].username == "carl"
    assert (await desk.refused(certificate=certificate)).status == 401


async def test_what_is_not_configured_names_nobody(tmp_path: Path) -> None:
    only_users = Desk(tmp_path, ways="u")
    assert (await only_users.refused(("X-User", "ann"), peer=FRONT, certificate=shown("ann"))).status == 401


def test_what_the_cluster_must_not_get(tmp_path: Path) -> None:
    kept = Desk(tmp_path).own.kept_back
    assert {"authorization", "es-secondary-authorization", "es-security-runas-user"} <= kept
    assert "x-user" not in kept
    assert {"x-user", "x-roles"} <= Desk(tmp_path, forward=False, roles_header=True).own.kept_back
    assert "x-user" in Desk(tmp_path, forward=False).own.kept_back


def test_broken_files_identify_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.users.write_text("ann\n")
    with pytest.raises(ConfigError):
        OwnIdentities(desk.settings)


async def test_changed_files_count_within_a_second(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await desk.who(basic("ann", WORD))
    desk.users.write_text(f"carl:{PBKDF2}\n")
    assert (await desk.who(basic("ann", WORD)))[0] == ANN, "they are not looked at for each start"
    desk.clock.now += 1
    assert (await desk.refused(basic("ann", WORD))).status == 401
    assert (await desk.who(basic("carl", WORD)))[0].roles == ("reader",)
    desk.roles.write_text("admin:carl\n")
    desk.clock.now += 1
    assert (await desk.who(basic("carl", WORD)))[0].roles == ("admin",)
    assert [record.message for record in caplog.records] == ["the users were read again: 1 with a password"] * 2


async def test_a_broken_file_leaves_those_from_before_and_is_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.roles.write_text("analyst:ann,bo")
    for _ in range(3):
        desk.clock.now += 1
        assert (await desk.who(certificate=shown("bob")))[0].roles == ("analyst", "reader")
    assert len(caplog.records) == 1
    assert f"{desk.roles}:1:15: the last line has no line end" in caplog.text
    assert desk.own.error is not None
    desk.roles.unlink()
    desk.clock.now += 1
    assert (await desk.who(basic("ann", WORD)))[0] == ANN
    assert "cannot be read: No such file or directory" in caplog.text
    desk.roles.write_text(ROLES_FILE)
    desk.clock.now += 1
    await desk.who(basic("ann", WORD))
    assert desk.own.error is None


async def test_reading_again_on_request(desk: Desk) -> None:
    desk.users.write_text("x\n")
    with pytest.raises(ConfigError):
        await desk.own.reload()
    assert (await desk.who(basic("ann", WORD)))[0] == ANN
    desk.users.write_text(f"carl:{PBKDF2}\n")
    await desk.own.reload()
    assert (await desk.refused(basic("ann", WORD))).status == 401


async def test_many_at_once_while_files_change(desk: Desk) -> None:
    """Whoever is in both states of the files is never refused in between."""

    async def asks(number: int) -> Any:
        desk.clock.now += 0.5
        if number % 5 == 0:
            desk.users.write_text(USERS_FILE + "#\n" * number)
        return (await desk.who(basic("ann", WORD), peer=f"10.0.1.{number}:1"))[0]

    assert set(await asyncio.gather(*(asks(number) for number in range(50)))) == {ANN}
