"""`/v1/traffic`."""

import msgspec

from proxy.admin.api import Role
from proxy.admin.endpoints.traffic import endpoints
from proxy.admin.shown.traffic import Traffic
from proxy.admin.views.traffic import TrafficView
from proxy.metrics.collector import Collector
from proxy.metrics.snapshot import Snapshot
from tests.admin.endpoints.calling import calling
from tests.admin.views.reading import ANNA, READ


def view() -> TrafficView:
    """Of nothing that passes."""
    return TrafficView(Collector(), lambda: Snapshot(process="admin", pid=1, began_ns=0), ("gate",))


async def test_it_is_shown_to_who_may_read() -> None:
    async with calling(endpoints(view()), READ) as client, client.get("/v1/traffic?since=5") as response:
        found = msgspec.json.decode(await response.read(), type=Traffic)
    assert [one.name for one in found.processes] == ["gate", "admin"]
    async with calling(endpoints(view()), ANNA) as client, client.get("/v1/traffic") as response:
        assert response.status == 403


def test_its_role() -> None:
    assert [one.role for one in endpoints(view())] == [Role.READ]
