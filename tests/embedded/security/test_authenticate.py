"""From headers to identities, and the texts where that fails."""

import base64

import pytest

from proxy.embedded.app import basic
from proxy.embedded.backend import Call
from proxy.embedded.failure import Failure
from proxy.embedded.request import Request
from proxy.embedded.security.authenticate import Caller, authenticate
from proxy.embedded.security.identity import FILE, NATIVE, RESERVED, Subject, User
from proxy.embedded.security.keys import encoded
from proxy.embedded.security.store import Security


@pytest.fixture
def security() -> Security:
    found = Security()
    found.add_user("bob", "bob-password", ["watch"])
    found.add_user("kibana_system", "another-one", ["nothing"], realm=FILE)
    return found


def who(security: Security, **headers: str) -> Caller:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return authenticate(security, Request(Call(method="GET", target="/x?y", headers=sent), {}))


def test_basic(security: Security) -> None:
    caller = who(security, authorization=basic("bob", "bob-password"))
    assert (caller.primary.name, caller.primary.realm) == ("bob", NATIVE)
    assert caller.owner is caller.primary
    assert who(security, Authorization=basic("bob", "bob-password").replace("Basic", "bAsIc")).primary.name == "bob"


def test_the_same_name_in_two_realms(security: Security) -> None:
    assert who(security, authorization=basic("kibana_system", "kibana-changeme")).primary.realm == RESERVED
    assert who(security, authorization=basic("kibana_system", "another-one")).primary.realm == FILE


def test_api_keys_and_tokens(security: Security) -> None:
    bob = Subject(user=security.users[NATIVE, "bob"], realm=NATIVE)
    key = security.add_api_key(bob, "k")
    primary = who(security, authorization="ApiKey " + encoded(key)).primary
    assert (primary.name, primary.kind, primary.user.roles) == ("bob", "api_key", ())
    service = who(security, authorization="Bearer " + security.add_service_token()).primary
    assert (service.name, service.kind) == ("elastic/kibana", "token")


def test_a_key_outlives_its_owner(security: Security) -> None:
    key = security.add_api_key(Subject(user=User(username="gone"), realm=NATIVE), "k")
    assert who(security, authorization="ApiKey " + encoded(key)).primary.name == "gone"


@pytest.mark.parametrize(
    ("presented", "text"),
    [
        (None, "missing authentication credentials for REST request [/x?y]"),
        ("Negotiate abc", "missing authentication credentials for REST request [/x?y]"),
        ("Basic !!!", "failed to decode basic authentication header"),
        (basic("bob", "wrong"), "unable to authenticate user [bob] for REST request [/x?y]"),
        (basic("nobody", "x"), "unable to authenticate user [nobody] for REST request [/x?y]"),
        ("Bearer abc", "unable to authenticate with provided token for REST request [/x?y]"),
    ],
)
def test_refused(security: Security, presented: str | None, text: str) -> None:
    with pytest.raises(Failure) as caught:
        who(security, **({} if presented is None else {"authorization": presented}))
    assert (caught.value.status, caught.value.reason) == (401, text)
    assert [name for name, _ in caught.value.headers] == ["WWW-Authenticate"] * 3


def test_refused_keys(security: Security) -> None:
    bob = Subject(user=security.users[NATIVE, "bob"], realm=NATIVE)
    expired = security.add_api_key(bob, "e", lifetime_ms=-1)
    revoked = security.add_api_key(bob, "r")
    security.invalidate(revoked)
    wrong = base64.b64encode(f"{expired.id}:nope".encode()).decode()
    for presented, text in (
        (encoded(expired), "API key: api key is expired"),
        (encoded(revoked), f"API key: api key [{revoked.id}] has been invalidated"),
        (wrong, f"API key: invalid credentials for API key [{expired.id}]"),
        ("eDp5", "API key: unable to find apikey with id x"),
    ):
        with pytest.raises(Failure) as caught:
            who(security, authorization=f"ApiKey {presented}")
        assert caught.value.extra["additional_unsuccessful_credentials"] == text


def test_a_disabled_user_is_nobody(security: Security) -> None:
    security.users[NATIVE, "off"] = User(username="off", password="off-password", enabled=False)
    with pytest.raises(Failure):
        who(security, authorization=basic("off", "off-password"))


def test_anonymous_only_without_credentials() -> None:
    security = Security(anonymous_roles=["watch"])
    assert who(security).primary.kind == "anonymous"
    with pytest.raises(Failure):
        who(security, authorization=basic("bob", "wrong"))


def test_run_as(security: Security) -> None:
    elastic = basic("elastic", "changeme")
    primary = who(security, authorization=elastic, es_security_runas_user="bob").primary
    assert (primary.name, primary.authenticating.name) == ("bob", "elastic")
    stranger = who(security, authorization=elastic, es_security_runas_user="nobody").primary
    assert (stranger.name, stranger.user.roles) == ("nobody", ())


def test_the_secondary_identity(security: Security) -> None:
    caller = who(
        security,
        authorization=basic("elastic", "changeme"),
        es_security_runas_user="bob",
        es_secondary_authorization=basic("bob", "bob-password"),
    )
    assert caller.secondary is not None
    assert caller.owner.run_by is None
    with pytest.raises(Failure, match="Failed to authenticate secondary user") as caught:
        who(security, authorization=basic("elastic", "changeme"), es_secondary_authorization=basic("bob", "wrong"))
    assert caught.value.status == 401
    assert caught.value.caused_by is not None
    assert caught.value.caused_by["reason"] == "unable to authenticate user [bob] for REST request [/x?y]"


def test_the_secondary_identity_is_never_anonymous() -> None:
    security = Security(anonymous_roles=["watch"])
    with pytest.raises(Failure, match="secondary"):
        who(security, es_secondary_authorization="Bearer")
    assert who(security, es_secondary_authorization="").secondary is None
