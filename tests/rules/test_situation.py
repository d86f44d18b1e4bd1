"""What a verdict depends on, as values."""

from dataclasses import FrozenInstanceError

import pytest

from proxy.rules.situation import Request, Unknown


def test_what_is_not_known_says_why_and_never_changes() -> None:
    unknown = Unknown("no service credential is configured")
    assert unknown.text.startswith("no service")
    with pytest.raises(FrozenInstanceError):
        unknown.text = "other"  # type: ignore[misc] # that is what is tested


def test_a_request_waits_twenty_seconds_unless_it_says_otherwise() -> None:
    assert Request().timeout_s == 20.0
