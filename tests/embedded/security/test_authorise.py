"""Denials, word for word."""

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.security.authorise import (
    index_denial,
    may_cluster,
    may_index,
    may_run_as,
    require_cluster,
)
from proxy.embedded.security.identity import API_KEY, NATIVE, SERVICE, Subject, User
from proxy.embedded.security.store import Security

START = "cluster:admin/xpack/ml/data_frame/analytics/start"
GRANTED = ", this action is granted by the cluster privileges [manage_ml,manage,all]"


@pytest.fixture
def security() -> Security:
    found = Security()
    found.add_role("r2", {"cluster": ["monitor"], "indices": [{"names": ["logs-a"], "privileges": ["read"]}]})
    found.add_role("r1", {"run_as": ["eve*"]})
    return found


@pytest.fixture
def bob(security: Security) -> Subject:
    return Subject(user=security.add_user("bob", "secret", ["r2", "r1"]), realm=NATIVE)


def denied(security: Security, subject: Subject, action: str = START) -> str:
    with pytest.raises(Failure) as caught:
        require_cluster(security, subject, action)
    assert (caught.value.status, caught.value.type) == (403, "security_exception")
    return caught.value.reason


def test_a_user(security: Security, bob: Subject) -> None:
    assert denied(security, bob) == (
        f"action [{START}] is unauthorized for user [bob] with effective roles [r1,r2]{GRANTED}"
    )


def test_roles_that_are_gone(security: Security) -> None:
    subject = Subject(user=User(username="bob", roles=("r2", "y", "x")), realm=NATIVE)
    assert "with effective roles [r2] (assigned roles [x,y] were not found)," in denied(security, subject)


def test_a_key_and_a_service_account_have_no_roles(security: Security, bob: Subject) -> None:
    key = security.add_api_key(bob, "k")
    subject = Subject(user=bob.user, realm=API_KEY, kind="api_key", api_key=key)
    assert f"unauthorized for API key id [{key.id}] of user [bob]{GRANTED}" in denied(security, subject)
    service = Subject(user=User(username="elastic/kibana"), realm=SERVICE, kind="token", token_name="t")
    action = "cluster:admin/xpack/security/role/put"
    assert f"action [{action}] is unauthorized for service account [elastic/kibana]," in denied(
        security, service, action
    )


def test_running_as_somebody(security: Security, bob: Subject) -> None:
    allowed = Subject(user=User(username="eve1", roles=("r2",)), realm=NATIVE, run_by=bob)
    may_run_as(security, allowed, START)
    assert "unauthorized for user [bob] run as [eve1] with effective roles [r2]," in denied(security, allowed)
    other = Subject(user=User(username="elastic", roles=("superuser",)), realm=NATIVE, run_by=bob)
    assert denied(security, other) == (
        f"action [{START}] is unauthorized for user [bob] with effective roles [r1,r2],"
        " because user [bob] is unauthorized to run as [elastic]"
    )


def test_on_indices(security: Security, bob: Subject) -> None:
    failure = index_denial(security, bob, "indices:data/read/search", ["x", "y"])
    assert failure.reason == (
        "action [indices:data/read/search] is unauthorized for user [bob] with effective roles [r1,r2]"
        " on indices [x,y], this action is granted by the index privileges [read,all]"
    )
    assert " on indices" not in index_denial(security, bob, "indices:data/read/search", []).reason


def test_what_is_held(security: Security, bob: Subject) -> None:
    require_cluster(security, bob, "cluster:monitor/main")
    assert not may_cluster(security, bob, START)
    assert may_index(security, bob, "logs-a", "indices:data/read/search")
    assert not may_index(security, bob, "logs-a", "indices:data/write/index")
    assert may_index(security, bob, ".ds-logs-a-2026.01.02-000001", "indices:data/read/search")
    assert not may_index(security, bob, ".ds-logs-b-2026.01.02-000001", "indices:data/read/search")
