"""What tests of the commands share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of the test's own: the default configuration file lies there."""
    monkeypatch.chdir(tmp_path)
