"""Notes survive the way as JSON whatever bytes came, and gaps add up."""

import msgspec
import pytest

from proxy.notes import Gap, Note, gap_of, joined


def note(**changed: object) -> Note:
    values: dict[str, object] = {
        "action": "put",
        "method": "PUT",
        "target": "/_ml/data_frame/analytics/x",
        "headers": (("Host", "es"),),
        "peer": "10.0.0.1:1",
        "status": 200,
        "began_ms": 10,
        "answered_ms": 20,
    }
    return msgspec.convert(values | changed, Note)


@pytest.mark.parametrize("status", [200, None])
def test_a_note_is_read_back_as_it_was_written(status: int | None) -> None:
    every = bytes(range(0x80, 0x100)).decode("latin-1")
    one = note(target=f"/{every}", headers=(("A", every), ("A", "")), status=status, certificate="abc")
    assert msgspec.json.decode(msgspec.json.encode(one), type=Note) == one


def test_no_secret_is_shown() -> None:
    shown = repr(note(headers=(("Authorization", "Basic c2VjcmV0"),), certificate="CN=ann"))
    assert "c2VjcmV0" not in shown
    assert "CN=ann" not in shown


def test_gaps_add_up() -> None:
    gap = None
    for one in (note(began_ms=50, answered_ms=60), note(began_ms=10, answered_ms=20), note(action="stop")):
        gap = joined(gap, gap_of(one, "down" if gap is None else "slow"))
    assert gap == Gap(calls={"put": 2, "stop": 1}, since_ms=10, until_ms=60, why="down")
    assert gap is not None
    assert gap.count == 3
