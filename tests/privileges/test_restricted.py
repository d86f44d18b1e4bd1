"""Restricted index names."""

import pytest

from proxy.privileges.restricted import RESTRICTED, is_restricted, reaches_restricted, restricted_language


@pytest.mark.parametrize(
    "name",
    [
        ".security",
        ".security-7",
        ".security-7-reindexed",
        ".security-tokens-7",
        ".security-profile-8",
        ".kibana",
        ".kibana_8.15.3_001",
        ".async-search",
        ".ml-config",
        ".ml-inference-000005",
        ".ml-meta",
        ".fleet-actions-7",
        ".fleet-policies-7",
        ".tasks",
        ".watches",
        ".enrich-x",
        ".transform-internal-007",
    ],
)
def test_system_indices_are_restricted(name: str) -> None:
    assert is_restricted(name)


@pytest.mark.parametrize(
    "name",
    [
        "logs",
        ".hidden",
        ".ml-anomalies-x",
        ".ml-notifications-000002",
        ".ml-annotations-000001",
        ".ml-state",
        ".ml-stats-000001",
        ".securityx",
        ".security-x",
        ".kibana-event-log",
        ".ds-logs-1",
        ".fleet-policies-x",
    ],
)
def test_hidden_and_result_indices_are_not(name: str) -> None:
    assert not is_restricted(name)


def test_the_language_is_that_of_the_list() -> None:
    assert all(restricted_language().matches(name.replace("*", "x")) for name in RESTRICTED)


@pytest.mark.parametrize(
    "pattern", [".*", ".k*", ".ml-*", ".?ibana", ".security-7*", ".kibana_8.1*", ".ds-*", ".*" + "a*?" * 30]
)
def test_patterns_that_reach_for_them(pattern: str) -> None:
    assert reaches_restricted(pattern)


@pytest.mark.parametrize(
    "pattern", ["*", "logs-*", ".alerts-*", ".ds-logs-*", ".security-7", ".ml-anomalies-*", ".kibana-event-log-*", ""]
)
def test_other_names_and_patterns_do_not(pattern: str) -> None:
    assert not reaches_restricted(pattern)
