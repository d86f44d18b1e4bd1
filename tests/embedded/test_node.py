"""What is told of the node behind the layer."""

import json

import pytest

from proxy.embedded.backend import Answer, Call
from proxy.embedded.node import Node, lacks_handler

NO_HANDLER = Answer(status=400, body=b'{"error":"no handler found for uri [/] and method [GET]"}')


class Bare:
    """A node without `GET /`, of some version."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.asked = 0

    async def call(self, call: Call) -> Answer:
        self.asked += 1
        if call.target == "/":
            return NO_HANDLER
        if call.target.startswith("/_cluster/state"):
            return Answer(status=200, body=b'{"cluster_uuid":"uuid"}')
        node = {"name": "n", "version": self.version, "build_hash": "h"}
        return Answer(status=200, body=json.dumps({"cluster_name": "c", "nodes": {"id": node}}).encode())

    async def close(self) -> None:
        """Nothing is held."""


class Full(Bare):
    """A node with `GET /`."""

    async def call(self, call: Call) -> Answer:
        assert call.target == "/"
        return Answer(status=200, body=json.dumps({"version": {"number": self.version}}).encode())


async def test_a_bare_node_is_described() -> None:
    backend = Bare("8.15.3")
    node = Node(backend)
    root = await node.root()
    assert (root["name"], root["cluster_name"], root["cluster_uuid"]) == ("n", "c", "uuid")
    assert root["version"]["number"] == "8.15.3"
    assert root["tagline"] == "You Know, for Search"
    asked = backend.asked
    await node.version()
    assert backend.asked == asked


@pytest.mark.parametrize(
    ("number", "version"),
    [("7.17.24", "7.17.24"), ("8.9.2", "8.9.2"), ("8.10.0", "12.0.0"), ("8.15.3", "12.0.0"), ("9.1.0", "12.0.0")],
)
async def test_the_version_of_configurations(number: str, version: str) -> None:
    assert await Node(Full(number)).config_version() == version


def test_no_handler_is_told_from_other_errors() -> None:
    assert lacks_handler(NO_HANDLER)
    assert not lacks_handler(Answer(status=400, body=b"{}"))
    assert not lacks_handler(Answer(status=404, body=NO_HANDLER.body))
