"""The `require` part of a rule file."""

import pytest

from proxy.rules.compiled import Origin, Requirement
from proxy.rules.requirements import requirements
from proxy.rules.source import Entry, Table, read
from proxy.rules.values import Values

LISTS = {
    "cluster": "[manage_ml]",
    "source": "[read, view_index_metadata]",
    "destination": "[read, create_index, manage, index]",
}


def run(**lists: str | None) -> tuple[dict[str, tuple[Requirement, ...]], list[str]]:
    """What is required, and the faults, of a `require` with these lists; None leaves a list out."""
    body = ", ".join(f"{key}: {value}" for key, value in {**LISTS, **lists}.items() if value is not None)
    return run_text(f"require: {{{body}}}")


def run_text(text: str) -> tuple[dict[str, tuple[Requirement, ...]], list[str]]:
    """What is required, and the faults, of a section's text."""
    root, _ = read(text, "r.yml")
    assert isinstance(root, Table)
    values = Values()
    section = Entry(mark=root.mark, key="start_data_frame_analytics", value=root)
    require = next((entry for entry in root.entries if entry.key == "require"), None)
    return requirements(values, section, require), [fault.message for fault in values.faults]


def test_the_documented_lists() -> None:
    found, faults = run()
    assert not faults
    assert [item.privilege for item in found["destination"]] == ["read", "create_index", "manage", "index"]
    assert found["cluster"] == (Requirement("manage_ml", Origin("r.yml", 1)),)


@pytest.mark.parametrize(
    "lists",
    [
        {"cluster": "[all]"},
        {"cluster": "[MANAGE]"},
        {"cluster": "[monitor, manage_ml]"},
        {"cluster": "['cluster:admin/xpack/ml/*']"},
        {"source": "[all]"},
        {"source": "[read, manage]"},
        {"source": "['indices:data/read/*', 'indices:admin/mappings/get']"},
        {"destination": "[all]"},
        {"destination": "[read, index, create_index, view_index_metadata]"},
        {"destination": "[read, write, manage, delete_index]"},
    ],
)
def test_other_lists_that_are_enough(lists: dict[str, str]) -> None:
    found, faults = run(**lists)
    assert not faults
    assert all(item.privilege == item.privilege.lower() for items in found.values() for item in items)


@pytest.mark.parametrize(
    ("lists", "fault"),
    [
        ({"cluster": None}, "`require.cluster` is missing; Elasticsearch documents `cluster: [manage_ml]`"),
        (
            {"source": None},
            "`require.source` is missing; Elasticsearch documents `source: [read, view_index_metadata]`",
        ),
        (
            {"destination": "[]"},
            "`require.destination` is empty, so it would require nothing; "
            "Elasticsearch documents `destination: [read, create_index, manage, index]`",
        ),
        (
            {"cluster": "[monitor_ml]"},
            "`require.cluster` must include a privilege that allows "
            "[cluster:admin/xpack/ml/data_frame/analytics/start]; Elasticsearch documents `cluster: [manage_ml]`",
        ),
        (
            {"source": "[read]"},
            "`require.source` must include a privilege that allows [indices:admin/mappings/get]; "
            "Elasticsearch documents `source: [read, view_index_metadata]`",
        ),
        (
            {"destination": "[read, create_index, manage]"},
            "`require.destination` must include a privilege that allows [indices:data/write/bulk]; "
            "Elasticsearch documents `destination: [read, create_index, manage, index]`",
        ),
        ({"cluster": "[manage_ml, none]"}, "`none` allows no action, so to require it requires nothing"),
        ({"source": "[read, view_index_metadata, READ]"}, "`READ` is there twice"),
        ({"source": "manage"}, "`source` must be a list, such as [a, b]"),
        ({"source": "[[read]]"}, "`source` takes text here, not a list"),
        ({"source": "[no]"}, "`source` takes text, but YAML reads `no` as bool; put it in quotes"),
    ],
)
def test_faults(lists: dict[str, str | None], fault: str) -> None:
    _, faults = run(**lists)
    assert faults == [fault]


@pytest.mark.parametrize(
    ("lists", "start", "end"),
    [
        ({"cluster": "[manage_mll]"}, "unknown cluster privilege [manage_mll].", "(did you mean 'manage_ml'?)"),
        ({"source": "[raed]"}, "unknown index privilege [raed].", "(did you mean 'read'?)"),
        ({"source": "[manage_ml]"}, "unknown index privilege [manage_ml].", "actions"),
    ],
)
def test_unknown_names(lists: dict[str, str], start: str, end: str) -> None:
    _, faults = run(**lists)
    assert len(faults) == 1
    assert faults[0].startswith(start)
    assert end in faults[0]


def test_all_faults_at_once() -> None:
    _, faults = run(cluster="[monitor]", source="[]", destination=None)
    assert len(faults) == 3


def test_no_require_at_all_is_said_once() -> None:
    found, faults = run_text("authority: cluster")
    assert faults == ["`require` is missing; it lists the privileges for `cluster`, `source`, `destination`"]
    assert not any(found.values())


@pytest.mark.parametrize("text", ["require: [manage_ml]", "require: manage_ml", "require:"])
def test_require_of_another_form_is_said_once(text: str) -> None:
    _, faults = run_text(text)
    assert faults == ["`require` must be a mapping with the keys `cluster`, `source`, `destination`"]


def test_an_empty_require_misses_every_list() -> None:
    _, faults = run_text("require: {}")
    assert [fault.partition(";")[0] for fault in faults] == [
        f"`require.{name}` is missing" for name in ("cluster", "source", "destination")
    ]
