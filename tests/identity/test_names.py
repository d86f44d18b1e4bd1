"""What may be a name."""

import pytest

from proxy.identity.names import REALMS, wrong_name


@pytest.mark.parametrize("name", ["a", "ann", "Ann O'Neill", "ann@example.com", "a:b", "x" * 507, "!", "a b"])
def test_names(name: str) -> None:
    assert wrong_name(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        ("x" * 508, "longer than 507"),
        ("änn", "printable ASCII"),
        ("a\nb", "printable ASCII"),
        ("a\0b", "printable ASCII"),
        ("a\x7fb", "printable ASCII"),
        (" ann", "blank"),
        ("ann ", "blank"),
    ],
)
def test_what_is_no_name(name: str, why: str) -> None:
    assert why in (wrong_name(name) or "")


def test_realms_are_three() -> None:
    assert len(REALMS) == 3
