"""Roles and users over the API."""

from typing import Any

import pytest

from proxy.embedded.app import basic
from tests.embedded.support import Asker

ROLE: dict[str, Any] = {
    "cluster": ["monitor"],
    "indices": [{"names": ["a"], "privileges": ["read"], "field_security": {"grant": ["x"]}, "query": "{}"}],
    "run_as": ["x"],
    "metadata": {"m": 1},
    "description": "d",
}


@pytest.fixture
def ask() -> Asker:
    return Asker()


async def test_a_role_from_end_to_end(ask: Asker) -> None:
    assert await ask.ok("PUT", "/_security/role/r?refresh=true", ROLE) == {"role": {"created": True}}
    assert await ask.ok("POST", "/_security/role/r", ROLE) == {"role": {"created": False}}
    assert await ask.ok("GET", "/_security/role/r") == {
        "r": {
            "cluster": ["monitor"],
            "indices": [{"allow_restricted_indices": False, **ROLE["indices"][0]}],
            "applications": [],
            "run_as": ["x"],
            "metadata": {"m": 1},
            "transient_metadata": {"enabled": True},
            "description": "d",
        }
    }
    assert set(await ask.ok("GET", "/_security/role/r,superuser,gone")) == {"r", "superuser"}
    assert {"r", "superuser", "machine_learning_admin"} <= set(await ask.ok("GET", "/_security/role"))
    assert await ask.ok("DELETE", "/_security/role/r") == {"found": True}
    said = await ask("DELETE", "/_security/role/r")
    assert (said.status, said.body) == (404, {"found": False})
    said = await ask("GET", "/_security/role/r")
    assert (said.status, said.body) == (404, {})


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("r", None, "request body is required"),
        ("r", {"clusters": []}, "failed to parse role [r]. unexpected field [clusters]"),
        ("r", {"cluster": ["x"]}, "unknown cluster privilege [x]"),
        ("r", {"indices": [{"names": ["a"], "privileges": ["x"]}]}, "unknown index privilege [x]"),
        ("superuser", {"cluster": []}, "Role [superuser] is reserved and may not be used."),
    ],
)
async def test_roles_refused(ask: Asker, name: str, body: object, text: str) -> None:
    said = await ask("PUT", f"/_security/role/{name}", body)
    assert said.status == 400
    assert said.reason.startswith(text)


async def test_built_in_roles_stay(ask: Asker) -> None:
    assert (await ask("DELETE", "/_security/role/superuser")).status == 400


async def test_a_user_from_end_to_end(ask: Asker) -> None:
    body = {"password": "long-enough", "roles": ["viewer"], "full_name": "B", "email": "b@x", "metadata": {"k": 1}}
    assert await ask.ok("PUT", "/_security/user/bob", body) == {"created": True}
    bob = basic("bob", "long-enough")
    assert (await ask.ok("GET", "/_security/_authenticate", by=bob))["roles"] == ["viewer"]
    assert await ask.ok("POST", "/_security/user/bob?refresh=false", {"roles": []}) == {"created": False}
    assert (await ask.ok("GET", "/_security/_authenticate", by=bob))["roles"] == []
    assert set(await ask.ok("GET", "/_security/user")) == {"bob", "elastic", "kibana_system"}
    assert (await ask.ok("GET", "/_security/user/bob"))["bob"]["enabled"] is True
    assert await ask.ok("DELETE", "/_security/user/bob") == {"found": True}
    assert (await ask("DELETE", "/_security/user/bob")).status == 404
    assert (await ask("GET", "/_security/user/bob")).status == 404
    assert (await ask("GET", "/", by=bob)).status == 401


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("bob", None, "request body is required"),
        ("bob", {"roles": []}, "Validation Failed: 1: password must be specified unless you are updating"),
        ("bob", {"password": "short"}, "Validation Failed: 1: passwords must be at least [6] characters long;"),
        ("%20bob", {"password": "long-enough"}, "Validation Failed: 1: invalid username [ bob];"),
        ("elastic", {"password": "long-enough"}, "user [elastic] is reserved and only the password can be changed"),
    ],
)
async def test_users_refused(ask: Asker, name: str, body: object, text: str) -> None:
    said = await ask("PUT", f"/_security/user/{name}", body)
    assert said.status == 400
    assert said.reason.startswith(text)


async def test_reserved_users_stay(ask: Asker) -> None:
    assert (await ask("DELETE", "/_security/user/elastic")).status == 400


async def test_only_who_may(ask: Asker) -> None:
    ask.store.add_user("bob", "secret", ["viewer"])
    for method, target in (("GET", "role"), ("PUT", "role/x"), ("GET", "user/x"), ("DELETE", "user/x")):
        assert (await ask(method, f"/_security/{target}", by=basic("bob", "secret"))).status == 403


async def test_a_password_is_changed_of_a_reserved_user_too(ask: Asker) -> None:
    assert await ask.ok("POST", "/_security/user/kibana_system/_password", {"password": "a new one"}) == {}
    who = await ask.ok("GET", "/_security/_authenticate", by=basic("kibana_system", "a new one"))
    assert (who["username"], who["authentication_realm"]["name"]) == ("kibana_system", "reserved")


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("kibana_system", None, "request body is required"),
        ("kibana_system", {}, "Validation Failed: 1: password cannot be null;"),
        (
            "kibana_system",
            {"password": "short"},
            "Validation Failed: 1: passwords must be at least [6] characters long;",
        ),
        ("nobody", {"password": "long enough"}, "Validation Failed: 1: user must exist in order to change password;"),
    ],
)
async def test_passwords_refused(ask: Asker, name: str, body: object, text: str) -> None:
    said = await ask("POST", f"/_security/user/{name}/_password", body)
    assert (said.status, said.reason) == (400, text)


async def test_the_privileges_that_there_are(ask: Asker) -> None:
    told = await ask.ok("GET", "/_security/privilege/_builtin")
    assert {"manage_ml", "read_security", "all"} <= set(told["cluster"])
    assert {"read", "view_index_metadata"} <= set(told["index"])
