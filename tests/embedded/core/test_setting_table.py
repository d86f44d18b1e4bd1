import pytest

from proxy.embedded.core import setting_table


@pytest.mark.parametrize(
    "name",
    [
        "index.number_of_shards",
        "index.mapping.total_fields.limit",
        "index.analysis.filter.my.type",
        "index.similarity.x.type",
        "index.routing.allocation.require.zone",
    ],
)
def test_settings_that_exist(name: str) -> None:
    assert setting_table.find(name) is not None


@pytest.mark.parametrize("name", ["index.foo", "index.analysis.", "index.number_of_shards.x", "", "index.uuid"])
def test_settings_that_do_not(name: str) -> None:
    assert setting_table.find(name) is None


def test_what_an_analysis_setting_may_not_do_and_an_allocation_one_may() -> None:
    analysis, allocation = setting_table.find("index.analysis.filter.a.b"), setting_table.find("index.merge.policy.x")
    assert analysis is not None
    assert allocation is not None
    assert (analysis.dynamic, allocation.dynamic) == (False, True)


def test_every_name_is_a_full_one_and_bounds_are_of_ints() -> None:
    for name, setting in setting_table.KNOWN.items():
        assert name.startswith("index.")
        assert setting.kind in ("int", "bool", "time", "text")
        assert setting.kind == "int" or (setting.low is None and setting.high is None)
    assert not set(setting_table.PRIVATE) & set(setting_table.KNOWN)
