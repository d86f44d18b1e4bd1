"""`_explain`."""

import pytest

from tests.embedded.support import OUTLIERS, Asker

BASE = "/_ml/data_frame/analytics"


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    await asker.flights()
    return asker


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_configuration_and_a_job_are_explained_alike(ask: Asker, method: str) -> None:
    by_body = await ask.ok(method, f"{BASE}/_explain", {key: OUTLIERS[key] for key in ("source", "analysis")})
    await ask.ok("PUT", f"{BASE}/job", OUTLIERS)
    by_id = await ask.ok(method, f"{BASE}/job/_explain")
    assert by_body == by_id
    assert [field["name"] for field in by_id["field_selection"]] == ["delay", "distance", "origin"]
    assert by_id["memory_estimation"]["expected_memory_without_disk"].endswith("kb")


async def test_refused(ask: Asker) -> None:
    assert (await ask("GET", f"{BASE}/_explain")).reason == "Please provide a job [id] or the config object"
    said = await ask("POST", f"{BASE}/job/_explain", OUTLIERS)
    assert said.reason == "Please either provide a job [id] or the config object but not both"
    assert (await ask("GET", f"{BASE}/job/_explain")).status == 404
    for id_ in ("foo-1", "foo-2"):
        await ask.ok("PUT", f"{BASE}/{id_}", OUTLIERS)
    said = await ask("GET", f"{BASE}/foo-*/_explain")
    assert said.reason == "expected only one config but matched [foo-1, foo-2]"
    await ask.ok("PUT", "/empty", {"mappings": {"properties": {"x": {"type": "long"}}}})
    said = await ask("POST", f"{BASE}/_explain", {**OUTLIERS, "source": {"index": "empty"}})
    assert said.reason.startswith(
        "Unable to estimate memory usage as no documents in the source indices [empty] contained all the fields"
    )
