"""What the gate is told of observed calls, and what becomes of those that it cannot be told of."""

import asyncio
import dataclasses
from typing import Any

import msgspec
import pytest

from proxy.edge import notes as notes_module
from proxy.edge.notes import Notes
from proxy.notes import GAP_TARGET, NOTE_TARGET, Gap, Note, gap_of, joined
from tests.edge.rig import Rig, Script, Wire, make_limits, until

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def note(number: int = 1, action: str = "put") -> Note:
    return Note(
        action=action,
        method="PUT",
        target=f"/{number}",
        headers=(("Host", "es"),),
        peer="10.0.0.1:1",
        status=200,
        began_ms=number * 10,
        answered_ms=number * 10 + 5,
    )


def says(*answers: bytes) -> Script:
    """Answers one connection after the other with these; the last one from then on."""

    async def script(wire: Wire) -> None:
        await wire.message()
        await wire.send(answers[min(wire.number, len(answers) - 1)])

    return script


def heard(gate: Any) -> list[tuple[str, Any]]:
    """What the gate was told, in order, with where it was told it."""
    kinds = {NOTE_TARGET: Note, GAP_TARGET: Gap}
    found: list[tuple[str, Any]] = []
    for message in gate.requests:
        method, target, _ = message.start.decode().split(" ")
        assert method == "PUT"
        found.append((target, msgspec.json.decode(message.body, type=kinds[target])))
    return found


class Told:
    """Counts what is said of one note."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def made(rig: Rig, **limits: float) -> Notes:
    return Notes(rig.gate_socket, make_limits(**limits))


async def told(notes: Notes, *several: Note) -> list[Told]:
    """Tell them all, and wait until each is through."""
    each = [Told() for _ in several]
    for one, then in zip(several, each, strict=True):
        notes.tell(one, then)
    await until(lambda: all(then.times for then in each))
    return each


async def missed(notes: Notes, count: int) -> Gap:
    """The gap, once it holds so many calls: while it is being told it is nowhere."""
    await until(lambda: notes.gap is not None and notes.gap.count == count)
    assert notes.gap is not None
    return notes.gap


async def test_a_note_arrives_as_it_is(rig: Rig) -> None:
    gate = await rig.gate(says(NO_CONTENT))
    notes = made(rig, observe_wait_s=60.0)
    await told(notes, note())
    assert heard(gate) == [(NOTE_TARGET, note())]
    assert notes.gap is None
    await notes.close()


async def test_nobody_waits_for_a_gate_that_is_down_and_it_hears_of_the_gap_when_it_is_back(rig: Rig) -> None:
    notes = made(rig, observe_wait_s=60.0)
    await told(notes, note(1), note(3, "stop"), note(2))
    gap = await missed(notes, 3)
    assert (gap.calls, gap.since_ms, gap.until_ms) == ({"put": 2, "stop": 1}, 10, 35)
    assert "cannot be reached" in gap.why
    gate = await rig.gate(says(NO_CONTENT))
    await until(lambda: notes.gap is None and gate.requests)
    assert heard(gate) == [(GAP_TARGET, gap)]
    await notes.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REFUSED, "503"),
        (b"", "nothing"),
        (b"nonsense\r\n", "nothing"),
        (b"x" * 300_000, "something that is no status line"),
    ],
)
async def test_a_note_that_is_not_taken_is_a_gap(rig: Rig, answer: bytes, why: str) -> None:
    gate = await rig.gate(says(answer, answer, NO_CONTENT))
    notes = made(rig)
    await told(notes, note())
    await until(lambda: notes.gap is None and len(gate.requests) == 3)
    (_, first), (_, second), (_, third) = heard(gate)
    assert first == note()
    assert second == third == gap_of(note(), f"the gate answered with {why}")
    await notes.close()


async def test_a_slow_gate_holds_nobody_up_and_has_its_note_all_the_same(rig: Rig) -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.message()
        await go_on.wait()
        await wire.send(NO_CONTENT)

    gate = await rig.gate(script)
    notes = made(rig, observe_wait_s=0.05)
    (then,) = await told(notes, note())
    assert notes.gap is None
    go_on.set()
    await until(lambda: then.times == 2)
    assert notes.gap is None
    assert heard(gate) == [(NOTE_TARGET, note())]
    await notes.close()


async def test_a_note_that_a_gate_which_hangs_does_not_take_is_given_up_whole(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the system holds for a socket: the rest would wait in the worker for as long as the gate hangs."""
    monkeypatch.setattr(notes_module, "PATIENCE_S", 0.2)
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await go_on.wait()
        await wire.message()

    gate = await rig.gate(script)
    notes = made(rig, observe_wait_s=60.0)
    await told(notes, dataclasses.replace(note(), headers=(("X", "x" * 3_000_000),)))
    gap = await missed(notes, 1)
    assert "did not answer within" in gap.why
    go_on.set()
    await until(lambda: gate.wires and all(wire.gone for wire in gate.wires))
    assert NOTE_TARGET not in [target for target, _ in heard(gate)]
    await notes.close()


async def test_only_so_many_are_under_way(rig: Rig) -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.message()
        await go_on.wait()
        await wire.send(NO_CONTENT)

    gate = await rig.gate(script)
    notes = made(rig, observe_waiting=2, observe_wait_s=0.0)
    await told(notes, note(1), note(2), note(3), note(4))
    await until(lambda: len(gate.requests) >= 2)
    go_on.set()
    await until(lambda: notes.gap is None and len(gate.requests) == 3)
    told_of = dict(heard(gate)[2:])
    assert told_of[GAP_TARGET].calls == {"put": 2}
    assert "limits.edge.observe_waiting" in told_of[GAP_TARGET].why
    await notes.close()


async def test_at_the_end_notes_arrive_and_the_gap_is_told(rig: Rig) -> None:
    notes = made(rig)
    await told(notes, note(1))
    gate = await rig.gate(says(NO_CONTENT))
    notes.tell(note(2), Told())
    await notes.close()
    assert sorted(target for target, _ in heard(gate)) == [GAP_TARGET, NOTE_TARGET]
    assert notes.gap is None


async def test_what_is_lost_at_the_end_is_said(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    notes = made(rig)
    await told(notes, note(1), note(2))
    await notes.close()
    gap = await missed(notes, 2)
    assert gap == joined(gap_of(note(1), gap.why), gap_of(note(2), ""))
    assert "could not be told of them: 2" in caplog.text


async def test_a_note_that_does_not_arrive_at_the_end_is_counted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notes_module, "LAST_S", 0.05)

    async def silent(wire: Wire) -> None:
        await wire.message()
        await wire.ended()

    await rig.gate(silent)
    notes = made(rig, observe_wait_s=0.0)
    await told(notes, note(1))
    await notes.close()
    assert "could not be told of them: 1" in caplog.text
    assert notes.gap == gap_of(note(1), "the worker stopped before the gate had answered")


async def test_what_is_missed_while_a_gap_is_told_is_the_next_gap(rig: Rig) -> None:
    going: list[bool] = []

    async def script(wire: Wire) -> None:
        request = await wire.message()
        if GAP_TARGET.encode() in request.start and not going:
            notes.tell(note(7), lambda: going.append(True))
            await until(lambda: going)
            await wire.send(NO_CONTENT)
        elif NOTE_TARGET.encode() in request.start:
            await wire.send(REFUSED)
        else:
            await wire.send(NO_CONTENT)

    notes = made(rig)
    await told(notes, note(1))
    gate = await rig.gate(script)
    await until(lambda: notes.gap is None and len(gate.requests) == 3)
    gaps = [one for target, one in heard(gate) if target == GAP_TARGET]
    assert [one.since_ms for one in gaps] == [10, 70]
    await notes.close()
