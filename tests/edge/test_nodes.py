"""Addresses of nodes and gate: what is taken, and that all mistakes are told at once."""

import asyncio
import ssl
from pathlib import Path

import pytest

from proxy.edge.nodes import gate_address, node_addresses
from proxy.errors import ConfigError


def no_tls() -> ssl.SSLContext:
    raise AssertionError("no context is needed")


@pytest.mark.parametrize(
    "node", ["http://127.0.0.1:9200", "http://es:80/", "http://[::1]:9200", "http://es.example.org:1"]
)
def test_base_addresses(node: str) -> None:
    (address,) = node_addresses([node], no_tls)
    assert address.name == node


def test_the_tls_context_is_made_once_and_only_for_https() -> None:
    made: list[ssl.SSLContext] = []

    def tls() -> ssl.SSLContext:
        made.append(ssl.create_default_context())
        return made[-1]

    assert len(node_addresses(["https://a:1", "http://b:1", "https://c:1"], tls)) == 3
    assert len(made) == 1


@pytest.mark.parametrize(
    "node",
    ["127.0.0.1:9200", "es", "", "ftp://es:1", "http://", "http://es", "http://es:0", "http://es:99999", "http://es:x", "http://es:1/path",
     "http://es:1?q", "http://es:1#f", "http://u:p@es:1", "http://[::1"],
)  # fmt: skip
def test_what_is_no_base_address(node: str) -> None:
    with pytest.raises(ConfigError) as caught:
        node_addresses(["http://good:9200", node, "alsobad"], no_tls)
    assert len(caught.value.faults) == 2
    assert "it must look like http://10.0.0.1:9200" in str(caught.value)


def test_no_node_at_all() -> None:
    with pytest.raises(ConfigError, match="at least one node"):
        node_addresses([], no_tls)


async def test_opening(tmp_path: Path) -> None:
    tcp = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / "g.sock")
    port = tcp.sockets[0].getsockname()[1]
    for address in (*node_addresses([f"http://127.0.0.1:{port}"], no_tls), gate_address(str(tmp_path / "g.sock"))):
        lost = asyncio.Event()

        class Told(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None, lost: asyncio.Event = lost) -> None:
                lost.set()

        await address.open(Told)
        await asyncio.wait_for(lost.wait(), 2)
    tcp.close()
    unix.close()
    (gone,) = node_addresses([f"http://127.0.0.1:{port}"], no_tls)
    with pytest.raises(OSError, match="refused"):
        await gone.open(asyncio.Protocol)
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "." * 3])
async def test_a_name_that_none_can_be_is_no_way(host: str) -> None:
    (address,) = node_addresses([f"http://{host}:9200"], no_tls)
    with pytest.raises(OSError, match="is no name of a host"):
        await address.open(asyncio.Protocol)
