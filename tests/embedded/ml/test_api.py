"""Jobs over the API: create, read, update, stop, delete."""

from typing import Any

import pytest

from proxy.embedded.app import basic
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.security.identity import Subject
from tests.embedded.support import OUTLIERS, Asker

BASE = "/_ml/data_frame/analytics"
JOB = f"{BASE}/job"
BOB = basic("bob", "secret")


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    await asker.flights()
    return asker


async def test_put_answers_what_get_shows(ask: Asker) -> None:
    made = await ask.ok("PUT", JOB, {**OUTLIERS, "description": "d", "_meta": {"k": 1}})
    assert (await ask.ok("GET", JOB))["data_frame_analytics"] == [made]
    assert made["authorization"] == {"roles": ["superuser"]}
    assert made["version"] == "12.0.0"
    assert list(made)[:6] == ["id", "create_time", "version", "authorization", "description", "source"]
    exported = await ask.ok("GET", f"{JOB}?exclude_generated=true")
    assert not {"create_time", "version", "authorization"} & set(exported["data_frame_analytics"][0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"source": {"index": "missing"}}, "Validation Failed: 1: no such index [missing];"),
        ({"dest": {"index": "flights"}}, "Validation Failed: 1: Destination index [flights] is included in source"),
        ({"source": {"index": "r:x"}}, "Validation Failed: 1: remote source indices are not supported;"),
        ({"id": "other"}, "Inconsistent id;"),
    ],
)
async def test_put_refused(ask: Asker, change: dict[str, Any], text: str) -> None:
    said = await ask("PUT", JOB, {**OUTLIERS, **change})
    assert said.status == 400
    assert said.reason.startswith(text)


async def test_put_needs_a_body(ask: Asker) -> None:
    assert (await ask("PUT", JOB)).reason == "request body is required"
    assert (await ask("POST", f"{JOB}/_update")).reason == "request body is required"


async def test_a_source_pattern_may_match_nothing(ask: Asker) -> None:
    await ask.ok("PUT", JOB, {**OUTLIERS, "source": {"index": "none*"}})


async def test_the_same_id_twice(ask: Asker) -> None:
    await ask.ok("PUT", JOB, OUTLIERS)
    said = await ask("PUT", JOB, OUTLIERS)
    assert (said.status, said.type, said.reason) == (
        400,
        "resource_already_exists_exception",
        "A data frame analytics with id [job] already exists",
    )


async def test_put_asks_for_the_owners_privileges(ask: Asker) -> None:
    ask.store.add_role("ml", {"cluster": ["manage_ml"]})
    ask.store.add_user("bob", "secret", ["ml"])
    said = await ask("PUT", JOB, OUTLIERS, by=BOB)
    assert (said.status, said.reason) == (
        403,
        "Cannot create data frame analytics [job] because user bob lacks permissions on the indices:"
        ' {"flights":{"read":false},"flights-out":{"read":false,"index":false,"create_index":false}}',
    )
    said = await ask("PUT", JOB, OUTLIERS, headers={"es-secondary-authorization": BOB})
    assert (said.status, "user bob lacks" in said.reason) == (403, True)
    assert (await ask("GET", JOB)).status == 404


async def test_the_secondary_identity_owns_the_job(ask: Asker) -> None:
    grants = [{"names": ["flights*"], "privileges": ["all"]}]
    ask.store.add_role("data", {"indices": grants})
    ask.store.add_user("bob", "secret", ["data"])
    said = await ask("PUT", JOB, OUTLIERS, headers={"es-secondary-authorization": BOB})
    assert said.body["authorization"] == {"roles": ["data"]}
    updated = await ask.ok("POST", f"{JOB}/_update", {"description": "mine now"})
    assert updated["authorization"] == {"roles": ["superuser"]}
    assert updated["description"] == "mine now"


async def test_owners_that_are_keys_or_service_accounts(ask: Asker) -> None:
    owner = Subject(user=ask.store.users[next(iter(ask.store.users))], realm=next(iter(ask.store.users))[0])
    key = ask.store.add_api_key(owner, "k")
    from proxy.embedded.security.keys import encoded

    made = await ask.ok("PUT", JOB, OUTLIERS, by=f"ApiKey {encoded(key)}")
    assert made["authorization"] == {"api_key": {"id": key.id, "name": "k"}}
    updated = await ask.ok("POST", f"{JOB}/_update", {}, by=f"Bearer {ask.store.add_service_token()}")
    assert updated["authorization"] == {"service_account": "elastic/kibana"}


async def test_without_security_there_is_no_owner() -> None:
    ask = Asker(secured=False)
    await ask.flights()
    assert "authorization" not in await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_update", {"description": "x"})
    await ask.ok("POST", f"{JOB}/_start")
    assert (await ask.ended("job"))["state"] == "stopped"
    await ask.ok("GET", f"{JOB}/_explain")


@pytest.fixture
async def three(ask: Asker) -> Asker:
    for id_ in ("foo-2", "bar", "foo-1"):
        await ask.ok("PUT", f"{BASE}/{id_}", OUTLIERS)
    return ask


@pytest.mark.parametrize(
    ("target", "count", "ids"),
    [
        ("", 3, ["bar", "foo-1", "foo-2"]),
        ("/_all", 3, ["bar", "foo-1", "foo-2"]),
        ("/foo-*", 2, ["foo-1", "foo-2"]),
        ("/*?from=1&size=1", 3, ["foo-1"]),
        ("/none*", 0, []),
        ("/none*?allow_no_match=true", 0, []),
    ],
)
async def test_many(three: Asker, target: str, count: int, ids: list[str]) -> None:
    found = await three.ok("GET", BASE + target)
    assert (found["count"], [job["id"] for job in found["data_frame_analytics"]]) == (count, ids)
    path, _, query = target.partition("?")
    found = await three.ok("GET", f"{BASE}{path}/_stats?verbose=true&{query}")
    assert (found["count"], [job["id"] for job in found["data_frame_analytics"]]) == (count, ids)


@pytest.mark.parametrize("tail", ["", "/_stats"])
@pytest.mark.parametrize("query", ["", "?allow_no_match=false", "?allow_no_match=true"])
async def test_missing(ask: Asker, tail: str, query: str) -> None:
    said = await ask("GET", f"{JOB}{tail}{query}")
    assert said.status == 404
    assert said.reason == "No known data frame analytics with id [job]"
    assert (await ask("GET", f"{BASE}/no*{tail}?allow_no_match=false")).status == 404


@pytest.mark.parametrize("query", ["?from=-1", "?size=-1"])
async def test_bad_pages(ask: Asker, query: str) -> None:
    assert (await ask("GET", BASE + query)).status == 400


async def test_stats_of_a_new_job(ask: Asker) -> None:
    await ask.ok("PUT", JOB, OUTLIERS)
    assert await ask.ok("GET", f"{JOB}/_stats") == {
        "count": 1,
        "data_frame_analytics": [
            {
                "id": "job",
                "state": "stopped",
                "progress": [
                    {"phase": phase, "progress_percent": 0}
                    for phase in ("reindexing", "loading_data", "computing_outliers", "writing_results")
                ],
                "data_counts": {"training_docs_count": 0, "test_docs_count": 0, "skipped_docs_count": 0},
                "memory_usage": {"peak_usage_bytes": 0, "status": "ok"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("id_", "query", "status"),
    [
        ("job", "", 404),
        ("job", "?allow_no_match=false", 404),
        ("no*", "", 200),
        ("no*", "?allow_no_match=false", 404),
    ],
)
async def test_stopping_what_is_not_there(ask: Asker, id_: str, query: str, status: int) -> None:
    said = await ask("POST", f"{BASE}/{id_}/_stop{query}")
    assert said.status == status
    assert status == 404 or said.body == {"stopped": True}


async def test_stopping_a_stopped_job(ask: Asker) -> None:
    await ask.ok("PUT", JOB, OUTLIERS)
    assert await ask.ok("POST", f"{JOB}/_stop?timeout=1s", {"id": "job"}) == {"stopped": True}
    assert (await ask("POST", f"{JOB}/_stop", {"id": "x"})).reason.startswith("Inconsistent id;")


async def test_a_failed_job_needs_force(ask: Asker) -> None:
    for id_ in ("job", "job-2"):
        await ask.ok("PUT", f"{BASE}/{id_}", OUTLIERS)
    ask.world.jobs.by_id["job"].state = "failed"
    assert (await ask("POST", f"{JOB}/_start")).status == 409
    said = await ask("POST", f"{JOB}/_stop")
    assert (said.status, said.reason) == (
        409,
        "cannot close data frame analytics [job] because it failed, use force stop instead",
    )
    said = await ask("POST", f"{BASE}/*/_stop")
    assert said.reason == "one or more data frame analytics are in failed state, use force stop instead"
    await ask.ok("POST", f"{JOB}/_stop?force=true")
    await ask.ok("POST", f"{JOB}/_start")
    await ask.ended("job")


async def test_update(ask: Asker) -> None:
    await ask.ok("PUT", JOB, OUTLIERS)
    changes = {
        "description": "d",
        "model_memory_limit": "5mb",
        "allow_lazy_start": True,
        "max_num_threads": 2,
        "_meta": {"k": 1},
    }
    assert changes.items() <= (await ask.ok("POST", f"{JOB}/_update", changes)).items()
    assert (await ask("POST", f"{BASE}/none/_update", {})).status == 404


async def test_a_running_job_is_left_alone() -> None:
    ask = Asker(jobs=Jobs(pace_s=0.2))
    await ask.flights()
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("POST", f"{JOB}/_start")
    [shown] = (await ask.ok("GET", f"{JOB}/_stats"))["data_frame_analytics"]
    assert (shown["state"], shown["node"]["name"]) == ("started", "embedded")
    said = await ask("POST", f"{JOB}/_update", {"description": "d"})
    assert (said.status, said.reason) == (409, "Cannot update analytics [job] unless it's stopped")
    said = await ask("DELETE", JOB)
    assert (said.status, said.reason) == (
        409,
        "Cannot delete data frame analytics [job] while its status is [started]",
    )
    assert await ask.ok("DELETE", f"{JOB}?force=true") == {"acknowledged": True}
    assert (await ask("GET", JOB)).status == 404


async def test_delete(ask: Asker) -> None:
    await ask.ok("PUT", JOB, OUTLIERS)
    await ask.ok("PUT", "/flights-out", {})
    assert await ask.ok("DELETE", f"{JOB}?timeout=1s") == {"acknowledged": True}
    assert (await ask("DELETE", JOB)).status == 404
    await ask.ok("GET", "/flights-out")


@pytest.mark.parametrize(
    ("method", "tail", "needed"),
    [
        ("GET", "", "monitor"),
        ("GET", "/_stats", "monitor"),
        ("PUT", "", "manage"),
        ("POST", "/_start", "manage"),
        ("POST", "/_stop", "manage"),
        ("POST", "/_update", "manage"),
        ("DELETE", "", "manage"),
        ("GET", "/_explain", "manage"),
    ],
)
async def test_who_may(ask: Asker, method: str, tail: str, needed: str) -> None:
    ask.store.add_role("monitor", {"cluster": ["monitor_ml"]})
    ask.store.add_role("nothing", {})
    ask.store.add_user("bob", "secret", ["monitor"])
    ask.store.add_user("carl", "secret", ["nothing"])
    said = await ask(method, JOB + tail, by=BOB)
    assert (said.status == 403) is (needed == "manage")
    assert (await ask(method, JOB + tail, by=basic("carl", "secret"))).status == 403
