"""The table of fields: one meaning for each name, and names that Elasticsearch can map."""

import re

import pytest

from proxy.journal.fields import FIELDS, TABLE, Field, Kind

ECS = frozenset(
    {
        *(
            "@timestamp",
            "client",
            "ecs",
            "event",
            "http",
            "labels",
            "network",
            "source",
            "span",
            "tags",
            "tls",
            "trace",
        ),
        *("trace", "url", "user", "user_agent"),
    }
)


def test_no_name_stands_twice() -> None:
    names = [one.name for part in TABLE.values() for one in part]
    assert sorted(names) == sorted(FIELDS)


@pytest.mark.parametrize("one", FIELDS.values(), ids=lambda one: one.name)
def test_fields_are_told(one: Field) -> None:
    assert re.fullmatch(r"@timestamp|[a-z_0-9]+(\.[a-z_0-9]+)*", one.name)
    assert one.name.partition(".")[0] in ECS | {"startgate"}
    assert one.means == one.means.strip(" .")
    assert "|" not in one.means, "it would end the cell of the document's table"
    assert re.fullmatch(r"\d+\.\d+\.\d+", one.since)


@pytest.mark.parametrize("one", FIELDS.values(), ids=lambda one: one.name)
def test_what_holds_others_is_a_list_of_objects(one: Field) -> None:
    """Elasticsearch cannot map a name as a value and as an object."""
    under = [name for name in FIELDS if name.startswith(f"{one.name}.")]
    assert bool(under) == (one.kind is Kind.OBJECTS)


def test_values_are_of_keywords() -> None:
    assert {one.kind for one in FIELDS.values() if one.of} <= {Kind.KEYWORD, Kind.KEYWORDS}
