"""All views together: what runs in the background, and that it ends."""

import asyncio
from pathlib import Path

from proxy.admin.shown.starts import StartsQuery
from proxy.admin.views.data import Data
from proxy.metrics.collector import Collector
from proxy.metrics.snapshot import Snapshot
from proxy.settings import AdminPort, AdminSettings
from tests.admin.views.reading import READ, append, denied


def own() -> Snapshot:
    """What the admin process tells of itself."""
    return Snapshot(process="admin", pid=1, began_ns=0)


async def test_it_runs_and_ends(tmp_path: Path) -> None:
    append(tmp_path / "starts-000001.jsonl", denied("a"))
    settings = AdminSettings(
        listen=AdminPort(host="127.0.0.1", port=0), processes=("gate",), nodes=(), journal=str(tmp_path)
    )
    before = asyncio.all_tasks()
    data = Data(settings, Collector(), own)
    async with data.running():
        assert [row.receipt for row in (await data.starts.list(READ, StartsQuery())).starts] == ["a"]
        assert (await data.start.one(READ, "a")).row.receipt == "a"
        assert (await data.journal.show(READ)).files
        assert (await data.traffic.show(READ)).processes[-1].name == "admin"
    assert asyncio.all_tasks() == before
