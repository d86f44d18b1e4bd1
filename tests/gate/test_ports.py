"""Whether an index is the one that was made: by its name, and by all of the `_meta` that was sent."""

from typing import Any

import pytest

from proxy.gate.ports import IndexState

META = {"analytics": "outliers", "creation_date_in_millis": 5, "version": {"created": "12.0.0"}}


@pytest.mark.parametrize(
    ("name", "mappings", "made"),
    [
        ("out", {"_meta": META}, True),
        # Templates add to it.
        ("out", {"_meta": {**META, "managed_by": "fleet"}}, True),
        ("out", {"_meta": {**META, "version": {"created": "12.0.0", "more": 1}}}, True),
        ("out", {"_meta": {**META, "version": {"created": "10.0.0"}}}, False),
        ("out", {"_meta": {**META, "version": "12.0.0"}}, False),
        ("out", {"_meta": {**META, "analytics": "others"}}, False),
        ("out", {"_meta": {name: value for name, value in META.items() if name != "analytics"}}, False),
        ("out", {"_meta": None}, False),
        ("out", {"_meta": {}}, False),
        ("out", {"_meta": "x"}, False),
        ("out", {}, False),
        # What was asked for is an alias of it.
        ("out-000001", {"_meta": META}, False),
    ],
)
def test_an_index_is_known_by_its_name_and_all_that_was_sent(name: str, mappings: Any, made: bool) -> None:
    assert IndexState(name=name, uuid="u", mappings=mappings).is_made("out", META) is made
