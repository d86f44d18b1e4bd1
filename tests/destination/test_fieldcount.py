"""How many fields an index may have."""

from typing import Any

import pytest

from proxy.destination.fieldcount import DEFAULT_LIMIT, LIMIT, check_field_count
from proxy.errors import Refusal


def fields(count: int) -> dict[str, Any]:
    """A mapping with so many fields."""
    return {"dynamic": False, "properties": {f"f{number}": {"type": "long"} for number in range(count)}}


@pytest.mark.parametrize("settings", [{}, {LIMIT: 1000}, {LIMIT: "1000"}])
def test_the_default_is_elasticsearchs_own(settings: dict[str, Any]) -> None:
    assert DEFAULT_LIMIT == 1000
    check_field_count(settings, fields(1000))
    with pytest.raises(Refusal) as refused:
        check_field_count(settings, fields(1001))
    told = refused.value
    # As a node of 8.15 answered when it was asked to make such an index.
    assert (told.status, told.type) == (400, "illegal_argument_exception")
    assert told.reason == "Limit of total fields [1000] has been exceeded"


def test_a_limit_that_is_set_holds() -> None:
    check_field_count({LIMIT: "1001"}, fields(1001))
    with pytest.raises(Refusal, match=r"^Limit of total fields \[2\] has been exceeded$"):
        check_field_count({LIMIT: 2}, fields(3))


@pytest.mark.parametrize("mappings", [{}, {"runtime": {"a": {"type": "long"}, "b": {"type": "long"}}}])
def test_fields_alone_count(mappings: dict[str, Any]) -> None:
    check_field_count({LIMIT: 1}, mappings)


def test_a_limit_that_is_no_number_is_for_the_cluster_to_refuse() -> None:
    check_field_count({LIMIT: "many"}, fields(2000))
