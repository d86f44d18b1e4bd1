"""`_security`: who am I, what may I do, service accounts."""

import pytest

from proxy.embedded.app import basic
from tests.embedded.support import Asker

BOB = basic("bob", "bob-password")


@pytest.fixture
def ask() -> Asker:
    asker = Asker()
    asker.store.add_role(
        "r", {"cluster": ["monitor_ml"], "indices": [{"names": ["a*"], "privileges": ["read"]}], "run_as": ["carl"]}
    )
    asker.store.add_user("bob", "bob-password", ["r"])
    asker.store.add_user("carl", "carl-password", [])
    return asker


async def test_authenticate(ask: Asker) -> None:
    assert (await ask.ok("GET", "/_security/_authenticate", by=BOB))["username"] == "bob"
    said = await ask("GET", "/_security/_authenticate", by=BOB, headers={"es-security-runas-user": "carl"})
    assert said.body["username"] == "carl"
    said = await ask("GET", "/_security/_authenticate", by=BOB, headers={"es-security-runas-user": "elastic"})
    assert said.status == 403
    assert said.reason.endswith("because user [bob] is unauthorized to run as [elastic]")
    said = await ask("GET", "/_security/_authenticate?x=1", by=BOB)
    assert said.reason == "request [/_security/_authenticate] contains unrecognized parameter: [x]"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_has_privileges(ask: Asker, method: str) -> None:
    asked = {"cluster": ["monitor_ml"], "index": [{"names": ["a1", "b"], "privileges": ["read"]}]}
    found = await ask.ok(method, "/_security/user/_has_privileges", asked, by=BOB)
    assert found == {
        "username": "bob",
        "has_all_requested": False,
        "cluster": {"monitor_ml": True},
        "index": {"a1": {"read": True}, "b": {"read": False}},
        "application": {},
    }
    asked["index"] = [{"names": ["a1"], "privileges": ["read"]}]
    assert (await ask.ok(method, "/_security/user/bob/_has_privileges", asked, by=BOB))["has_all_requested"] is True


async def test_has_privileges_refused(ask: Asker) -> None:
    said = await ask("POST", "/_security/user/_has_privileges", by=BOB)
    assert (said.status, said.type, said.reason) == (400, "parse_exception", "request body is required")
    said = await ask("POST", "/_security/user/_has_privileges", {"cluster": ["manage_mll"]}, by=BOB)
    assert (said.status, said.type) == (400, "illegal_argument_exception")
    assert said.reason.startswith("unknown cluster privilege [manage_mll].")
    said = await ask("POST", "/_security/user/carl/_has_privileges", {"cluster": ["all"]}, by=BOB)
    assert said.status == 403


async def test_applications(ask: Asker) -> None:
    asked = {"application": [{"application": "kibana", "privileges": ["all"], "resources": ["*"]}]}
    found = await ask.ok("POST", "/_security/user/_has_privileges", asked)
    assert (found["has_all_requested"], found["application"]) == (True, {"kibana": {"*": {"all": True}}})
    found = await ask.ok("POST", "/_security/user/_has_privileges", asked, by=BOB)
    assert found["has_all_requested"] is False


async def test_service_accounts(ask: Asker) -> None:
    for path in ("", "/elastic", "/elastic/kibana"):
        assert list(await ask.ok("GET", f"/_security/service{path}")) == ["elastic/kibana"]
    assert await ask.ok("GET", "/_security/service/elastic/other") == {}
    assert await ask.ok("GET", "/_security/service/other") == {}
    assert (await ask("GET", "/_security/service", by=BOB)).status == 403
