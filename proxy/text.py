"""Texts that others chose, made fit to be shown; and sizes, as all pages and commands write them."""

from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def plain(text: str) -> str:
    """A text as it may be shown in a terminal: control characters, and those that turn the direction of text round,
    are escaped (`\\x1b`). What a client sent must neither move the cursor nor pass for a line of ours."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def size(count: float) -> str:
    """Bytes, in units of 1,024: two digits where they tell something."""
    value, step = float(count), 0
    while value >= 1024 and step < len(_UNITS) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.1f} {_UNITS[step]}" if step and value < 100 else f"{value:.0f} {_UNITS[step]}"
