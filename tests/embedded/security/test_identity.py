"""Identities as `_authenticate` and job configurations show them."""

from proxy.embedded.security.identity import API_KEY, FILE, NATIVE, SERVICE, ApiKey, Subject, User

BOB = User(username="bob", roles=("r",), full_name="Bob")
KEY = ApiKey(id="i", name="n", secret="s", username="bob", realm=NATIVE, descriptors={}, limited_by={}, created=1)


def test_a_user() -> None:
    subject = Subject(user=BOB, realm=NATIVE)
    assert subject.json() == {
        "username": "bob",
        "roles": ["r"],
        "full_name": "Bob",
        "email": None,
        "metadata": {},
        "enabled": True,
        "authentication_realm": {"name": "native1", "type": "native"},
        "lookup_realm": {"name": "native1", "type": "native"},
        "authentication_type": "realm",
    }
    assert subject.authorization() == {"roles": ["r"]}
    assert subject.has_roles
    assert subject.authenticating is subject


def test_running_as_somebody_else_shows_two_realms() -> None:
    runner = Subject(user=User(username="eve"), realm=FILE)
    shown = Subject(user=BOB, realm=NATIVE, run_by=runner).json()
    assert shown["username"] == "bob"
    assert shown["authentication_realm"]["type"] == "file"
    assert shown["lookup_realm"]["type"] == "native"


def test_an_api_key() -> None:
    subject = Subject(user=User(username="bob"), realm=API_KEY, kind="api_key", api_key=KEY)
    assert subject.json()["api_key"] == {"id": "i", "name": "n"}
    assert subject.authorization() == {"api_key": {"id": "i", "name": "n"}}
    assert not subject.has_roles


def test_a_service_account() -> None:
    subject = Subject(user=User(username="elastic/kibana"), realm=SERVICE, kind="token", token_name="t")
    assert subject.json()["token"]["name"] == "t"
    assert subject.authorization() == {"service_account": "elastic/kibana"}


def test_secrets_are_not_printed() -> None:
    assert "s3cret" not in repr(User(username="u", password="s3cret"))
    assert "'s'" not in repr(KEY)
