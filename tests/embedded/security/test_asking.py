"""Bodies of `_has_privileges`."""

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.security.asking import applications_answer, has_privileges, parse_asked
from proxy.embedded.security.identity import API_KEY, NATIVE, Subject, User
from proxy.embedded.security.store import Security
from proxy.privileges import Asked, AskedIndex


def test_parse() -> None:
    body = {
        "cluster": ["manage_ml"],
        "index": [{"names": "a", "privileges": ["read"], "allow_restricted_indices": True}],
    }
    assert parse_asked(body) == Asked(
        cluster=("manage_ml",), index=(AskedIndex(names=("a",), privileges=("read",), allow_restricted=True),)
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "must specify at least one"),
        ({"cluster": ["manage_mx"]}, "unknown cluster privilege"),
        ({"index": [{"names": ["a"], "privileges": ["reed"]}]}, "unknown index privilege"),
        ({"index": [{"names": ["a"]}]}, "required"),
        ({"cluster": [1]}, "a string or an array of strings"),
    ],
)
def test_refused(body: dict[str, object], text: str) -> None:
    with pytest.raises(Failure, match=text) as caught:
        parse_asked(body)
    assert caught.value.status == 400


def test_a_key_needs_both() -> None:
    security = Security()
    security.add_role("r", {"indices": [{"names": ["a*"], "privileges": ["read"]}]})
    owner = Subject(user=security.add_user("bob", "secret", ["r"]), realm=NATIVE)
    key = security.add_api_key(owner, "k", {"k": {"indices": [{"names": ["*"], "privileges": ["all"]}]}})
    asked = Asked(index=(AskedIndex(names=("a1", "b1"), privileges=("read", "index")),))
    held = has_privileges(security, Subject(user=User(username="bob"), realm=API_KEY, api_key=key), asked)
    assert held.index == {"a1": {"read": True, "index": False}, "b1": {"read": False, "index": False}}


def test_applications_are_all_or_nothing() -> None:
    asked = {"application": [{"application": "kibana-.kibana", "privileges": ["all"], "resources": ["*"]}]}
    assert applications_answer(asked, held=True) == {"kibana-.kibana": {"*": {"all": True}}}
    assert applications_answer(asked, held=False) == {"kibana-.kibana": {"*": {"all": False}}}
