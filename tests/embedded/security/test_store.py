"""Users, roles, keys, tokens; and what a subject is permitted."""

import pytest

from proxy.embedded.security.identity import API_KEY, NATIVE, SERVICE, Subject, User
from proxy.embedded.security.store import Security
from proxy.privileges import UnknownPrivilege, allows_cluster

MONITOR = "cluster:monitor/xpack/ml/data_frame/analytics/get"
START = "cluster:admin/xpack/ml/data_frame/analytics/start"


def may(security: Security, subject: Subject, action: str) -> bool:
    return all(allows_cluster(roles, action) for roles in security.permissions(subject))


@pytest.fixture
def security() -> Security:
    found = Security()
    found.add_role("watch", {"cluster": ["monitor_ml"]})
    return found


def test_roles_are_looked_up_anew(security: Security) -> None:
    bob = Subject(user=security.add_user("bob", "secret", ["watch", "gone"]), realm=NATIVE)
    assert may(security, bob, MONITOR)
    assert not may(security, bob, START)
    assert security.missing_roles(bob) == ("gone",)
    security.add_role("watch", {"cluster": ["manage_ml"]})
    assert may(security, bob, START)
    del security.custom_roles["watch"]
    assert not may(security, bob, MONITOR)


def test_a_key_is_limited_by_what_its_owner_held(security: Security) -> None:
    owner = Subject(user=security.add_user("bob", "secret", ["watch"]), realm=NATIVE)
    key = security.add_api_key(owner, "k", {"all": {"cluster": ["all"]}})
    subject = Subject(user=User(username="bob"), realm=API_KEY, api_key=key)
    assert may(security, subject, MONITOR)
    assert not may(security, subject, START)
    security.add_role("watch", {"cluster": ["all"]})
    assert not may(security, subject, START)


def test_a_key_without_descriptors_holds_what_its_owner_held(security: Security) -> None:
    owner = Subject(user=security.add_user("bob", "secret", ["watch"]), realm=NATIVE)
    subject = Subject(user=owner.user, realm=API_KEY, api_key=security.add_api_key(owner, "k"))
    assert len(security.permissions(subject)) == 1
    assert may(security, subject, MONITOR)


def test_a_key_of_a_key_and_of_a_service_account(security: Security) -> None:
    service = Subject(user=User(username="elastic/kibana"), realm=SERVICE, token_name="t")
    key = security.add_api_key(service, "k")
    assert set(key.limited_by) == {"elastic/kibana"}
    made_by_key = security.add_api_key(Subject(user=service.user, realm=API_KEY, api_key=key), "k2", lifetime_ms=1000)
    assert made_by_key.limited_by == key.limited_by
    assert made_by_key.expires == made_by_key.created + 1000


def test_service_tokens(security: Security) -> None:
    token = security.add_service_token()
    assert security.tokens[token] == ("elastic/kibana", "token1")
    assert token.startswith("AAEAAWVsYXN0aWM")
    service = Subject(user=User(username="elastic/kibana"), realm=SERVICE, token_name="token1")
    assert may(security, service, START)
    with pytest.raises(ValueError, match="no service account"):
        security.add_service_token("elastic/other")


def test_unknown_privileges_are_refused(security: Security) -> None:
    with pytest.raises(UnknownPrivilege):
        security.add_role("x", {"cluster": ["manage_mll"]})
    with pytest.raises(UnknownPrivilege):
        security.add_role("x", {"indices": [{"names": ["a"], "privileges": ["reed"]}]})


def test_invalidated_keys_stay_known(security: Security) -> None:
    owner = Subject(user=security.add_user("bob", "secret", []), realm=NATIVE)
    key = security.add_api_key(owner, "k")
    security.invalidate(key)
    assert security.api_keys[key.id].invalidated is not None
