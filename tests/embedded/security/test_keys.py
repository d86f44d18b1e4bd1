"""API keys over the API."""

import base64
from typing import Any

import pytest

from proxy.embedded.app import basic
from proxy.embedded.core.json_text import Json
from tests.embedded.support import Asker

BOB, CARL = basic("bob", "secret"), basic("carl", "secret")
KEYS = "/_security/api_key"


@pytest.fixture
def ask() -> Asker:
    asker = Asker()
    asker.store.add_role("own", {"cluster": ["manage_own_api_key"]})
    asker.store.add_user("bob", "secret", ["own"])
    asker.store.add_user("carl", "secret", [])
    return asker


async def made(ask: Asker, name: str = "k", by: str = BOB, **more: Json) -> dict[str, Any]:
    return dict(await ask.ok("POST", KEYS, {"name": name, **more}, by=by))


async def test_create_and_use(ask: Asker) -> None:
    key = await made(ask, expiration="1d", metadata={"m": 1})
    assert list(key) == ["id", "name", "expiration", "api_key", "encoded"]
    assert base64.b64decode(key["encoded"]).decode() == f"{key['id']}:{key['api_key']}"
    found = await ask.ok("GET", "/_security/_authenticate", by=f"ApiKey {key['encoded']}")
    assert (found["authentication_type"], found["api_key"]) == ("api_key", {"id": key["id"], "name": "k"})


async def test_get_shows_what_limits_a_key(ask: Asker) -> None:
    key = await made(ask, role_descriptors={"x": {"cluster": ["all"]}})
    [shown] = (await ask.ok("GET", f"{KEYS}?id={key['id']}&with_limited_by=true"))["api_keys"]
    assert shown["limited_by"] == [{"own": {"cluster": ["manage_own_api_key"]}}]
    assert shown["role_descriptors"] == {"x": {"cluster": ["all"]}}
    assert (shown["username"], shown["realm"], shown["invalidated"]) == ("bob", "native1", False)
    assert "limited_by" not in (await ask.ok("GET", f"{KEYS}?id={key['id']}"))["api_keys"][0]


async def test_get_by_other_means(ask: Asker) -> None:
    await made(ask, "one-a")
    await made(ask, "one-b")
    await made(ask, "two", by=basic("elastic", "changeme"))
    for query, names in {
        "": {"one-a", "one-b", "two"},
        "?name=one*": {"one-a", "one-b"},
        "?username=elastic": {"two"},
        "?realm_name=native1": {"one-a", "one-b"},
        "?owner=true": {"two"},
        "?active_only=true": {"one-a", "one-b", "two"},
    }.items():
        assert {key["name"] for key in (await ask.ok("GET", KEYS + query))["api_keys"]} == names
    said = await ask("GET", f"{KEYS}?id=gone")
    assert (said.status, said.body) == (404, {"api_keys": []})


async def test_owners_see_their_own_only(ask: Asker) -> None:
    mine = await made(ask)
    await made(ask, by=basic("elastic", "changeme"))
    assert [k["id"] for k in (await ask.ok("GET", f"{KEYS}?owner=true", by=BOB))["api_keys"]] == [mine["id"]]
    assert (await ask("GET", KEYS, by=BOB)).status == 403
    assert (await ask("GET", f"{KEYS}?owner=true", by=CARL)).status == 403
    itself = await ask.ok("GET", f"{KEYS}?id={mine['id']}", by=f"ApiKey {mine['encoded']}")
    assert [k["id"] for k in itself["api_keys"]] == [mine["id"]]


async def test_invalidate(ask: Asker) -> None:
    key = await made(ask)
    other = await made(ask, "other")
    found = await ask.ok("DELETE", KEYS, {"ids": [key["id"]], "owner": True}, by=BOB)
    assert found == {"invalidated_api_keys": [key["id"]], "previously_invalidated_api_keys": [], "error_count": 0}
    again = await ask.ok("DELETE", KEYS, {"id": key["id"]})
    assert again["previously_invalidated_api_keys"] == [key["id"]]
    assert (await ask("GET", "/", by=f"ApiKey {key['encoded']}")).status == 401
    [shown] = (await ask.ok("GET", f"{KEYS}?id={key['id']}"))["api_keys"]
    assert shown["invalidated"] is True
    found = await ask.ok("DELETE", KEYS, {"name": "other", "username": "bob", "realm_name": "native1"})
    assert found["invalidated_api_keys"] == [other["id"]]
    assert not (await ask.ok("GET", f"{KEYS}?active_only=true"))["api_keys"]


@pytest.mark.parametrize(
    ("method", "body", "text"),
    [
        ("POST", None, "request body is required"),
        ("POST", {}, "Validation Failed: 1: api key name is required;"),
        ("POST", {"name": "x", "nam": 1}, "[1:15] [api_key_request] unknown field [nam] did you mean [name]?"),
        ("POST", {"name": "x", "expiration": "soon"}, "failed to parse setting [expiration] with value [soon]"),
        ("POST", {"name": 7}, "failed to parse field [name]: it must be a string"),
        ("POST", {"name": "x", "role_descriptors": {"r": []}}, "failed to parse field [r]: it must be an object"),
        ("POST", {"name": "x", "role_descriptors": {"r": {"cluster": 1}}}, "role [r]: [cluster] must be a list of"),
        ("DELETE", {"ids": [1]}, "failed to parse field [ids]: it must be a string or an array of strings"),
        ("DELETE", None, "request body is required"),
    ],
)
async def test_refused(ask: Asker, method: str, body: object, text: str) -> None:
    said = await ask(method, KEYS, body)
    assert said.status == 400
    assert said.reason.startswith(text)
