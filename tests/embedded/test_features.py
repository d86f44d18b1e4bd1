"""What the embedded cluster says that it can."""

from typing import Any

import aiohttp
import pytest

from proxy.embedded.app import Cluster, serve_embedded


async def asked(cluster: Cluster, path: str, authorization: str | None = None) -> tuple[int, Any]:
    """Status and body."""
    headers = {"authorization": authorization or cluster.superuser}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(cluster.url + path) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("security", [True, False])
async def test_it_says_what_it_can(security: bool) -> None:
    async with serve_embedded(security=security) as cluster:
        status, told = await asked(cluster, "/_xpack?categories=license,features")
    assert (status, told["license"]["mode"], told["license"]["status"]) == (200, "trial", "active")
    assert told["features"]["ml"] == {"available": True, "enabled": True}
    assert told["features"]["security"]["enabled"] is security


async def test_its_licence() -> None:
    async with serve_embedded() as cluster:
        status, told = await asked(cluster, "/_license")
    assert (status, told["license"]["type"]) == (200, "trial")


async def test_who_may_not_monitor_is_not_told() -> None:
    async with serve_embedded() as cluster:
        key = f"ApiKey {cluster.add_api_key('k', {'k': {}})}"
        for path in ("/_xpack", "/_license", "/_nodes/stats"):
            assert (await asked(cluster, path, key))[0] == 403


async def test_what_is_no_parameter_is_refused() -> None:
    async with serve_embedded() as cluster:
        assert (await asked(cluster, "/_xpack?colour=red"))[0] == 400
        assert (await asked(cluster, "/_license?colour=red"))[0] == 400
