"""Sizes as Elasticsearch writes them: `1gb`, `512mb` (`ByteSizeValue.parseBytesSizeValue`)."""

import re

# The longest ending first: "1kb" also ends in "b".
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SIZE = re.compile(r"(\d{1,19})(?:(?:\.(\d{1,19}))? ?([kmgtp])b?| ?b)", re.ASCII)
_LONG_MAX = (1 << 63) - 1


class BadSize(ValueError):
    """A size that Elasticsearch would not take either; the text says which."""


def bytes_of(value: object) -> int:
    """The bytes that a size stands for. Raises BadSize where it is none, or beyond 64 bits.

    A bare `0` needs no unit; any other number does. Fractions, which old versions wrote, are cut to whole bytes, as
    8.15 does; 9.1 takes the next whole byte.
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    if text == "0":
        return 0
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BadSize(f"{str(value)[:40]!r} is no size such as 512mb")
    unit = _UNITS.get(found[3] or "", 1)
    fraction = found[2] or ""
    total = int(found[1]) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
    if total > _LONG_MAX:
        raise BadSize(f"{str(value)[:40]!r} is beyond 64 bits")
    return total
