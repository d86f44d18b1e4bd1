"""What the cluster is asked to make, by its version."""

import pytest

from proxy.ship.templates import Call, calls

STREAM = "startgate-audit"


def paths(version: str) -> list[str]:
    return [call.path for call in calls(STREAM, 365, version)]


def by_path(version: str, path: str, keep_days: int = 365) -> Call:
    (found,) = [call for call in calls(STREAM, keep_days, version) if call.path == path]
    return found


@pytest.mark.parametrize("version", ["8.11.0", "8.15.3", "8.19.0-SNAPSHOT", "9.0.0", "9.1.0", "10.2.1"])
def test_a_stream_looks_after_itself_from_8_11_on(version: str) -> None:
    assert paths(version) == [
        "/_component_template/startgate-audit-mappings",
        "/_component_template/startgate-audit-settings",
        "/_index_template/startgate-audit",
        "/_data_stream/startgate-audit",
    ]
    assert by_path(version, f"/_index_template/{STREAM}").body["template"] == {"lifecycle": {"data_retention": "365d"}}
    assert (
        "lifecycle"
        not in by_path(version, f"/_component_template/{STREAM}-settings").body["template"]["settings"]["index"]
    )


@pytest.mark.parametrize("version", ["7.17.24", "8.0.0", "8.10.4", "8.9.2"])
def test_a_policy_does_before(version: str) -> None:
    assert paths(version)[0] == "/_ilm/policy/startgate-audit"
    phases = by_path(version, f"/_ilm/policy/{STREAM}").body["policy"]["phases"]
    assert phases["delete"] == {"min_age": "365d", "actions": {"delete": {}}}
    assert "rollover" in phases["hot"]["actions"]
    assert "template" not in by_path(version, f"/_index_template/{STREAM}").body
    settings = by_path(version, f"/_component_template/{STREAM}-settings").body["template"]["settings"]
    assert settings["index"]["lifecycle"] == {"name": STREAM}


def test_for_ever_is_without_an_end() -> None:
    assert by_path("8.15.3", f"/_index_template/{STREAM}", 0).body["template"] == {"lifecycle": {}}
    assert "delete" not in by_path("7.17.24", f"/_ilm/policy/{STREAM}", 0).body["policy"]["phases"]


def test_the_template_is_of_this_stream_alone() -> None:
    body = by_path("8.15.3", f"/_index_template/{STREAM}").body
    assert body["index_patterns"] == [STREAM]
    assert body["data_stream"] == {}
    assert body["composed_of"] == [f"{STREAM}-mappings", f"{STREAM}-settings"]


def test_what_is_no_version_is_taken_for_an_old_one() -> None:
    assert paths("unknown")[0].startswith("/_ilm/")
