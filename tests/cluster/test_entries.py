"""An answer about many indices, read while it comes: however it is cut into pieces, what it says is what is found."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.json import Decoder

from proxy.cluster.entries import NAME_LIMIT_BYTES, NESTING_LIMIT, RECENT, Distinct, Entries
from proxy.errors import ClusterUnreachable, Refusal

MIB = 1024 * 1024


class Counted:
    """Decodes, and keeps what was decoded."""

    def __init__(self) -> None:
        self.raws: list[bytes] = []
        self._decoder = Decoder()

    def __call__(self, raw: bytes) -> Any:
        self.raws.append(raw)
        return self._decoder.decode(raw)


def read(
    pieces: Iterable[bytes], decode: Any = None, *, limit_bytes: int = MIB, distinct_bytes: int = MIB
) -> dict[str, Any]:
    """What is found in an answer that comes in these pieces."""
    entries = Entries(Distinct(decode or Decoder().decode, distinct_bytes), limit_bytes)
    for piece in pieces:
        entries.feed(piece)
    entries.finish()
    return entries.found


def cut(whole: bytes, size: int) -> list[bytes]:
    """The pieces of an answer."""
    return [whole[at : at + size] for at in range(0, len(whole), size)]


text = st.text(max_size=8) | st.sampled_from(
    ["", ".", "a.b", "ü", "\u2028", '"', "\\", "{", "}", '{"}', "[]", "\U0001f600"]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(text, values, max_size=4)


@given(
    names=st.lists(text, max_size=10, unique=True),
    kinds=st.lists(bodies, min_size=1, max_size=3),
    size=st.integers(1, 60),
    indent=st.sampled_from([None, 1, "\t"]),
    ascii_only=st.booleans(),
)
@example(names=["a", "b"], kinds=[{}], size=1, indent=1, ascii_only=True)
def test_what_is_found_is_what_json_says(
    names: list[str], kinds: list[Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    whole = {name: kinds[number % len(kinds)] for number, name in enumerate(names)}
    printed = json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = read(cut(printed, size))
    assert found == whole
    assert list(found) == names
    for first, second in zip(names, names[len(kinds) :], strict=False):
        assert found[first] is found[second]


@given(st.binary(max_size=40) | st.text('{}[]":,\\ aé', max_size=40).map(str.encode), st.integers(1, 40))
def test_whatever_comes_is_an_object_of_objects_or_told(whole: bytes, size: int) -> None:
    try:
        wanted = json.loads(whole.decode(), object_pairs_hook=Pairs)
    except ValueError:  # UnicodeDecodeError is one
        wanted = None
    pairs = wanted.pairs if isinstance(wanted, Pairs) else [("", None)]
    if not all(isinstance(value, Pairs) for _, value in pairs) or len(dict(pairs)) < len(pairs):
        with pytest.raises(ClusterUnreachable):
            read(cut(whole, size))
    else:
        assert list(read(cut(whole, size))) == [name for name, _ in pairs]


class Pairs:
    """An object as its pairs, duplicates and all."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_what_came_before_is_not_decoded_again(size: int) -> None:
    kinds = [{"mappings": {"properties": {f"f{number}": {"type": "long"}}}} for number in range(3)]
    whole = {f"i{number:03}": kinds[number % 3] for number in range(200)}
    decode = Counted()
    found = read(cut(json.dumps(whole).encode(), size), decode)
    assert found == whole
    assert len(decode.raws) == 3
    assert len({id(value) for value in found.values()}) == 3


def test_more_kinds_than_are_compared_are_known_all_the_same() -> None:
    kinds = [{"a": number} for number in range(RECENT + 5)]
    whole = {f"i{number:03}": kinds[number % len(kinds)] for number in range(len(kinds) * 3)}
    decode = Counted()
    assert read(cut(json.dumps(whole).encode(), 50), decode) == whole
    assert len(decode.raws) == len(kinds)


def test_one_that_begins_like_another_is_another() -> None:
    whole: Mapping[str, Any] = {"a": {"x": {"y": 1}}, "b": {"x": {"y": 12}}, "c": {"x": {"y": 1}, "z": {}}, "d": {}}
    for size in range(1, 80):
        assert read(cut(json.dumps(whole).encode(), size)) == whole


def test_answers_of_one_start_share_what_is_known() -> None:
    decode = Counted()
    distinct = Distinct(decode, MIB)
    first, second = Entries(distinct, MIB), Entries(distinct, MIB)
    for entries, name in ((first, "a"), (second, "b")):
        entries.feed(b'{"%s":{"mappings":{}}}' % name.encode())
        entries.finish()
    assert first.found["a"] is second.found["b"]
    assert decode.raws == [b'{"mappings":{}}']


def test_an_answer_that_is_sent_again_begins_anew() -> None:
    entries = Entries(Distinct(Decoder().decode, MIB), 30)
    entries.feed(b'{"a":{"x":{')
    entries.begin()
    entries.feed(b'{"a":{},"b":{"x":{}}}')
    entries.finish()
    assert entries.found == {"a": {}, "b": {"x": {}}}


GOOD = b'{"a":{"mappings":{"properties":{"f":{"type":"long"}}}},"b":{"mappings":{}}}'


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_an_answer_that_is_cut_off_is_none(length: int) -> None:
    with pytest.raises(ClusterUnreachable, match=rf"not whole, or not JSON: it ends after {length} bytes"):
        read([GOOD[:length]])


@pytest.mark.parametrize(
    ("whole", "told"),
    [
        (b"[]", "not JSON as it should be, within its first 2 bytes"),
        (b"<html>", "not JSON as it should be"),
        (GOOD + b"{}", "not JSON as it should be"),
        (b'{,"a":{}}', "not JSON as it should be"),
        (b'{"a":{} "b":{}}', "not JSON as it should be"),
        (b'{"a":{},}', "not whole, or not JSON"),
        (b'{"a":{},"a":{}}', r"it names \[a\] twice"),
        (b'{"a":{},"\\u0061":{}}', r"it names \[a\] twice"),
        (b'{"a":1}', r"what it says of \[a\] is not an object"),
        (b'{"a":[{}]}', r"what it says of \[a\] is not an object"),
        (b'{"\xff":{}}', "not JSON as it should be"),
        (b'{"\\x":{}}', "not JSON as it should be"),
        (b'{"a":{"b":nothing}}', "is not understood"),
        (b'{"a":{"b":"\xff"}}', "is not understood"),
        (b'{"a":{"b":[}}', "is not understood"),
        (b'{"a":{"b":[}]}', "is not understood"),
        (b'{"a":{"b":1}]', "not whole, or not JSON"),
        (b'{"' + b"a" * NAME_LIMIT_BYTES, "not JSON as it should be"),
    ],
)
def test_what_is_broken_is_told(whole: bytes, told: str) -> None:
    with pytest.raises(ClusterUnreachable, match=told):
        read([whole])


def test_the_longest_name_is_one() -> None:
    name = "\\u00e9" * 255
    assert read([b'{"%s":{}}' % name.encode()]) == {"é" * 255: {}}


def nested(levels: int) -> bytes:
    """An entry of so many levels."""
    return b'{"deep":' + b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1) + b"}"


def test_nesting_has_a_limit() -> None:
    # The innermost object is passed over as a whole, and not counted.
    assert "deep" in read([nested(NESTING_LIMIT + 1)])
    with pytest.raises(Refusal, match=r"index \[deep\] nests deeper than 200 levels") as told:
        read([nested(NESTING_LIMIT + 2)])
    assert told.value.status == 400
    with pytest.raises(Refusal, match="nests deeper"):
        read([b'{"deep":{"a":' + b"[" * 1_000_000])


def test_an_answer_has_a_limit() -> None:
    assert len(read(cut(GOOD, 10), limit_bytes=len(GOOD))) == 2
    with pytest.raises(Refusal, match=rf"longer than {len(GOOD) - 1} bytes \(limits.gate.source_answer_bytes\)"):
        read(cut(GOOD, 10), limit_bytes=len(GOOD) - 1)


def test_what_is_distinct_has_a_limit_and_what_is_not_has_none() -> None:
    alike = json.dumps({f"i{number}": {"mappings": {}} for number in range(100)}).encode()
    assert len(read([alike], distinct_bytes=16)) == 100
    different = json.dumps({f"i{number}": {"m": number} for number in range(100)}).encode()
    with pytest.raises(Refusal, match=r"more than 16 bytes \(limits.gate.source_distinct_bytes\)"):
        read([different], distinct_bytes=16)
    with pytest.raises(Refusal, match="source_distinct_bytes"):  # told before it has come whole
        read([b'{"a":{"b":"' + b"x" * 20], distinct_bytes=16)


def test_an_entry_of_a_hundred_thousand_fields_is_read_once() -> None:
    """Work grows with the bytes that come, not with how often they come: pieces are not read anew with each."""
    big = {f"f.{number} ü": {"type": "long"} for number in range(100_000)}
    whole = {name: {"mappings": {"properties": big}} for name in ("a", "b")}
    decode = Counted()
    found = read(cut(json.dumps(whole).encode(), 4096), decode, limit_bytes=64 * MIB, distinct_bytes=64 * MIB)
    assert found == whole
    assert len(decode.raws) == 1
