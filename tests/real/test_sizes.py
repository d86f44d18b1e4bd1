"""Sizes of memory against Elasticsearch's own `ByteSizeValue`: what it writes is read, and means the same."""

import pytest

from proxy.rules.cel.memory import BadSize, bytes_of
from tests.real.model import Model, Refused

pytestmark = pytest.mark.real

UNITS = ["", "b", "B", "k", "kb", "KB", "m", "mb", "Mb", "g", "gb", "t", "tb", "p", "pb"]
NUMBERS = ["0", "1", "7", "1023", "1024", "007", "8191", "8192", "9007199254740993", "9223372036854775807"]
ODD = ["", " ", "gb", "1 gb", " 1gb ", "1gbb", "one", "1e3b", "0x1b", "1_0b", "1,5gb", "1b b", "3.7b", "1.5"]
FRACTIONS = ["1.5gb", "0.5kb", "2.25mb", "0.1gb", "1.0gb"]
# Read there alone. No answer of a cluster has them: it writes sizes anew, and no job has a limit below zero.
NOT_HERE = [".5gb", "-1", "-1b"]


def theirs(model: Model, text: str) -> int | None:
    """What Elasticsearch reads; None where it refuses."""
    try:
        return int(model.ask("size", text))
    except (Refused, ValueError):
        return None


def ours(text: str) -> int | None:
    """What is read here; None where it is refused."""
    try:
        return bytes_of(text)
    except BadSize:
        return None


def test_sizes_mean_the_same(model: Model) -> None:
    texts = [*(f"{number}{unit}" for number in NUMBERS for unit in UNITS), *ODD]
    found = {text: (ours(text), theirs(model, text)) for text in texts}
    assert {text: pair for text, pair in found.items() if pair[0] != pair[1]} == {}


def test_fractions_are_whole_bytes(model: Model) -> None:
    for text in FRACTIONS:
        here, there = ours(text), theirs(model, text)
        assert here is not None
        # 9.1 takes the next whole byte.
        assert there in ((here, here + 1) if model.minor >= (9, 1) else (here,)), text
    for text in NOT_HERE:
        assert ours(text) is None


def test_what_elasticsearch_writes_is_read(model: Model) -> None:
    sizes = [0, 1, 1023, 1 << 30, 17 << 20, (1 << 63) - 1, *(3**power for power in range(40))]
    assert {size: bytes_of(model.ask("written", str(size))) for size in sizes} == {size: size for size in sizes}


def test_a_job_without_a_limit_has_one_gigabyte(model: Model) -> None:
    """What a cluster writes into the configuration that it answers with, so that no other default is known here."""
    assert bytes_of(model.ask("memory-default")) == 1 << 30
