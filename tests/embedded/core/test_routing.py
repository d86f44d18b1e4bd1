import pytest

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.request import Request
from proxy.embedded.core.routing import Match, Reply, Route, Router
from proxy.embedded.core.store import Store


def handler(_store: Store, _request: Request) -> Reply:
    return Reply()


def route(name: str, methods: str, *paths: str) -> Route:
    return Route(tuple(methods.split()), paths, handler, frozenset({name}))


ROUTER = Router(
    [
        route("root", "GET", "/"),
        route("index", "GET PUT DELETE HEAD", "/{index}"),
        route("bulk", "PUT POST", "/_bulk"),
        route("start", "POST", "/_ml/{id}/_start"),
        route("stats", "GET", "/_ml/_stats"),
        route("mapping", "GET", "/{index}/_mapping", "/{index}/_mappings"),
        Route(("POST",), ("/{index}/{type}",), None),
    ]
)


def name(method: str, path: str) -> str | None:
    found = ROUTER.find(method, path)
    return None if found is None else next(iter(found.route.parameters))


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/", "root"),
        ("GET", "", "root"),
        ("GET", "/a", "index"),
        ("GET", "a", "index"),
        ("GET", "/a///", "index"),
        ("GET", "//a", None),
        ("GET", "/_bulk", None),
        ("POST", "/_bulk", "bulk"),
        ("POST", "/%5fbulk", None),
        ("POST", "/_ml/x/_start", "start"),
        ("POST", "/_ml/_stats/_start", "start"),
        ("POST", "/_ml//_start", "start"),
        ("GET", "/_ml/_stats", "stats"),
        ("GET", "/a/_mappings", "mapping"),
        ("GET", "/a//_mapping", None),
        ("GET", "/a/b/c", None),
        ("POST", "/a/b", None),
        ("PATCH", "/a", None),
    ],
)
def test_routes(method: str, path: str, wanted: str | None) -> None:
    assert name(method, path) == wanted


def values(found: Match | None) -> dict[str, str]:
    assert found is not None
    return found.values


def test_named_parts_are_decoded_once() -> None:
    assert values(ROUTER.find("POST", "/_ml/a%2Fb%252F%%/_start")) == {"id": "a/b%2F%"}
    assert values(ROUTER.find("POST", "/_ml/x+y/_start")) == {"id": "x+y"}
    assert values(ROUTER.find("POST", "/_ml//_start")) == {"id": ""}
    with pytest.raises(ElasticError):
        ROUTER.find("GET", "/%zz")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/a", ["GET", "PUT", "DELETE", "HEAD"]), ("/_bulk", ["POST", "PUT"]), ("/a/b", ["POST"]), ("/a/b/c", [])],
)
def test_allowed_methods_in_elasticsearchs_order(path: str, wanted: list[str]) -> None:
    assert ROUTER.allowed(path) == wanted


def test_two_routes_for_one_call_are_a_fault_of_the_table() -> None:
    with pytest.raises(ValueError, match="two routes for GET /\\{b\\}"):
        Router([route("a", "GET", "/{a}"), route("b", "GET", "/{b}")])
