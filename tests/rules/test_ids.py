"""Ids: of which letters, and each once."""

import pytest

from proxy.rules.ids import Ids
from proxy.rules.source import Entry, Table, read
from proxy.rules.values import Values


def entry(value: str) -> Entry:
    """An entry `id` with this value."""
    root, faults = read(f"id: {value}\n", "f.yml")
    assert not faults
    assert isinstance(root, Table)
    return root.entries[0]


def test_each_id_once() -> None:
    values = Values()
    ids = Ids(values, "guard")
    assert [ids.take(entry(name)) for name in ("a", "pii-1.b_c", "a")] == ["a", "pii-1.b_c", "a"]
    assert [str(fault) for fault in values.faults] == ["f.yml:1:5: the id `a` is taken by the guard in f.yml:1"]


@pytest.mark.parametrize("id", ["A", "-a", "a b", "ä", "a/b", "a" * 65, '"a\\n"', '"\\x1b[31m"', "[a]", "1.5", "a'"])
def test_what_is_no_id(id: str) -> None:
    values = Values()
    assert Ids(values, "guard").take(entry(id)) is None
    assert len(values.faults) == 1
    assert values.faults[0].message.isprintable()
