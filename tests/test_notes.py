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


@pytest.mark.parametrize(
    ("status", "refused"),
    [(200, False), (None, False), (400, True), (401, True), (404, True), (408, False), (429, False), (503, False)],
)
def test_what_the_cluster_refused_changed_nothing_and_is_counted_apart(status: int | None, refused: bool) -> None:
    one = note(status=status)
    assert one.refused is refused
    gap = joined(gap_of(note(), "down"), gap_of(one, "down"))
    assert (gap.calls, gap.refused) == (({"put": 1}, 1) if refused else ({"put": 2}, 0))
    assert gap.count == 2


def test_gaps_add_up() -> None:
    gap = None
    for one in (note(began_ms=50, answered_ms=60), note(began_ms=10, answered_ms=20), note(action="stop")):
        gap = joined(gap, gap_of(one, "down" if gap is None else "slow"))
    assert gap == Gap(calls={"put": 2, "stop": 1}, since_ms=10, until_ms=60, why="down")
    assert gap is not None
    assert gap.count == 3
