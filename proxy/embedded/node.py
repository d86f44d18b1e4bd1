"""What the embedded cluster says of itself, and of the node behind it."""

import json
from typing import Any

from proxy.embedded.backend import Answer, Backend, Call

NODE_ID = "c3RhcnRnYXRlLW1s0Q"
_CONFIG_VERSION = "12.0.0"
_CONFIG_VERSIONS_SINCE = (8, 10)


def lacks_handler(answered: Answer) -> bool:
    """Whether an answer says that the node has no such route."""
    return answered.status == 400 and b"no handler found for uri" in answered.body


class Node:
    """The backend's name and version, asked for once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, Any] | None = None

    async def root(self) -> dict[str, Any]:
        """The value of `GET /`, made from what else the node tells where it has no such route."""
        if self._known is None:
            answered = await self._backend.call(Call(method="GET", target="/"))
            self._known = await self._made() if lacks_handler(answered) else dict(json.loads(answered.body))
        return self._known

    async def version(self) -> str:
        """`version.number`, for example 8.15.3."""
        return str((await self.root())["version"]["number"])

    async def config_version(self) -> str:
        """The version that a new job carries: the machine-learning configuration's own from 8.10 on."""
        number = await self.version()
        major, minor = (int(part) for part in number.split(".")[:2])
        return _CONFIG_VERSION if (major, minor) >= _CONFIG_VERSIONS_SINCE else number

    async def _made(self) -> dict[str, Any]:
        answered = await self._backend.call(Call(method="GET", target="/_nodes/_local"))
        nodes = json.loads(answered.body)
        [node] = nodes["nodes"].values()
        state = await self._backend.call(Call(method="GET", target="/_cluster/state/metadata?filter_path=cluster_uuid"))
        number = node["version"]
        return {
            "name": node["name"],
            "cluster_name": nodes["cluster_name"],
            "cluster_uuid": json.loads(state.body).get("cluster_uuid", "_na_"),
            "version": {
                "number": number,
                "build_flavor": node.get("build_flavor", "default"),
                "build_type": node.get("build_type", "unknown"),
                "build_hash": node.get("build_hash", "unknown"),
                "build_date": "1970-01-01T00:00:00.000Z",
                "build_snapshot": False,
                "lucene_version": "unknown",
                "minimum_wire_compatibility_version": "7.17.0" if number.startswith("8.") else "6.8.0",
                "minimum_index_compatibility_version": "7.0.0" if number.startswith("8.") else "6.0.0-beta1",
            },
            "tagline": "You Know, for Search",
        }
