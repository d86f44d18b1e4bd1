"""What can be told of the nodes beforehand."""

import pytest

from proxy.embedded.app import serve_embedded
from proxy.starter.look import warnings
from proxy.starter.model import Wish
from tests.cluster_double import Double, cluster


@pytest.mark.parametrize(
    ("security", "authority", "text"),
    [
        (True, "cluster", None),
        (False, "roles", None),
        (False, "cluster", "--authority roles has Startgate find out itself"),
        (True, "roles", "with --authority roles it is not asked who somebody is"),
    ],
)
async def test_security_and_authority_go_together(security: bool, authority: str, text: str | None) -> None:
    async with serve_embedded(security=security) as one:
        told = await warnings(Wish(nodes=(one.url,), authority=authority))
    assert len(told) == (text is not None)
    assert all(text in one for one in told if text)


async def test_nodes_that_are_away_or_something_else() -> None:
    async with cluster(Double(secured=False, banner={"hello": "world"})) as double:
        told = await warnings(Wish(nodes=(double.url, "http://127.0.0.1:9"), authority="roles"))
    assert [one.partition(" at ")[0].partition(" does ")[0] for one in told] == [
        "what answers",
        "http://127.0.0.1:9",
    ]
