"""Names become nodes, one for each address, and follow what the names stand for."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence

import pytest

from proxy.edge.members import Members, is_name, resolve
from proxy.edge.nodes import Address, node_addresses
from proxy.edge.pool import Pool
from proxy.edge.sweep import Sweep
from proxy.settings import EdgeLimits
from tests.edge.rig import Rig, echo

NAME = "http://es.example.org:9200"


class Names:
    """A name server: what it says is set by hand."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.asked: list[str] = []
        self.failure: OSError | None = None

    async def find(self, host: str) -> Sequence[str]:
        """As `members.resolve`."""
        self.asked.append(host)
        if self.failure is not None:
            raise self.failure
        return self.addresses


def pool_of(*nodes: str) -> tuple[Pool, list[Address]]:
    addresses = node_addresses(nodes, ssl.create_default_context)
    sweep = Sweep(asyncio.get_running_loop())
    pool = Pool(addresses, EdgeLimits(), sweep)
    sweep.stop()
    return pool, addresses


def hosts(pool: Pool) -> list[str]:
    return sorted(node.address.host for node in pool.nodes)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("es.example.org", True),
        ("es", True),
        ("localhost", False),
        ("es.localhost", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("", False),
    ],
)
def test_what_is_a_name(host: str, name: bool) -> None:
    assert is_name(host) is name


async def test_every_address_is_a_node_and_follows_the_name(caplog: pytest.LogCaptureFixture) -> None:
    pool, addresses = pool_of(NAME, "http://192.0.2.9:9200")
    names = Names("192.0.2.1", "192.0.2.2")
    members = Members(pool, addresses, names.find)
    assert hosts(pool) == ["192.0.2.9", "es.example.org"]
    with caplog.at_level(logging.INFO, "proxy.edge.members"):
        await members.look()
        assert hosts(pool) == ["192.0.2.1", "192.0.2.2", "192.0.2.9"]
        kept = {node.address.host: node for node in pool.nodes}
        names.addresses = ("192.0.2.2", "192.0.2.3")
        await members.look()
        await members.look()
    assert hosts(pool) == ["192.0.2.2", "192.0.2.3", "192.0.2.9"]
    assert kept["192.0.2.1"].retired
    assert kept["192.0.2.2"] in pool.nodes, "who stays keeps its connections and its health"
    assert names.asked == ["es.example.org"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        f"{NAME} is at 192.0.2.1, 192.0.2.2",
        f"{NAME} is at 192.0.2.2, 192.0.2.3",
    ]


@pytest.mark.parametrize("failure", [OSError("no name server"), None])
async def test_what_cannot_be_resolved_stays_as_it_was(
    failure: OSError | None, caplog: pytest.LogCaptureFixture
) -> None:
    pool, addresses = pool_of(NAME)
    names = Names()
    names.failure = failure
    members = Members(pool, addresses, names.find)
    for _ in range(2):
        await members.look()
    assert hosts(pool) == ["es.example.org"]
    assert caplog.text.count("cannot be resolved; what is known of it stays in force") == 1
    names.failure, names.addresses = None, ("192.0.2.1",)
    await members.look()
    names.failure = OSError("again")
    await members.look()
    assert hosts(pool) == ["192.0.2.1"]
    assert caplog.text.count("cannot be resolved") == 2


async def test_without_names_nothing_is_asked() -> None:
    pool, addresses = pool_of("http://192.0.2.9:9200", "http://localhost:9200")
    names = Names()
    await Members(pool, addresses, names.find).keep(3600.0)
    assert names.asked == []


async def test_it_looks_again_and_again() -> None:
    pool, addresses = pool_of(NAME)
    names = Names("192.0.2.1")
    task = asyncio.ensure_future(Members(pool, addresses, names.find).keep(0.01))
    async with asyncio.timeout(5):
        while len(names.asked) < 3:  # noqa: ASYNC110 -- it sleeps in between
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_address_is_really_connected_to(rig: Rig) -> None:
    sock = socket.create_server(("127.0.0.2", 0))
    upstream = await rig.upstream(echo, sock=sock)
    pool, addresses = pool_of(f"http://es.example.org:{upstream.port}")
    await Members(pool, addresses, Names("127.0.0.2").find).look()
    (node,) = pool.nodes
    node.drop(await node.open())
    assert node.address.name == f"http://es.example.org:{upstream.port} (127.0.0.2)"


async def test_the_systems_own_names() -> None:
    assert set(await resolve("localhost")) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match=r"."):
        await resolve("this is no name")
