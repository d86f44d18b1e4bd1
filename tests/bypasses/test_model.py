"""From when on a record can be trusted to be whole."""

import pytest

from proxy.bypasses.model import Beginning, Recorded


@pytest.mark.parametrize(
    ("beginnings", "from_ms"),
    [
        ((), None),
        (((100, True),), 100),
        (((100, False),), 100),
        # A replica that came later was not there before.
        (((100, True), (200, True)), 100),
        # One whose older records are gone may have started anything.
        (((100, True), (200, False)), 200),
        (((100, False), (200, True)), 100),
        (((300, False), (100, False), (200, True)), 300),
        # Before the oldest there was no gate.
        (((300, True), (200, False)), 200),
    ],
)
def test_where_what_is_known_begins(beginnings: tuple[tuple[int, bool], ...], from_ms: int | None) -> None:
    known = Recorded(beginnings=tuple(Beginning(ms=ms, first=first) for ms, first in beginnings))
    assert known.from_ms == from_ms
