"""The logs of a whole Startgate of real processes: one form, levels that reach all, files opened again, no secret."""

import asyncio
import base64
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.embedded.app import Cluster, serve_embedded

PATIENCE_S = 90.0
PROCESSES = {"serve", "gate", "edge-1", "edge-2", "admin"}
# In every place a word of its own, so that a failure says where it came from.
PLANTED = (
    *("service-password", "mask-key", "webhook-secret", "client-password", "cookie", "api-key", "secondary", "custom"),
    *(
        "query",
        "body",
        "line",
        "authority",
        "job-body",
        "start-body",
        "start-query",
        "chunk",
        "trailer",
        "plan-password",
    ),
    *("node-password", "key-file", "proxy-line"),
)


def secret(name: str) -> str:
    """A word that stands nowhere else."""
    assert name in PLANTED
    return f"s3cr3t-{name}-0123456789"


@dataclass(slots=True)
class Whole:
    """A running `startgate serve`. `port` is the proxy's."""

    folder: Path
    process: Process
    port: int

    def lines(self, file: str = "log.json") -> list[dict[str, Any]]:
        """What a log holds, each line decoded."""
        path = self.folder / file
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def said_by(self, text: str, file: str = "log.json") -> dict[str, set[int]]:
        """Which processes said something with this text, with their numbers."""
        found: dict[str, set[int]] = {}
        for line in self.lines(file):
            if text in line["message"]:
                found.setdefault(line["service.node.name"], set()).add(line["process.pid"])
        return found

    async def raw(self, data: bytes) -> bytes:
        """What is answered to these bytes on a connection of its own, which is then closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await reader.read(65536)
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in other processes
            await asyncio.sleep(0.05)


async def command(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and all output of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", *arguments),
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, output


def configured(folder: Path, cluster: Cluster) -> None:
    """Writes a configuration with a secret wherever one may stand."""
    cluster.security.add_user("service", secret("service-password"), ("superuser",))
    for name in ("service-password", "mask-key", "webhook-secret"):
        (folder / name).write_text(secret(name))
    (folder / "startgate.yml").write_text(
        f"""
        listen: 127.0.0.1:0
        workers: 2
        cluster:
          nodes: {cluster.url}
          service: {{username: service, password_file: service-password}}
        journal:
          path: journal
          mask: [user.name]
          mask_key_file: mask-key
          sinks:
            webhook: {{url: "http://127.0.0.1:9/", secret_file: webhook-secret}}
        admin: {{listen: "127.0.0.1:0"}}
        log:
          format: json
          path: log.json
          level: debug
          access: {{path: access.json}}
        """
    )


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Whole]:
    """`startgate serve` with the configuration in a folder, until the end of the block, and all that it said."""
    with (folder / "stderr").open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "serve"), cwd=folder, stdout=PIPE, stderr=stderr, process_group=0
        )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
        found = re.search(r"ready: http://127\.0\.0\.1:(\d+)", line)
        assert found is not None, (folder / "stderr").read_text() + line
        yield Whole(folder, process, int(found[1]))
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE_S)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster with security."""
    async with serve_embedded() as running:
        yield running


@pytest.mark.slow
async def test_all_processes_log_in_one_form_at_levels_that_change(tmp_path: Path, cluster: Cluster) -> None:
    configured(tmp_path, cluster)
    async with serving(tmp_path) as whole:
        status, output = await command(tmp_path, "log", "level", "proxy.gate", "error")
        assert (status, output) == (0, b"log.level     debug\nlogger        proxy.gate: error\n")
        told = "the log tells from now on: debug, proxy.gate: error"
        await until(lambda: set(whole.said_by(told)) == PROCESSES)

        # One that is started again is told again.
        (edge,) = whole.said_by(told)["edge-1"]
        os.kill(edge, signal.SIGKILL)
        await until(lambda: len(whole.said_by(told)["edge-1"]) == 2)

        # What was moved away is not written any more, and the configuration counts again.
        (tmp_path / "log.json").rename(tmp_path / "log.1")
        (tmp_path / "access.json").rename(tmp_path / "access.1")
        whole.process.send_signal(signal.SIGHUP)
        await until(lambda: set(whole.said_by("the log tells from now on: debug")) == PROCESSES)
        await whole.raw(b"GET /_cluster/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await until(lambda: bool(whole.lines("access.json")))
        status, output = await command(tmp_path, "log", "level")
        assert (status, output) == (0, b"log.level     debug\n")
    assert {line["service.node.name"] for line in whole.lines("log.1")} == PROCESSES
    for line in whole.lines("log.1") + whole.lines():
        assert {"@timestamp", "log.level", "message", "log.logger", "ecs.version"} <= set(line)
    status, records = await command(tmp_path, "audit", "list", "--kind", "admin", "--json")
    assert status == 0, records
    assert b"startgate-log-level" in records


def requests() -> Sequence[bytes]:
    """Requests of all kinds, good and broken, each with secrets."""
    basic = base64.b64encode(f"nobody:{secret('client-password')}".encode()).decode()
    headers = (
        f"Host: x\r\nConnection: close\r\nAuthorization: Basic {basic}\r\nCookie: sid={secret('cookie')}\r\n"
        f"X-Api-Key: {secret('api-key')}\r\nes-secondary-authorization: ApiKey {secret('secondary')}\r\n"
        f"X-Custom: {secret('custom')}\r\n"
    )
    job = json.dumps({"source": {"index": secret("job-body")}, "x": secret("job-body")})
    start = json.dumps({"id": secret("start-body"), "x": secret("start-body")})
    body = json.dumps({"query": {"match": {"a": secret("body")}}})
    analytics = "/_ml/data_frame/analytics/flights"

    def one(line: str, content: str = "", more: str = headers) -> bytes:
        return f"{line} HTTP/1.1\r\n{more}Content-Length: {len(content)}\r\n\r\n{content}".encode()

    return [
        one(f"POST /books/_search?q={secret('query')}", body),
        one(f"GET /_search?q={secret('query')}&q={secret('query')}%00"),
        one(f"PUT {analytics}?x={secret('query')}", job),
        one(f"POST {analytics}/_start?timeout={secret('start-query')}"),
        one(f"POST {analytics}/_start", start),
        one(f"POST {analytics}/_start", "not json " + secret("start-body")),
        one(f"POST {analytics}/_start", more=headers + "X-Startgate-Plan: only\r\n"),
        one(f"GET http://u:{secret('authority')}@x/_search"),
        one(f"GET /x y {secret('line')}"),
        f"GET / HTTP/1.1\r\n{headers}{secret('line')}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\n{headers}X: \x00{secret('line')}\r\n\r\n".encode(),
        f"POST /x HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\n{secret('chunk')}\r\n".encode(),
        f"POST /x HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\n0\r\n{secret('trailer')}\r\n\r\n".encode(),
        f"PROXY TCP4 {secret('proxy-line')} 1 2 3\r\n\r\n".encode(),
    ]


@pytest.mark.slow
async def test_no_log_and_no_command_tells_a_secret(tmp_path: Path, cluster: Cluster) -> None:
    configured(tmp_path, cluster)
    said: list[bytes] = []
    async with serving(tmp_path) as whole:
        await asyncio.gather(*(whole.raw(data) for data in requests()))
        await until(lambda: len(whole.lines("access.json")) >= len(requests()))
        url = f"http://127.0.0.1:{whole.port}"
        asking = {"STARTGATE_PASSWORD": secret("plan-password")}
        for words in (("plan", "flights"), ("explain", "flights")):
            status, output = await command(tmp_path, *words, "--url", url, "--user", "nobody", env=asking)
            assert status != 0
            said.append(output)
        asked = (("audit", "ship"), ("audit", "list"), ("status",), ("rules", "status"))
        told = await asyncio.gather(*(command(tmp_path, *words) for words in asked))
        said += [output for _, output in told]
    (tmp_path / "key-file").write_text(secret("key-file"))
    broken = {
        "STARTGATE_CLUSTER__NODES": f"http://u:{secret('node-password')}@x:9200",
        "STARTGATE_CLUSTER__SERVICE__API_KEY_FILE": "key-file",
        "STARTGATE_BREAK_GLASS__PUBLIC_KEYS": "one=key-file",
        "STARTGATE_JOURNAL__CHECKPOINTS__KEY_FILE": "key-file",
        "STARTGATE_CLUSTER__TLS__CA": "key-file",
    }
    for word in ("check", "serve"):
        status, output = await command(tmp_path, word, env=broken)
        assert status == 2, output
        assert b"STARTGATE_CLUSTER__SERVICE__API_KEY_FILE: " in output
        said.append(output)
    said += [(tmp_path / name).read_bytes() for name in ("log.json", "access.json", "stderr")]
    everything = b"\n".join(said)
    assert b"/books/_search" in everything, "the access log was read"
    assert b"refused 127.0.0.1" in everything, "and what was refused"
    assert [name for name in PLANTED if secret(name).encode() in everything] == []
    encoded = [base64.b64encode(f"{who}:{secret(name)}".encode()) for who, name in (("nobody", "client-password"),)]
    encoded += [base64.b64encode(f"service:{secret('service-password')}".encode())]
    assert [one for one in encoded if one in everything] == []
