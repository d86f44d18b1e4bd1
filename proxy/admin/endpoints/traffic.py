"""`/v1/traffic`."""

from proxy.admin.api import Call, Endpoint, Role
from proxy.admin.shown.traffic import Traffic, TrafficQuery
from proxy.admin.views.traffic import TrafficView


def endpoints(traffic: TrafficView) -> list[Endpoint]:
    """The endpoint of the view."""

    async def show(call: Call) -> Traffic:
        return await traffic.show(call.viewer, call.query)

    return [
        Endpoint(
            method="GET",
            path="/v1/traffic",
            role=Role.READ,
            handler=show,
            summary="What passes: rates, nodes, refusals, processes, and an hour of samples.",
            query=TrafficQuery,
            answer=Traffic,
        )
    ]
