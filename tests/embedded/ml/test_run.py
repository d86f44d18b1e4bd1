"""Jobs that run: what they leave behind, and how they fail."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proxy.embedded.app import basic
from proxy.embedded.ml.jobs import Jobs
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"
BOB = basic("bob", "secret")
ENOUGH = [
    {"names": ["flights"], "privileges": ["read", "view_index_metadata"]},
    {"names": ["flights-out"], "privileges": ["read", "index", "create_index", "manage"]},
]


async def ready(ask: Asker, grants: list[dict[str, Any]] | None = None) -> None:
    await ask.flights()
    ask.store.add_role("owner", {"cluster": ["manage_ml"], "indices": grants or ENOUGH})
    ask.store.add_user("bob", "secret", ["owner"])


async def test_a_job_finds_the_outlier() -> None:
    ask = Asker()
    await ready(ask)
    await ask.ok("PUT", JOB, OUTLIERS, by=BOB)
    await ask.ok("POST", f"{JOB}/_start", by=BOB)
    ended = await ask.ended("job")
    assert ended["state"] == "stopped", ended
    assert "failure_reason" not in ended
    assert {phase["progress_percent"] for phase in ended["progress"]} == {100}
    assert ended["data_counts"]["training_docs_count"] == 60
    found = await ask.ok("POST", "/flights-out/_search", {"size": 1, "sort": [{"ml.outlier_score": "desc"}]})
    assert found["hits"]["total"]["value"] == 60
    [top] = found["hits"]["hits"]
    assert top["_id"] == "59"
    assert top["_source"]["ml"]["outlier_score"] > 0.9
    assert {part["feature_name"] for part in top["_source"]["ml"]["feature_influence"]} == {"delay", "distance"}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if holds():
                return
            await asyncio.sleep(0.002)


READ_ONLY = {"names": ["flights"], "privileges": ["read"]}


def lacks(action: str, index: str) -> str:
    return f"action [{action}] is unauthorized for user [bob] with effective roles [owner] on indices [{index}], this"


async def test_an_owner_who_may_not_see_mappings() -> None:
    ask = Asker()
    await ready(ask, [READ_ONLY, ENOUGH[1]])
    await ask.ok("PUT", JOB, OUTLIERS, by=BOB)
    said = await ask("POST", f"{JOB}/_start")
    assert said.status == 403
    assert said.reason.startswith(lacks("indices:admin/mappings/get", "flights"))


@pytest.mark.parametrize(
    ("held", "action"),
    [
        # The check at PUT asks for none of these; without them the job cannot get on.
        (["read", "index", "create_index"], "indices:admin/get"),
        (["read", "index", "create_index", "view_index_metadata"], "indices:admin/refresh"),
    ],
)
async def test_a_job_whose_owner_lacks_something(held: list[str], action: str) -> None:
    ask = Asker()
    await ready(ask, [ENOUGH[0], {"names": ["flights-out"], "privileges": held}])
    await ask.ok("PUT", JOB, OUTLIERS, by=BOB)
    await ask.ok("POST", f"{JOB}/_start")
    ended = await ask.ended("job")
    assert ended["state"] == "failed"
    assert ended["failure_reason"].startswith(lacks(action, "flights-out"))


async def test_the_owner_is_who_counts_not_the_caller() -> None:
    ask = Asker()
    await ready(ask)
    await ask.ok("PUT", JOB, OUTLIERS, by=BOB)
    del ask.store.custom_roles["owner"]
    said = await ask("POST", f"{JOB}/_start")
    assert said.status == 403
    assert "user [bob]" in said.reason


async def test_stopping_in_the_middle_and_starting_again() -> None:
    ask = Asker(jobs=Jobs(pace_s=0.02))
    await ask.flights(count=1200)
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_start")
    job = ask.world.jobs.by_id["job"]
    await until(lambda: 1 < job.progress["reindexing"] < 100)
    before = (await ask.ok("GET", "/flights-out"))["flights-out"]["settings"]["index"]["uuid"]
    assert await ask.ok("POST", f"{JOB}/_stop") == {"stopped": True}
    [stopped] = (await ask.ok("GET", f"{JOB}/_stats"))["data_frame_analytics"]
    assert stopped["state"] == "stopped"
    assert 0 < stopped["progress"][0]["progress_percent"] < 100
    await ask.ok("POST", f"{JOB}/_start")
    assert (await ask.ended("job"))["state"] == "stopped"
    after = (await ask.ok("GET", "/flights-out"))["flights-out"]["settings"]["index"]["uuid"]
    assert after != before
    assert (await ask.ok("GET", "/flights-out/_count"))["count"] == 1200


async def test_stopping_while_analysing_keeps_the_destination() -> None:
    ask = Asker(jobs=Jobs(pace_s=0.03))
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_start")
    job = ask.world.jobs.by_id["job"]
    await until(lambda: job.progress["reindexing"] == 100)
    before = (await ask.ok("GET", "/flights-out"))["flights-out"]["settings"]["index"]["uuid"]
    await ask.ok("POST", f"{JOB}/_stop")
    assert job.stage().value == "resuming_analyzing"
    await ask.ok("POST", f"{JOB}/_start")
    assert (await ask.ended("job"))["state"] == "stopped"
    assert (await ask.ok("GET", "/flights-out"))["flights-out"]["settings"]["index"]["uuid"] == before


async def test_a_fault_of_ours_fails_the_job(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr("proxy.embedded.ml.run.copy_documents", breaks)
    ask = Asker()
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_start")
    task = ask.world.jobs.by_id["job"].task
    assert task is not None
    await asyncio.wait([task])
    [shown] = (await ask.ok("GET", f"{JOB}/_stats"))["data_frame_analytics"]
    assert (shown["state"], shown["failure_reason"]) == ("failed", "RuntimeError: oh")
    assert "background task" in caplog.text
