"""The table of panels: what it asks for, records may have."""

import re

import pytest

from proxy.journal.fields import FIELDS
from proxy.ship.panels import DENIED, GRID, PANELS, RESULTS, STARTS


@pytest.mark.parametrize("query", sorted({*(panel.query for panel in PANELS), *RESULTS.values(), STARTS, DENIED}))
def test_each_query_asks_for_values_that_a_field_may_have(query: str) -> None:
    found = re.findall(r"([@\w.]+): ([\w-]+)", query)
    assert len(found) == query.count(":"), "each of them is one field and one value"
    for name, value in found:
        allowed = FIELDS[name].of
        assert not allowed or value in allowed, (name, value)


def test_results_leave_out_no_start_and_take_none_twice() -> None:
    """Of each outcome that a record may have, with and without a verdict, exactly one result."""
    for outcome in FIELDS["event.outcome"].of:
        for allowed in ("true", "false", None):
            facts = {"event.outcome": outcome, "startgate.verdict.allowed": allowed}
            assert sum(holds(query, facts) for query in RESULTS.values()) == 1, facts


def holds(query: str, facts: dict[str, str | None]) -> bool:
    """Whether a record with these values answers; `and` and `not` are all that these queries know."""
    parts = [[*part.removeprefix("not ").split(": "), part.startswith("not ")] for part in query.split(" and ")]
    return all((facts[str(name)] == value) is not negated for name, value, negated in parts)


def test_names_are_unique_and_no_panel_is_wider_than_the_grid() -> None:
    assert len({panel.name for panel in PANELS}) == len(PANELS)
    assert all(0 < panel.width <= GRID and panel.height > 0 for panel in PANELS)


def test_each_panel_says_what_it_shows() -> None:
    assert all(panel.title and panel.about.endswith(".") and panel.query for panel in PANELS)
