"""Loggers are everybody's: each test leaves them as they were."""

import logging
from collections.abc import Iterator

import pytest

from proxy.logs import levels, passing, setup
from proxy.logs.settings import Levels


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts the root logger back as it was, and all levels."""
    monkeypatch.setattr(setup, "_now", setup._Now(Levels()))
    monkeypatch.setattr(passing, "_upward", passing._nobody)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    levels.apply(Levels())
    for name in levels.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    root.handlers[:] = handlers
    root.setLevel(level)
