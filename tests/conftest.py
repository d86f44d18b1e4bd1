"""What holds for every test."""

import gc
import logging
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

# How long one example takes says nothing on a machine that is busy with other tests; pytest's timeout bounds the whole.
# Where it is fixed what is tried, as in CI, what fails once fails always; anywhere else each run tries something new.
FIXED = os.environ.get("FIXED_EXAMPLES") == "1"
settings.register_profile("startgate", deadline=None, derandomize=FIXED)
settings.load_profile("startgate")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keeps what was collected, some 20,000 tests that live as long as the process, out of every search for garbage.

    To go through them again and again is a quarter of the time that all tests take; garbage of tests is found as ever.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class _LeftOut(logging.Handler):
    """Keeps what is told of fields that the table of fields lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


@pytest.fixture(autouse=True)
def nothing_is_left_out_of_records(request: pytest.FixtureRequest) -> Iterator[None]:
    """A gate leaves out of its records what `journal.fields` lacks, and goes on; here that is a failure."""
    logger, handler = logging.getLogger("proxy.journal.screened"), _LeftOut()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    assert handler.told == [] or request.path.name == "test_screened.py"
