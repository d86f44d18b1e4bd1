"""Sizes as Elasticsearch writes them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.cel.memory import BadSize, bytes_of

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *[("0", 0), ("0b", 0), ("7b", 7), ("1kb", 1024), ("1k", 1024), ("1mb", MIB), ("1m", MIB)],
        *[("1gb", 1 << 30), ("4g", 1 << 32), ("1tb", 1 << 40), ("2t", 1 << 41), ("1pb", 1 << 50), ("1p", 1 << 50)],
        *[("1GB", 1 << 30), (" 1gb ", 1 << 30), ("1 gb", 1 << 30), ("1.5gb", 3 << 29), ("0.5kb", 512)],
        ("9223372036854775807b", (1 << 63) - 1),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    "value",
    [
        *[
            "",
            "1",
            "gb",
            "-1",
            "-1gb",
            "1.gb",
            ".5gb",
            "1,5gb",
            "1e3gb",
            "1eb",
            "3.7b",
            "one gb",
            "1gbb",
            "1 kb b",
            "0x1b",
        ],
        *[
            "1gb\n2gb",
            "\uff11gb",
            "9223372036854775808b",
            "9" * 19 + "pb",
            "9" * 40 + "b",
            None,
            7,
            1.5,
            True,
            ["1gb"],
            {},
        ],
    ],
)
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(BadSize):
        bytes_of(value)


@given(st.integers(0, 2**20), st.sampled_from("kmgt"), st.sampled_from(["", "b"]), st.sampled_from(["", " "]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str, ending: str, space: str) -> None:
    assert bytes_of(f"{number}{space}{unit}{ending}") == number << 10 * ("kmgt".index(unit) + 1)


@given(st.text())
def test_any_text_is_a_size_or_refused(text: str) -> None:
    with suppress(BadSize):
        assert 0 <= bytes_of(text) < 1 << 63
