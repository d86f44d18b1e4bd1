"""RealNode: one genuine Elasticsearch node on the loopback, alive until it is stopped or this process ends."""

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.real import home
from tests.real.versions import Version, by_number

START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node answered: header names in lower case; `data` is the decoded JSON body, None where there is none."""

    status: int
    headers: dict[str, str]
    body: bytes
    data: Any


class RealNode:
    """A running node. Make one with `RealNode.start`; call `stop` (or leave the `with` block) to end it.

    The node ends with this process even when the process is killed: it watches the pipe that is its standard input.
    """

    def __init__(self, version: Version, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.version = version
        self.port = port
        self.folder = folder
        self._process = process

    @classmethod
    def start(
        cls,
        version: str,
        port: int = 0,
        *,
        plugin: bool = True,
        reindex: bool = False,
        settings: dict[str, str] | None = None,
    ) -> Self:
        """Starts a node of release `version` and returns once it answers; port 0 takes a free one.

        `plugin` adds the oracle on the start route, `reindex` the module that copies indices. `settings` are laid over
        the defaults. Raises CannotRun when something is missing on this machine, RuntimeError with the log's end when
        the node does not come up.
        """
        release = by_number(version)
        folder = Path(tempfile.mkdtemp(prefix=f"startgate-es-{version}-"))
        port = port or _free_port()
        try:
            home.build(release, folder, plugin=plugin, reindex=reindex)
            command = home.command(release, folder, {**_defaults(folder, port), **(settings or {})})
            with (folder / "logs" / "stderr.log").open("wb") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=folder
                )
            node = cls(release, process, port, folder)
            node._await_ready()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return node

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """One call with a JSON body or none; every status is returned, none raised."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = None if body is None else json.dumps(body)
        headers = {} if data is None else {"content-type": "application/json"}
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            text = answer.read()
            return Answer(answer.status, named, text, json.loads(text) if text else None)
        finally:
            connection.close()

    def hits(self) -> int:
        """How many requests reached the start handler since `forget_hits`."""
        return int(self.call("GET", "/_oracle/count").data["count"])

    def forget_hits(self) -> None:
        """Sets the count of the start handler back to 0."""
        self.call("POST", "/_oracle/reset")

    def kill(self) -> None:
        """Ends the node as a power cut does, but for what the system has in its caches; `again` starts it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def clear(self) -> None:
        """Removes every index and template that can be removed. Data streams stay: without the module that is not
        published, nothing deletes them."""
        held = self.call("GET", "/_cat/indices?format=json&h=index&expand_wildcards=all").data
        for name in [one["index"] for one in held if not one["index"].startswith(".ds-")]:
            self.call("DELETE", f"/{name}")
        for kind in ("_index_template", "_component_template"):
            found = self.call("GET", f"/{kind}").data
            for one in found[f"{kind[1:]}s"]:
                self.call("DELETE", f"/{kind}/{one['name']}")
        for name in self.call("GET", "/_template").data:
            self.call("DELETE", f"/_template/{name}")

    def again(self) -> None:
        """Starts the node that was killed, with its data, on its port; returns once it answers."""
        with (self.folder / "logs" / "stderr.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._process.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.folder
            )
        self._await_ready()
        # It answers before it has found its own indices again, and says then that there are none.
        found = self.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=25s")
        assert found.status == 200, found.data

    def stop(self) -> None:
        """Ends the node and removes its folder; harmless when repeated."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def _await_ready(self) -> None:
        """Waits for the launcher's line `ready`, then drains its output for good: the node must never block on it."""
        assert self._process.stdout
        overdue = threading.Timer(START_TIMEOUT_S, self._process.kill)
        overdue.start()
        try:
            ready = any(line.strip() == b"ready" for line in self._process.stdout)
        finally:
            overdue.cancel()
        if not ready:
            text = (self.folder / "logs" / "stderr.log").read_text(errors="replace")
            self.stop()
            raise RuntimeError(f"Elasticsearch {self.version.number} did not start: {text[-3000:]}")
        threading.Thread(target=_drain, args=(self._process,), daemon=True).start()


def _drain(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout
    try:
        while process.stdout.readline():
            pass
    except ValueError:
        return  # closed by stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _defaults(folder: Path, port: int) -> dict[str, str]:
    return {
        "path.data": str(folder / "data"),
        "node.name": "real",
        "cluster.name": "startgate-real",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": str(port),
        "transport.port": "0",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "node.processors": "2",
        # The default from 8.0 on: no call deletes all indices by a wildcard.
        "action.destructive_requires_name": "true",
    }
