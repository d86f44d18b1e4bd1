"""The built-in roles."""

from proxy.privileges.builtin import RESERVED_ROLES


def test_reserved_names() -> None:
    assert {"superuser", "machine_learning_admin", "viewer"} <= RESERVED_ROLES
