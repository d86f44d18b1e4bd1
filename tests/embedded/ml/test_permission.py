"""What the owner of a new job must hold."""

import pytest

from proxy.embedded.failure import Failure
from proxy.embedded.ml.permission import require_on_indices
from proxy.embedded.security.identity import NATIVE, Subject
from proxy.embedded.security.store import Security


@pytest.fixture
def security() -> Security:
    found = Security()
    grants = [
        {"names": ["src*"], "privileges": ["read"]},
        {"names": ["dest"], "privileges": ["read", "index", "create_index"]},
    ]
    found.add_role("r", {"indices": grants})
    return found


def test_enough(security: Security) -> None:
    bob = Subject(user=security.add_user("bob", "secret", ["r"]), realm=NATIVE)
    require_on_indices(security, bob, "j", ["src1", "src*", "remote:x"], "dest")
    require_on_indices(security, bob, "j", ["remote:x"], "dest")


def test_all_that_was_asked_is_listed(security: Security) -> None:
    bob = Subject(user=security.add_user("bob", "secret", ["r"]), realm=NATIVE)
    with pytest.raises(Failure) as caught:
        require_on_indices(security, bob, "j", ["src1", "other"], "src")
    assert (caught.value.status, caught.value.type) == (403, "security_exception")
    assert caught.value.reason == (
        "Cannot create data frame analytics [j] because user bob lacks permissions on the indices: "
        '{"src1":{"read":true},"other":{"read":false},"src":{"read":true,"index":false,"create_index":false}}'
    )
