"""The mapping is the table of fields, nested."""

from typing import Any

from proxy.journal.fields import FIELDS, Kind
from proxy.ship.mapping import mapping


def leaf(name: str) -> Any:
    """What the mapping holds under a dotted name."""
    level: Any = {"properties": mapping()["properties"]}
    for piece in name.split("."):
        level = level["properties"][piece]
    return level


def test_every_field_of_the_table_is_mapped() -> None:
    for name, field in FIELDS.items():
        assert ("properties" in leaf(name)) == (field.kind is Kind.OBJECTS), name


def test_types() -> None:
    assert leaf("@timestamp") == {"type": "date"}
    assert leaf("startgate.chain.seq") == {"type": "long"}
    assert leaf("startgate.chain.journal")["type"] == "keyword"
    assert leaf("source.ip") == {"type": "ip"}
    assert leaf("startgate.verdict.allowed") == {"type": "boolean"}
    assert leaf("startgate.situation") == {"type": "object", "enabled": False}
    assert leaf("startgate.verdict.reasons.text")["type"] == "keyword"


def test_nothing_is_mapped_by_guesses() -> None:
    assert mapping()["dynamic"] is False


def test_it_stays_below_the_limit_of_an_index() -> None:
    """index.mapping.total_fields.limit is 1,000, objects counted."""

    def count(properties: dict[str, Any]) -> int:
        return sum(1 + count(one.get("properties", {})) for one in properties.values())

    assert count(mapping()["properties"]) < 700
