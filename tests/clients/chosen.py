"""Which clients a run tries. The variable CLIENTS (comma-separated) names those that must run: all for `make clients`.

Without it those run that are quick to install: where their tools are at hand, or as a must under
STARTGATE_REQUIRE_REAL=1. To compile the Go and Rust clients takes minutes once.
"""

import os
from collections.abc import Callable

import pytest

from tests.clients.suite import Client
from tests.real.conftest import require_real
from tests.real.versions import CannotRun

QUICK = ("python", "javascript", "java")


def _named() -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in os.environ.get("CLIENTS", "").split(","))))


def chosen() -> tuple[str, ...]:
    """The languages that this run tries."""
    return _named() or QUICK


def only_if_chosen(language: str) -> pytest.MarkDecorator:
    """The mark of a module's tests, which leaves them out where the language is not to be tried."""
    reason = f"the {language} client is not chosen: make clients"
    return pytest.mark.skipif(language not in chosen(), reason=reason)


def ready(language: str, make: Callable[[], Client]) -> Client:
    """What `make` installs. Where that cannot be, a failure if it was named or must be, else a skip."""
    try:
        return make()
    except CannotRun as reason:
        if language in _named() or require_real():
            pytest.fail(f"the {language} client cannot run here: {reason}", pytrace=False)
        pytest.skip(f"the {language} client cannot run here: {reason}")
