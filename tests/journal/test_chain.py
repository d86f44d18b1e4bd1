"""The chain: every line at one place, and no change of a line that does not show."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.journal import chain
from proxy.journal.chain import Fault, Link

JOURNAL = "abcdefghijklmnopqrstuv"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
).filter(lambda value: '"slot"' not in json.dumps(value) and '"chain": {' not in json.dumps(value))
json_values = json_values.filter(lambda value: not any(0xD800 <= ord(c) < 0xE000 for c in repr(value)))
records = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values, max_size=4)


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"startgate": {"receipt": f"r{number}", "phase": "outcome"}, **more}


def lines(count: int) -> list[bytes]:
    link, made = chain.genesis(JOURNAL), []
    for number in range(count):
        line, link = chain.seal(record(number), link)
        made.append(line)
    return made


def faults(journal: list[bytes]) -> list[tuple[int, Fault]]:
    """What is wrong, by line, going on after each from what the line says."""
    due: Link | None = chain.genesis(JOURNAL)
    found = []
    for number, line in enumerate(journal):
        placed, fault = chain.check(line, due)
        if fault is not None:
            found.append((number, fault))
        due = placed.next if placed is not None else due
    return found


def test_a_line_is_canonical_and_holds_its_place() -> None:
    line, after = chain.seal({"b": 1, "a": "ä", "startgate": {"phase": "end"}}, chain.genesis(JOURNAL))
    rest = f'"journal":"{JOURNAL}","prev":"{"0" * 64}","seq":1}},"phase":"end"}}}}'
    hashed = '{"a":"ä","b":1,"startgate":{"chain":{' + rest
    digest = hashlib.sha256(hashed.encode()).hexdigest()
    assert line.decode() == '{"a":"ä","b":1,"startgate":{"chain":{"hash":"' + digest + '",' + rest + "\n"
    assert after == Link(JOURNAL, 2, digest)


def test_the_hash_is_that_of_the_canonical_record_without_it() -> None:
    """Anybody can check with an ordinary JSON library: sorted keys, no blanks."""
    [line] = lines(1)
    value = json.loads(line)
    said = value["startgate"]["chain"].pop("hash")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == said


@given(records)
def test_whatever_is_recorded_is_checked_as_line_and_as_value(values: dict[str, Any]) -> None:
    due = Link(JOURNAL, 7, "f" * 64)
    line, after = chain.seal({**values, "startgate": {"phase": "end"}}, due)
    placed, fault = chain.check(line, due)
    assert fault is None
    assert placed is not None
    assert placed.next == after
    value = msgspec.json.decode(line)
    assert chain.record_hash(value) == after.prev
    assert chain.canonical(value) + b"\n" == line


@given(st.data())
def test_no_bit_can_be_flipped(data: st.DataObject) -> None:
    whole = lines(3)
    number = data.draw(st.integers(0, 2))
    line = bytearray(whole[number])
    at = data.draw(st.integers(0, len(line) - 2))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    whole[number] = bytes(line)
    assert faults(whole)


def test_what_is_taken_out_put_in_or_moved_shows() -> None:
    whole = lines(5)
    assert faults(whole) == []
    assert faults(whole[1:]) == [(0, Fault.SEQUENCE)]
    assert faults(whole[:2] + whole[3:]) == [(2, Fault.SEQUENCE)]
    assert faults([*whole[:3], whole[2], *whole[3:]]) == [(3, Fault.SEQUENCE)]
    assert faults([whole[0], whole[2], whole[1], *whole[3:]]) == [
        (1, Fault.SEQUENCE),
        (2, Fault.SEQUENCE),
        (3, Fault.SEQUENCE),
    ]


def test_a_record_of_the_same_number_from_elsewhere_shows() -> None:
    whole = lines(3)
    forged, _ = chain.seal(record(9), Link(JOURNAL, 2, "e" * 64))
    assert faults([whole[0], forged, whole[2]]) == [(1, Fault.PREVIOUS), (2, Fault.PREVIOUS)]
    other, _ = chain.seal(record(1), Link("z" * 22, 2, "e" * 64))
    assert chain.check(other, Link(JOURNAL, 2, "e" * 64))[1] is Fault.JOURNAL


def test_a_changed_hash_shows() -> None:
    [line] = lines(1)
    placed = chain.place(line)
    assert placed is not None
    changed = line.replace(placed.hash.encode(), b"0" * 64)
    assert chain.check(changed, None)[1] is Fault.HASH


def test_a_decoy_for_the_hash_shows() -> None:
    [line] = lines(1)
    decoy = line.replace(b'{"startgate"', b'{"chain":{"hash":"' + b"0" * 64 + b'","x":1},"startgate"')
    assert chain.check(decoy, None)[1] is Fault.HASH


def test_without_a_place_that_is_due_a_line_is_checked_for_itself() -> None:
    whole = lines(3)
    assert chain.check(whole[2], None)[1] is None
    assert chain.check(whole[2].replace(b"r2", b"r9"), None)[1] is Fault.HASH


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"startgate":{"phase":"end"}}\n', Fault.UNCHAINED),
        (b'{"startgate":{"chain":null}}\n', Fault.UNCHAINED),
        (b'{"startgate":{"chain":{"seq":1}}}\n', Fault.UNREADABLE),
        (b'{"startgate":{"chain":{"hash":"x","journal":"j","prev":"p","seq":1}}}\n', Fault.HASH),
        (b"{}\n", Fault.UNREADABLE),
        (b"[]\n", Fault.UNREADABLE),
        (b'{"startgate":', Fault.UNREADABLE),
        (b"\xff\n", Fault.UNREADABLE),
        (b"\n", Fault.UNREADABLE),
    ],
)
def test_lines_of_other_forms_are_told_apart(line: bytes, fault: Fault) -> None:
    assert chain.check(line, None)[1] is fault


@pytest.mark.parametrize(
    "broken",
    [
        {"startgate": "text"},
        {"x": b"\xff".decode("latin-1").encode("utf-16"), "startgate": {}, "y": object()},
        {"x": "\ud800", "startgate": {}},
        {"a": {"chain": {"slot": True}}, "startgate": {}},
        {"a": {"chain": {"hash": "0" * 64, "x": 1}}, "startgate": {}},
        {1: 2, "startgate": {}},
    ],
)
def test_what_cannot_be_a_record_is_refused(broken: dict[Any, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        chain.seal(broken, chain.genesis(JOURNAL))


def test_a_place_that_a_record_had_is_dropped() -> None:
    [line] = lines(1)
    again, _ = chain.seal(msgspec.json.decode(line), chain.genesis(JOURNAL))
    assert again == line


def test_a_client_cannot_write_a_place() -> None:
    text = '"chain":{"slot":true} "chain":{"hash":"' + "0" * 64 + '",'
    line, _ = chain.seal(record(1, text=text), chain.genesis(JOURNAL))
    assert chain.check(line, chain.genesis(JOURNAL))[1] is None
