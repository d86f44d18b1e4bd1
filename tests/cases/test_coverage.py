"""Which rules the cases have tried."""

from proxy.cases.coverage import coverage
from tests.rules.samples import rules


def test_a_rule_is_covered_by_both_sides() -> None:
    steps = [
        {"rule": "r.yml:4", "id": "cluster.manage_ml", "outcome": "passed"},
        {"rule": "r.yml:4", "id": "cluster.manage_ml", "outcome": "denied"},
        {"rule": "r.yml:5", "id": "source.read", "outcome": "passed"},
        {"rule": "r.yml:5", "id": "source.view_index_metadata", "outcome": "warned"},
        {"outcome": "passed"},
    ]
    found = {one.name: (one.passed, one.against, one.full) for one in coverage(rules(), steps)}
    assert found["cluster.manage_ml"] == (True, True, True)
    assert found["source.read"] == (True, False, False)
    assert found["source.view_index_metadata"] == (False, True, False)
    assert found["destination.manage"] == (False, False, False)
    assert len(found) == 7
