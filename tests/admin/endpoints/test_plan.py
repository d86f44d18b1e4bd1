"""The table of endpoints about jobs: each calls its view with what it was given."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.admin.api import Call, Endpoint, Role, Viewer
from proxy.admin.endpoints.plan import endpoints, peer_of
from proxy.admin.shown.plan import JobsQuery
from proxy.admin.views.plan import PlanView
from tests.admin.endpoints.test_rules import View
from tests.admin.views.asking import READER


def request(name: object) -> Any:
    """A request of a peer of this name."""
    transport = None if name is None else SimpleNamespace(get_extra_info={"peername": name}.get)
    return SimpleNamespace(transport=transport)


def table(view: View) -> dict[str, Endpoint]:
    """The endpoints by path; a start with the receipt r1 is of the job j1."""

    async def start(viewer: Viewer, receipt: str) -> Any:
        assert (viewer, receipt) == (READER, "r1")
        return SimpleNamespace(row=SimpleNamespace(job="j1"))

    return {one.path: one for one in endpoints(cast(PlanView, view), start)}


@pytest.mark.parametrize(
    ("path", "parts", "asked"),
    [
        ("/v1/jobs", {}, ("jobs", READER, JobsQuery(id="a*"))),
        ("/v1/jobs/{id}/plan", {"id": "j1"}, ("plan", READER, "j1", "192.0.2.7:1")),
        ("/v1/starts/{receipt}/progress", {"receipt": "r1"}, ("progress", READER, "j1")),
    ],
)
async def test_each_endpoint_asks_its_view(path: str, parts: dict[str, str], asked: tuple[Any, ...]) -> None:
    view = View()
    call = Call(viewer=READER, path=parts, query=JobsQuery(id="a*"), body=None, request=request(("192.0.2.7", 1)))
    endpoint = table(view)[path]
    assert await endpoint.handler(call) == asked[0]
    assert view.asked == [asked]
    assert endpoint.role is Role.OWN
    assert not endpoint.changes


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (("192.0.2.7", 4711), "192.0.2.7:4711"),
        (("2001:db8::1", 4711, 0, 0), "[2001:db8::1]:4711"),
        ("", ""),
        ((), ""),
        (b"", ""),
        (None, ""),
    ],
)
def test_where_a_viewer_is_connected_from(name: object, told: str) -> None:
    assert peer_of(request(name)) == told
