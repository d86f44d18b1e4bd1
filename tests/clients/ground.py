"""What the clients talk to: a genuine node of one release, bare and below a layer with security and machine learning,
each directly and through Startgate.

| place    | directly                          | through                                             |
| -------- | --------------------------------- | --------------------------------------------------- |
| node     | the genuine node                  | `startgate serve`, as an operator runs it           |
| cluster  | the embedded layer before the node| the true edge and gate, with the shipped rules      |
| gateless | -                                 | the true edge before the layer, whose gate is gone  |

The embedded layer answers `GET /`, `_security` and `_ml`, which a bare node lacks; all else it hands to the node.
"""

import asyncio
import http.client
import json
import tempfile
import threading
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from proxy.embedded.app import Cluster, serve_embedded
from proxy.embedded.remote import RemoteNode
from proxy.embedded.security.store import ELASTIC_PASSWORD
from proxy.settings import EdgeLimits
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.serving import Served
from tests.stack import in_front_of

START_TIMEOUT_S = 60
# The limits that a site has: a client that is being started on a busy machine may be slow to send a request.
PATIENT = EdgeLimits(drain_s=2.0)
SOURCES = ("sg-src-1", "sg-src-2")
_READS = {"names": ["sg-*"], "privileges": ["read", "view_index_metadata"]}
_WRITES = {"names": ["sg-out*"], "privileges": ["read", "create_index", "manage", "index"]}
ROLES: dict[str, dict[str, Any]] = {
    # ann may start; bob may do all but read the sources, which the cluster does not ask for; rita only reads.
    "sg-analyst": {"cluster": ["manage_ml", "monitor"], "indices": [_READS, _WRITES]},
    "sg-intern": {"cluster": ["manage_ml", "monitor"], "indices": [_WRITES]},
    "sg-reader": {"cluster": [], "indices": [_READS]},
}
USERS = {"ann": "sg-analyst", "bob": "sg-intern", "rita": "sg-reader"}


class Ground:
    """Runs while the `with` block does: threads and processes in front of a node that is the caller's."""

    def __init__(self, node: RealNode) -> None:
        self.node = node
        self._thread = threading.Thread(target=self._main, name="ground", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._around = ExitStack()
        self._told: dict[str, str] = {}
        self._port = 0

    def __enter__(self) -> Self:
        with ExitStack() as around:
            folder = Path(around.enter_context(tempfile.TemporaryDirectory(prefix="startgate-clients-")))
            (folder / "served").mkdir()
            self._folder = folder
            self._thread.start()
            around.callback(self._ended)
            if not self._ready.wait(START_TIMEOUT_S) or self._failure:
                raise RuntimeError("the cluster before the node did not start") from self._failure
            self._served = around.enter_context(Served(folder / "served", self.node.url))
            self._gateless = around.enter_context(DenyingProxy((self._told["cluster"],), gate=False))
            _fill(self._told["cluster"], self._told["superuser"])
            self._around = around.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._around.close()

    def direct(self) -> dict[str, str]:
        """What a suite is told to talk to the node and the layer themselves."""
        return self._places(self.node.url, self._told["cluster"], "")

    def through(self) -> dict[str, str]:
        """The same behind Startgate, with what has no counterpart without it."""
        proxied = f"http://127.0.0.1:{self._port}"
        return self._places(f"http://127.0.0.1:{self._served.port}", proxied, self._gateless.url)

    def _places(self, node: str, cluster: str, gateless: str) -> dict[str, str]:
        major = str(self.node.version.major)
        secrets = {name: self._told[name] for name in ("elastic", "api_key", "kibana_token")}
        people = {name: f"secret-of-{name}" for name in USERS}
        return {"node": node, "cluster": cluster, "gateless": gateless, "major": major, **secrets, **people}

    def _ended(self) -> None:
        self._told.get("cluster") and self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 -- carried to the thread that waits
            self._failure = failure
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as around:
            cluster = await around.enter_async_context(serve_embedded(backend=RemoteNode(self.node.url)))
            stack = await around.enter_async_context(in_front_of(cluster, self._folder, edge=PATIENT))
            self._port = stack.port
            self._told = _people(cluster)
            self._ready.set()
            await self._stop.wait()


def _people(cluster: Cluster) -> dict[str, str]:
    for name, role in ROLES.items():
        cluster.add_role(name, role)
    for name, role_name in USERS.items():
        cluster.add_user(name, f"secret-of-{name}", [role_name])
    key = cluster.add_api_key("sg-key", {"analyst": ROLES["sg-analyst"]})
    told = {"cluster": cluster.url, "superuser": cluster.superuser, "kibana_token": cluster.kibana_token}
    return {**told, "elastic": ELASTIC_PASSWORD, "api_key": key}


def _fill(url: str, authorization: str) -> None:
    """Two sources with documents, and a third whose field has another type."""
    types = dict.fromkeys(SOURCES, "double") | {"sg-other": "keyword"}
    for name, type_ in types.items():
        properties = {"delay": {"type": type_}, "carrier": {"type": "keyword"}}
        _put(url, authorization, "PUT", f"/{name}", json.dumps({"mappings": {"properties": properties}}))
    lines: list[dict[str, Any]] = []
    for number in range(40):
        lines += [{"index": {"_index": SOURCES[number % 2], "_id": str(number)}}]
        lines += [{"delay": 900 if number == 39 else number, "carrier": "ABC"[number % 3]}]
    _put(url, authorization, "POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))


def _put(url: str, authorization: str, method: str, path: str, body: str) -> None:
    headers = {"authorization": authorization, "content-type": "application/json"}
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {text.decode()}")
