"""The steps of docker-compose.yml as plain processes, from nothing: certificates, Kibana's password, the service
credential, Startgate by the same configuration, and two of them behind HAProxy."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from proxy.embedded.app import Cluster, basic, serve_embedded
from proxy.embedded.security.store import ELASTIC_PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

COMPOSE = Path(__file__).parent.parent.parent / "deploy" / "compose"
RULES = COMPOSE.parent.parent / "rules"
KIBANA_PASSWORD = "of-kibana-alone"
ENVIRONMENT = {
    "ELASTIC_PASSWORD": ELASTIC_PASSWORD,
    "KIBANA_PASSWORD": KIBANA_PASSWORD,
    "SOURCES": "flights-*, customers",
    "DESTINATIONS": "flights-outliers*",
}
READY = re.compile(r"ready: https://[\d.]+:(\d+)")
PATIENCE_S = 60


async def setup(*arguments: str, **changed: str) -> tuple[int, str]:
    """One run of the set-up: exit status, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(COMPOSE / "setup.py"),
        *arguments,
        env={**os.environ, **ENVIRONMENT, **changed},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


@pytest.fixture(name="certs")
async def make_certs(tmp_path: Path) -> Path:
    """The volume of certificates."""
    folder = tmp_path / "certs"
    folder.mkdir()
    status, told = await setup("certificates", "--folder", str(folder))
    assert (status, told) == (0, "certificates made, good for 825 days\n")
    return folder


@pytest.fixture(name="node")
async def make_node(certs: Path) -> AsyncIterator[Cluster]:
    """A node with the certificate that was made for it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certs / "elasticsearch.crt", certs / "elasticsearch.key")
    async with serve_embedded(tls=context) as cluster:
        yield cluster


@pytest.fixture(name="secrets")
async def make_secrets(certs: Path, node: Cluster, tmp_path: Path) -> Path:
    """The volume of the service credential."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    status, told = await prepare(node, certs, folder)
    assert status == 0, told
    return folder


async def prepare(node: Cluster, certs: Path, folder: Path, **changed: str) -> tuple[int, str]:
    ca = str(certs / "ca.crt")
    return await setup("cluster", "--node", node.url, "--ca", ca, "--folder", str(folder), **changed)


class File(NamedTuple):
    """A file of a volume."""

    content: bytes
    mode: int
    uid: int


def files(folder: Path) -> dict[str, File]:
    """All files of a volume by name."""
    return {
        path.name: File(path.read_bytes(), stat.S_IMODE(path.stat().st_mode), path.stat().st_uid)
        for path in folder.iterdir()
    }


async def test_keys_are_for_one_user_and_certificates_are_made_once(certs: Path) -> None:
    made = files(certs)
    assert set(made) == {"ca.crt", "elasticsearch.crt", "elasticsearch.key", "startgate.crt", "startgate.key"}
    assert {one.mode for name, one in made.items() if name.endswith(".key")} == {0o400}
    if os.geteuid() == 0:
        assert (made["elasticsearch.key"].uid, made["startgate.key"].uid) == (1000, 10001)
    assert await setup("certificates", "--folder", str(certs)) == (0, "certificates are there\n")
    assert files(certs) == made


async def test_the_credential_is_the_least_that_does_and_is_made_once(
    certs: Path, node: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    status, told = await prepare(node, certs, folder)
    assert status == 0, told
    key = folder / "startgate-api-key"
    assert files(folder)[key.name].mode == 0o400
    (made,) = node.security.api_keys.values()
    (role,) = made.descriptors.values()
    assert role["cluster"] == ["monitor", "monitor_ml", "read_security"]
    assert [grant["names"] for grant in role["indices"]] == [["flights-*", "customers"], ["flights-outliers*"]]
    again, told = await prepare(node, certs, folder)
    assert (again, told.splitlines()[-1]) == (0, "the service credential is there")
    assert len(node.security.api_keys) == 1
    # One that the cluster no longer takes is replaced.
    key.chmod(0o600)
    key.write_text("YTpi\n")
    assert (await prepare(node, certs, folder))[0] == 0
    assert len(node.security.api_keys) == 2


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ELASTIC_PASSWORD": "another"}, "the cluster does not take ELASTIC_PASSWORD"),
        ({"ELASTIC_PASSWORD": ""}, "ELASTIC_PASSWORD is not set: choose one in .env"),
        ({"KIBANA_PASSWORD": "short"}, "passwords must be at least [6] characters long"),
        ({"SOURCES": ""}, "SOURCES is not set"),
    ],
)
async def test_what_is_wrong_is_told(
    certs: Path, node: Cluster, tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    status, text = await prepare(node, certs, tmp_path, **changed)
    assert status == 1
    assert told in text
    assert not (tmp_path / "startgate-api-key").exists()


@asynccontextmanager
async def startgate(
    folder: Path, name: str, certs: Path, secrets: Path, node: Cluster, port: int = 0
) -> AsyncIterator[int]:
    """Startgate by a configuration of the set-up, with paths and addresses that there are here; where it listens."""
    home = folder / f"home-{port}"
    home.mkdir()
    text = (COMPOSE / name).read_text()
    for there, here in (
        ("/certs/", f"{certs}/"),
        ("/secrets/", f"{secrets}/"),
        ("/etc/startgate/rules", str(RULES)),
        ("/var/lib/startgate/", f"{home}/"),
        ("0.0.0.0:9400", f"127.0.0.1:{port}"),
        ("172.30.40.10", "127.0.0.1"),
    ):
        text = text.replace(there, here)
    (home / "startgate.yml").write_text(text + "admin: {listen: off}\n")
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "serve"),
            cwd=home,
            env={**os.environ, "STARTGATE_CLUSTER__NODES": node.url, "PYTHONPATH": str(COMPOSE.parent.parent)},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
        found = READY.search(line)
        assert found, line + (home / "log").read_text()
        yield int(found.group(1))
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


async def who(port: int, certs: Path) -> str:
    """Whom the cluster takes Kibana's user for, asked through an address, by the certificates that were made."""
    context = ssl.create_default_context(cafile=certs / "ca.crt")
    headers = {"Authorization": basic("kibana_system", KIBANA_PASSWORD)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"https://localhost:{port}/_security/_authenticate", ssl=context) as answer,
    ):
        assert answer.status == 200
        return str((await answer.json())["username"])


async def test_kibana_reaches_the_cluster_through_startgate(
    certs: Path, secrets: Path, node: Cluster, tmp_path: Path
) -> None:
    async with startgate(tmp_path, "startgate.yml", certs, secrets, node) as port:
        assert await who(port, certs) == "kibana_system"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.real
async def test_haproxy_spreads_connections_over_two_startgates(
    certs: Path, secrets: Path, node: Cluster, tmp_path: Path
) -> None:
    if shutil.which("haproxy") is None:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", "HAProxy is missing"
        pytest.skip("HAProxy is missing")
    front, ports = free_port(), [free_port(), free_port()]
    text = (COMPOSE / "haproxy.cfg").read_text().replace("bind :9400", f"bind 127.0.0.1:{front}")
    for name, port in zip("ab", ports, strict=True):
        text = text.replace(f"startgate-{name}:9400", f"127.0.0.1:{port}")
    (tmp_path / "haproxy.cfg").write_text(text)
    async with AsyncExitStack() as stack:
        for port in ports:
            await stack.enter_async_context(startgate(tmp_path, "startgate-ha.yml", certs, secrets, node, port))
        with (tmp_path / "haproxy.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "haproxy", "-db", "-f", str(tmp_path / "haproxy.cfg"), stdout=log
            )
        try:
            await until_open(front)
            for _ in range(6):
                assert await who(front, certs) == "kibana_system"
        finally:
            process.terminate()
            await process.wait()
    peers = (tmp_path / "haproxy.log").read_text()
    # Both were used; the log of HAProxy names the server of each connection.
    assert {"startgates/a", "startgates/b"} <= set(re.findall(r"startgates/[ab]", peers))


async def until_open(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
