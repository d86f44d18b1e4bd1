"""Mutants of inputs: the same chance gives the same mutant."""

import re
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz import words
from tests.fuzz.case import Case
from tests.fuzz.grammar import split

_LENGTH = re.compile(rb"\n(?i:content-length): (\d{1,3})\r")

# Larger ones only take longer.
MOST_BYTES = 32 * 1024

Mutation = Callable[[Random, bytes], bytes]


def mutant(chance: Random, cases: Sequence[Case]) -> Case:
    """One of `cases`, changed in one to four ways, or joined with another, and cut into parts anew."""
    whole = data = chance.choice(cases).data
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        change = chance.choice(CHANGES)
        data = change(chance, data) or data
    if chance.random() < 0.1:
        other = chance.choice(cases).data
        data = data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]
    if chance.random() < 0.2:
        data = known(whole) * chance.randint(2, 3) + data
    return Case(split(chance, data[:MOST_BYTES]))


def known(data: bytes) -> bytes:
    """A harmless request whose header lines are those of the first request in `data`. Where it came before, two or
    three times, the edge knows those lines again (proxy/wire/repeated), and must not take a mutant's for them."""
    head, end, _ = data.partition(b"\r\n\r\n")
    fields = head.partition(b"\r\n")[2]
    length = _LENGTH.search(b"\n" + fields + b"\r")
    body = b"0\r\n\r\n" if b"chunked" in fields.lower() else b""
    if length is not None:
        body = b"x" * int(length[1])
    return b"GET " + words.ECHO + b" HTTP/1.1\r\n" + fields + end + body


def _place(chance: Random, data: bytes) -> int:
    """A place in `data`; half of the time one where a delimiter stands, since there readers differ."""
    if not data:
        return 0
    if chance.random() < 0.5:
        byte = chance.choice(b"\r\n :;/?#%")
        found = [at for at, value in enumerate(data) if value == byte]
        if found:
            return chance.choice(found)
    return chance.randrange(len(data))


def insert(chance: Random, data: bytes) -> bytes:
    """A token more."""
    at = _place(chance, data) + chance.randint(0, 1)
    return data[:at] + chance.choice(words.TOKENS) + data[at:]


def replace(chance: Random, data: bytes) -> bytes:
    """A token in the place of a few bytes."""
    at = _place(chance, data)
    return data[:at] + chance.choice(words.TOKENS) + data[at + chance.randint(1, 4) :]


def delete(chance: Random, data: bytes) -> bytes:
    """A few bytes less."""
    at = _place(chance, data)
    return data[:at] + data[at + chance.choice((1, 1, 2, 4, 16)) :]


def change_byte(chance: Random, data: bytes) -> bytes:
    """Another byte, or one with a bit turned."""
    at = _place(chance, data)
    byte = chance.choice((chance.randrange(256), data[at] ^ 1 << chance.randrange(8), data[at] ^ 0x20)) if data else 0
    return data[:at] + bytes([byte]) + data[at + 1 :]


def repeat(chance: Random, data: bytes) -> bytes:
    """A line, or a stretch, once more."""
    begin = _place(chance, data)
    end = data.find(b"\n", begin + 1) + 1 if chance.random() < 0.6 else begin + chance.randint(1, 64)
    return data[:end] + data[begin:end] + data[end:]


def swap_lines(chance: Random, data: bytes) -> bytes:
    """Two lines in each other's place."""
    lines = data.split(b"\r\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\r\n".join(lines)


def line_ends(chance: Random, data: bytes) -> bytes:
    """One line end spelled differently."""
    ends = data.count(b"\r\n")
    if not ends:
        return data
    parts = data.split(b"\r\n")
    at = chance.randint(1, ends)
    other = chance.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\r\n", b"\r\n ", b"\x0b\r\n", b""))
    return b"\r\n".join(parts[:at]) + other + b"\r\n".join(parts[at:])


def number(chance: Random, data: bytes) -> bytes:
    """A digit changed, or made more: lengths, sizes and versions lie."""
    digits = [at for at, value in enumerate(data) if 0x30 <= value <= 0x39]
    if not digits:
        return data
    at = chance.choice(digits)
    return data[:at] + chance.choice((b"0", b"1", b"9", b"00", b"99", b"-1", b"+1", b"1e1", b"a", b"")) + data[at + 1 :]


def escape(chance: Random, data: bytes) -> bytes:
    """One byte percent-encoded."""
    at = _place(chance, data)
    return data[:at] + b"%%%02x" % data[at] + data[at + 1 :] if data else data


CHANGES: tuple[Mutation, ...] = (
    insert, insert, replace, delete, change_byte, repeat, swap_lines, line_ends, line_ends, number, escape,
)  # fmt: skip
