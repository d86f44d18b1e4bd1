"""Paths to values, as Elasticsearch's router tells them apart."""

import pytest

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.routes import Routes


@pytest.fixture
def table() -> Routes[str]:
    routes: Routes[str] = Routes()
    routes.add(["GET"], "/", "root")
    routes.add(["GET"], "/a/{id}", "get")
    routes.add(["POST"], "/a/{id}/_start", "start")
    routes.add(["GET"], "/a/_stats", "stats")
    routes.add(["PUT", "GET"], "/{index}", "index")
    return routes


@pytest.mark.parametrize(
    ("method", "path", "value", "variables"),
    [
        ("GET", "/", "root", {}),
        ("GET", "", "root", {}),
        ("GET", "/a/x", "get", {"id": "x"}),
        ("GET", "a/x", "get", {"id": "x"}),
        ("GET", "/a/x///", "get", {"id": "x"}),
        ("GET", "/a/_stats", "stats", {}),
        ("POST", "/a/_stats/_start", "start", {"id": "_stats"}),
        ("POST", "/a//_start", "start", {"id": ""}),
        ("POST", "/a/%66oo/_start", "start", {"id": "foo"}),
        ("POST", "/a/a%2Fb/_start", "start", {"id": "a/b"}),
        ("POST", "/a/a%252Fb/_start", "start", {"id": "a%2Fb"}),
        ("POST", "/a/x#/_start", "start", {"id": "x#"}),
        ("PUT", "/a", "index", {"index": "a"}),
    ],
)
def test_leads_to(table: Routes[str], method: str, path: str, value: str, variables: dict[str, str]) -> None:
    found = table.match(method, path)
    assert found is not None
    assert (found.value, dict(found.variables)) == (value, variables)


@pytest.mark.parametrize("path", ["/a/x/y", "//a/x", "/A/x/_start", "/a/x/%5Fstart", "/a//x/_start", "/b/x"])
def test_leads_nowhere(table: Routes[str], path: str) -> None:
    assert table.match("POST", path) is None


def test_other_methods_are_named(table: Routes[str]) -> None:
    found = table.match("DELETE", "/a")
    assert found is not None
    assert (found.value, found.allowed) == (None, ("GET", "PUT"))


def test_broken_escapes_are_refused(table: Routes[str]) -> None:
    with pytest.raises(ElasticError, match=r"invalid escape sequence `%zz' at index 3 of: /a/%zz/_start"):
        table.match("POST", "/a/%zz/_start")


def test_the_same_pair_twice_is_a_fault(table: Routes[str]) -> None:
    with pytest.raises(ValueError, match="twice"):
        table.add(["GET"], "/a/{other}", "again")
