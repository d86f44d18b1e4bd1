import ctypes
import subprocess
import sys
from ctypes import util

import pytest

from proxy.edge.heap import keep_freed

# Large pieces come and go; then the process counts its page faults.
_PROGRAM = """
import resource
from proxy.edge.heap import keep_freed
kept = keep_freed()
def work():
    for _ in range(200):
        pieces = [bytes(150_000) for _ in range(4)]
        b"".join(pieces)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(util.find_library("c") is None or "musl" in str(util.find_library("c")), reason="glibc only")
def test_memory_that_was_freed_is_used_again_without_page_faults() -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    kept, faults = run.stdout.split()
    assert kept == "True"
    assert int(faults) < 50, "untold, the allocator gives back and takes anew: hundreds"


class Bare:
    """A C library without mallopt(3)."""


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Bare())
    assert keep_freed() is False
