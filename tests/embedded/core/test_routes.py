import pytest

from proxy.embedded.core.request import COMMON
from proxy.embedded.core.routes import ROUTER, ROUTES
from proxy.embedded.core.routing import Route
from tests.embedded.core.support import Client, Json

SERVED = [route for route in ROUTES if route.handler is not None]
BODIES: tuple[Json, ...] = (None, {}, "[]", "{", "\n", '{"actions": 1}', '{"query": 3, "docs": [1], "mappings": 7}')


def _name(route: Route) -> str:
    return f"{route.methods[0]} {route.paths[0]}"


def test_no_route_lists_a_parameter_that_all_accept() -> None:
    for route in ROUTES:
        assert not route.parameters & set(COMMON), route.paths


@pytest.mark.parametrize("route", SERVED, ids=_name)
def test_every_route_is_reached_and_refuses_what_it_does_not_read(route: Route) -> None:
    client = Client()
    for path in route.paths:
        target = path.replace("{", "").replace("}", "")
        for method in route.methods:
            found = ROUTER.find(method, target)
            assert found is not None, target
            assert found.route is route
            answer = client.call(method, f"{target}?no_such_parameter")
            assert answer.status == 400
            if method != "HEAD":
                assert "contains unrecognized parameter: [no_such_parameter]" in answer.reason


@pytest.mark.parametrize("route", SERVED, ids=_name)
def test_no_route_breaks_on_an_empty_cluster_or_an_odd_body(route: Route) -> None:
    for path in route.paths:
        target = path.replace("{", "").replace("}", "")
        for method in route.methods:
            for body in BODIES:
                assert Client().call(method, target, body).status in (200, 201, 400, 404, 405, 408, 500)
