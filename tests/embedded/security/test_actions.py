"""Paths to actions."""

import pytest

from proxy.embedded.security.actions import RULES, Rule


def rule(method: str, path: str) -> Rule | None:
    found = RULES.match(method, path)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("method", "path", "action", "names"),
    [
        ("GET", "/", "cluster:monitor/main", "none"),
        ("GET", "/_cluster/health", "cluster:monitor/health", "none"),
        ("PUT", "/i", "indices:admin/create", "path"),
        ("HEAD", "/i", "indices:admin/get", "path"),
        ("DELETE", "/i", "indices:admin/delete", "path"),
        ("GET", "/i/_mapping", "indices:admin/mappings/get", "path"),
        ("PUT", "/i/_mapping", "indices:admin/mapping/put", "path"),
        ("GET", "/_settings", "indices:monitor/settings/get", "path"),
        ("POST", "/i/_search", "indices:data/read/search", "path"),
        ("GET", "/_count", "indices:data/read/search", "path"),
        ("GET", "/logs/_stats/docs", "indices:monitor/stats", "path"),
        ("POST", "/_bulk", "indices:data/write/bulk", "bulk"),
        ("PUT", "/i/_doc/1", "indices:data/write/index", "path"),
        ("GET", "/_resolve/index/i*", "indices:admin/resolve/index", "path"),
        ("POST", "/_aliases", "indices:admin/aliases", "aliases"),
    ],
)
def test_known(method: str, path: str, action: str, names: str) -> None:
    found = rule(method, path)
    assert found is not None
    assert (found.action, found.names) == (action, names)


@pytest.mark.parametrize(("method", "path"), [("GET", "/_nothing/like/this"), ("PATCH", "/i")])
def test_unknown(method: str, path: str) -> None:
    assert rule(method, path) is None


def test_every_path_rule_can_be_filled_in_again() -> None:
    for path in ("/_search", "/_mapping", "/_cat/indices", "/i/_search", "/_alias/a"):
        found = rule("GET", path)
        assert found is not None
        assert "{index}" in found.template
