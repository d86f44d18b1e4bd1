"""Definitions that cannot live in one index, in Elasticsearch's words."""

import pytest

from proxy.destination.conflict import Collected, Conflict, ConflictKind, Definition, refuse_first
from proxy.errors import Refusal


def conflict(kind: ConflictKind, field: str, **values: object) -> Conflict:
    """A conflict between indices by name."""
    definitions = tuple(Definition(index=name, value=value) for name, value in values.items())
    return Conflict(kind=kind, field=field, definitions=definitions)


def test_text_of_a_field() -> None:
    found = conflict(ConflictKind.PROPERTIES, "f", a={"type": "keyword"}, b={"type": "long"}, c={"type": "ip"})
    assert found.text == (
        "cannot merge [properties] mappings because of differences for field [f]; "
        "mapped as [{type=long}] in index [b]; mapped as [{type=keyword}] in index [a]"
    )


def test_text_of_a_runtime_field() -> None:
    found = conflict(ConflictKind.RUNTIME, "r", a={"type": "keyword", "script": {"source": "x"}}, b={"type": "long"})
    assert found.text == (
        "cannot merge [runtime] mappings because of differences for field [r]; "
        "mapped as [{type=long}] in index [b]; mapped as [{type=keyword, script={source=x}}] in index [a]"
    )


def test_text_of_a_setting() -> None:
    first, second = {"type": "stemmer", "name": "light_english"}, {"type": "foobarbaz", "list": ["ä", "b"]}
    found = conflict(ConflictKind.SETTINGS, "index.analysis.filter.en", index_1=first, index_2=second)
    assert found.text == (
        "cannot merge settings because of differences for index.analysis.filter.en; "
        'specified as [{"name":"light_english","type":"stemmer"}] in index [index_1]; '
        'specified as [{"list":["ä","b"],"type":"foobarbaz"}] in index [index_2]'
    )


def test_refuse_first_raises_the_first_text_only() -> None:
    refuse_first(())
    first = conflict(ConflictKind.PROPERTIES, "f", a=1, b=2)
    with pytest.raises(Refusal) as caught:
        refuse_first((first, conflict(ConflictKind.PROPERTIES, "g", a=1, b=2)))
    assert (caught.value.status, caught.value.type, caught.value.reason) == (400, "status_exception", first.text)


def test_each_distinct_value_is_kept_once_with_its_first_index() -> None:
    collected = Collected(ConflictKind.PROPERTIES)
    collected.add("a", {"f": {"type": "long", "index": True}})
    collected.add("b", {"f": {"index": True, "type": "long"}})
    collected.add("c", {"f": {"type": "ip"}})
    collected.add("a", {"g": {"type": "ip"}})
    assert collected.conflicts() == (
        conflict(ConflictKind.PROPERTIES, "f", a={"type": "long", "index": True}, c={"type": "ip"}),
    )
    with pytest.raises(Refusal):
        collected.merged()


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (True, 1), ("1", 1), (None, "null"), ([1, 2], [2, 1])])
def test_types_and_order_of_lists_matter(one: object, other: object) -> None:
    collected = Collected(ConflictKind.PROPERTIES)
    collected.add("a", {"f": {"p": one}})
    collected.add("b", {"f": {"p": other}})
    assert len(collected.conflicts()) == 1


def test_merged_is_in_the_order_in_which_names_came() -> None:
    collected = Collected(ConflictKind.PROPERTIES)
    collected.add("a", {"z": 1})
    collected.add("b", {"b": 2, "z": 1})
    assert list(collected.merged().items()) == [("z", 1), ("b", 2)]


def test_a_refusal_is_about_the_first_name_and_its_first_two_definitions() -> None:
    collected = Collected(ConflictKind.RUNTIME)
    collected.add("a", {"z": {"type": "long"}, "same": {"type": "ip", "script": "x"}})
    collected.add("b", {"z": {"type": "ip"}, "f": {"type": "date"}, "same": {"script": "x", "type": "ip"}})
    collected.add("c", {"f": {"type": "date"}})
    collected.add("d", {"f": {"type": "long"}})
    collected.add("e", {"f": {"type": "ip"}})
    assert collected.conflicts() == (
        conflict(ConflictKind.RUNTIME, "f", b={"type": "date"}, d={"type": "long"}, e={"type": "ip"}),
        conflict(ConflictKind.RUNTIME, "z", a={"type": "long"}, b={"type": "ip"}),
    )
    with pytest.raises(Refusal) as caught:
        collected.merged()
    assert caught.value.reason == conflict(ConflictKind.RUNTIME, "f", b={"type": "date"}, d={"type": "long"}).text


def test_a_refusal_prints_no_more_than_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing is what costs: of many fields with many definitions each, two definitions of the first are printed."""
    printed: list[object] = []

    def dumps(value: object, **options: object) -> str:
        printed.append((value, options))
        return repr(value)

    monkeypatch.setattr("proxy.destination.conflict.json.dumps", dumps)
    collected = Collected(ConflictKind.PROPERTIES)
    for number in range(100):
        collected.add(f"i{number:03}", {f"f{field}": {"n": number, "f": field} for field in range(10)})
    with pytest.raises(Refusal, match=r"mapped as \[\{n=1, f=0\}\] in index \[i001\]"):
        collected.merged()
    assert printed == [({"n": number, "f": 0}, {"sort_keys": True}) for number in (0, 1)]
    assert len(collected.conflicts()) == 10
    assert len(printed) == 1000, "what was printed once is not printed again"
    assert len(collected.conflicts()) == 10
    assert len(printed) == 1000
