"""Installing makes everything, and doing it again harms nothing."""

import pytest

from proxy.errors import ClusterUnreachable
from proxy.ship.install import cluster_version, install
from proxy.ship.model import SinkFailure
from proxy.ship.templates import calls
from tests.ship.fake_cluster import NOBODY, STREAM, FakeCluster, listening, transport_to


async def test_everything_is_made_in_order() -> None:
    async with listening(FakeCluster()) as cluster, transport_to(cluster) as transport:
        told = await install(transport, NOBODY, STREAM, 30)
        again = await install(transport, NOBODY, STREAM, 60)
    wanted = calls(STREAM, 60, "8.15.3")
    assert list(cluster.put) == [call.path for call in wanted]
    assert cluster.put[f"/_index_template/{STREAM}"]["template"]["lifecycle"] == {"data_retention": "60d"}
    assert told == [f"PUT {call.path}: done" for call in wanted]
    assert again[-1] == f"PUT /_data_stream/{STREAM}: was there"


async def test_a_refusal_says_which_call() -> None:
    cluster = FakeCluster()
    cluster.refused[STREAM] = 403
    async with listening(cluster), transport_to(cluster) as transport:
        with pytest.raises(SinkFailure, match=f"PUT /_index_template/{STREAM}: status 403, not allowed"):
            await install(transport, NOBODY, STREAM, 30)


@pytest.mark.parametrize(("version", "status"), [("", 0), ("8.15.3", 401)])
async def test_a_version_that_is_not_told_is_a_failure(version: str, status: int) -> None:
    cluster = FakeCluster()
    cluster.version = version
    cluster.refused["/"] = status
    async with listening(cluster), transport_to(cluster) as transport:
        with pytest.raises(SinkFailure, match="does not tell its version"):
            await cluster_version(transport, NOBODY)


async def test_nobody_there_is_unreachable() -> None:
    async with listening(FakeCluster()) as cluster:
        pass
    async with transport_to(cluster) as transport:
        with pytest.raises(ClusterUnreachable):
            await install(transport, NOBODY, STREAM, 30)
