"""Texts that others chose."""

import pytest

from proxy.text import plain, size


@pytest.mark.parametrize("text", ["", "outliers", "straße ✓ 日本", "[red]", "a\\b"])
def test_what_can_be_shown_is_left_alone(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (150 * 2**10, "150 KiB"),
        (2.5 * 2**30, "2.5 GiB"),
        (2**60, "1048576 TiB"),
    ],
)
def test_sizes_are_written_in_units_of_1024(count: float, shown: str) -> None:
    assert size(count) == shown
