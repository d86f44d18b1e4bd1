"""Calls are named as Elasticsearch's API specification names them, and by no index or job."""

import pytest

from proxy.tracing.calls import OPERATIONS, operation_of

CALLS = [
    ("GET", "/", "info", {}),
    ("GET", "/_security/_authenticate", "security.authenticate", {}),
    ("POST", "/_security/user/_has_privileges", "security.has_privileges", {}),
    ("GET", "/_security/role/a,b", "security.get_role", {"name": "a,b"}),
    ("GET", "/_security/api_key?id=k&with_limited_by=true", "security.get_api_key", {}),
    (
        "GET",
        "/_security/service/elastic/kibana",
        "security.get_service_accounts",
        {"namespace": "elastic", "service": "kibana"},
    ),
    ("GET", "/_ml/data_frame/analytics?size=10", "ml.get_data_frame_analytics", {}),
    ("GET", "/_ml/data_frame/analytics/j", "ml.get_data_frame_analytics", {"id": "j"}),
    ("GET", "/_ml/data_frame/analytics/_stats?size=9", "ml.get_data_frame_analytics_stats", {}),
    ("GET", "/_ml/data_frame/analytics/j/_stats", "ml.get_data_frame_analytics_stats", {"id": "j"}),
    ("POST", "/_ml/data_frame/analytics/j/_start?timeout=1m", "ml.start_data_frame_analytics", {"id": "j"}),
    ("POST", "/_ml/data_frame/analytics/j/_start///", "ml.start_data_frame_analytics", {"id": "j"}),
    ("POST", "/_ml/data_frame/analytics/j/_stop", "ml.stop_data_frame_analytics", {"id": "j"}),
    ("GET", "/_resolve/index/a*,b", "indices.resolve_index", {"name": "a*,b"}),
    ("POST", "/_index_template/_simulate_index/out", "indices.simulate_index_template", {"name": "out"}),
    ("GET", "/_index_template?filter_path=x", "indices.get_index_template", {}),
    ("GET", "/_template?flat_settings=true", "indices.get_template", {}),
    ("GET", "/a,b/_mapping?allow_no_indices=true", "indices.get_mapping", {"index": "a,b"}),
    ("GET", "/a/_settings/index.uuid?x=1", "indices.get_settings", {"index": "a", "name": "index.uuid"}),
    ("PUT", "/out/_settings", "indices.put_settings", {"index": "out"}),
    ("PUT", "/out/_block/write", "indices.add_block", {"index": "out", "block": "write"}),
    ("GET", "/out/_alias", "indices.get_alias", {"index": "out"}),
    ("GET", "/out/_stats/docs?level=shards", "indices.stats", {"index": "out", "metric": "docs"}),
    ("GET", "/out/_count", "count", {"index": "out"}),
    ("GET", "/%3Cout-%7Bnow%2Fd%7D%3E?flat_settings=true", "indices.get", {"index": "<out-{now/d}>"}),
    ("PUT", "/out", "indices.create", {"index": "out"}),
    ("DELETE", "/out", "indices.delete", {"index": "out"}),
]


@pytest.mark.parametrize(("method", "target", "name", "parameters"), CALLS)
def test_a_call_is_named(method: str, target: str, name: str, parameters: dict[str, str]) -> None:
    found = operation_of(method, target)
    assert (found.name, dict(found.parameters)) == (name, parameters)
    assert found.index == parameters.get("index", "")
    assert found.looks == (method == "GET")


def test_each_entry_of_the_table_is_reached() -> None:
    """One that an entry above it hides would never be used."""
    for name, method, path in OPERATIONS:
        target = "/" + "/".join(piece.strip("{}") if piece.startswith("{") else piece for piece in path.split("/"))
        assert operation_of(method, target).name == name, path


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/_cat/nodes"), ("POST", "/"), ("HEAD", "/a"), ("PUT", "/_all/_unheard"), ("GET", "//_mapping")],
)
def test_what_the_table_has_not_is_named_by_its_method(method: str, target: str) -> None:
    found = operation_of(method, target)
    assert (found.name, found.parameters, found.index) == (method, (), "")
