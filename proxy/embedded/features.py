"""`_xpack` and `_license`: what this cluster can, as whoever looks at a cluster asks (`TransportXPackInfoAction`)."""

from typing import Any, Final

from proxy.embedded.endpoint import Context, Endpoint, Reply
from proxy.embedded.routes import Routes

_LICENCE: Final[dict[str, Any]] = {
    "uid": "00000000-0000-0000-0000-000000000000",
    "type": "trial",
    "mode": "trial",
    "status": "active",
}


async def xpack(context: Context) -> Reply:
    """`GET _xpack`. Categories are not told apart: there is too little of each."""
    for name in ("categories", "accept_enterprise", "human"):
        context.request.params.text(name)
    context.request.params.finish(context.request.path)
    features = {"ml": True, "security": context.world.security is not None}
    return 200, {
        "license": _LICENCE,
        "features": {name: {"available": True, "enabled": enabled} for name, enabled in features.items()},
        "tagline": "You know, for X",
    }


async def licence(context: Context) -> Reply:
    """`GET _license`."""
    for name in ("accept_enterprise", "local"):
        context.request.params.text(name)
    context.request.params.finish(context.request.path)
    return 200, {"license": {key: value for key, value in _LICENCE.items() if key != "mode"}}


def add_features(table: Routes[Endpoint]) -> None:
    """Put these endpoints into the table."""
    table.add(("GET",), "/_xpack", Endpoint(xpack, "cluster:monitor/xpack/info"))
    table.add(("GET",), "/_license", Endpoint(licence, "cluster:monitor/xpack/license/get"))
