"""Field-level security on real answers."""

from typing import Any

import pytest

from proxy.embedded.app import basic
from tests.embedded.support import OUTLIERS, Asker

BOB = basic("bob", "secret")
DOCUMENT = {"open": 1, "secret": 2, "deep": {"open": 3, "secret": 4}, "list": [{"open": 5, "secret": 6}]}


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    for name in ("a", "b"):
        await asker.ok("PUT", f"/{name}", {})
        await asker.fill(name, [DOCUMENT])
    grants: list[dict[str, Any]] = [
        {
            "names": ["a"],
            "privileges": ["read", "view_index_metadata"],
            "field_security": {"grant": ["*"], "except": ["secret", "*.secret"]},
        },
        {"names": ["b"], "privileges": ["read", "view_index_metadata"]},
    ]
    asker.store.add_role("masked", {"cluster": ["manage_ml"], "indices": grants})
    asker.store.add_user("bob", "secret", ["masked"])
    return asker


@pytest.mark.parametrize("target", ["/a/_mapping", "/a"])
async def test_mappings(ask: Asker, target: str) -> None:
    properties = (await ask.ok("GET", target, by=BOB))["a"]["mappings"]["properties"]
    assert set(properties) == {"open", "deep", "list"}
    assert set(properties["deep"]["properties"]) == {"open"}


async def test_field_capabilities(ask: Asker) -> None:
    found = await ask.ok("GET", "/a/_field_caps?fields=*", by=BOB)
    assert "open" in found["fields"]
    assert not {"secret", "deep.secret"} & set(found["fields"])
    assert "secret" in (await ask.ok("GET", "/a,b/_field_caps?fields=*", by=BOB))["fields"]


async def test_documents(ask: Asker) -> None:
    [hit] = (await ask.ok("GET", "/a/_search", {"_source": False}, by=BOB))["hits"]["hits"]
    assert "_source" not in hit
    shown = {"open": 1, "deep": {"open": 3}, "list": [{"open": 5}]}
    assert (await ask.ok("GET", "/a/_doc/0", by=BOB))["_source"] == shown
    [hit] = (await ask.ok("GET", "/a/_search", by=BOB))["hits"]["hits"]
    assert hit["_source"] == shown
    [hit] = (await ask.ok("GET", "/b/_search", by=BOB))["hits"]["hits"]
    assert hit["_source"] == DOCUMENT


async def test_other_answers_and_other_people(ask: Asker) -> None:
    assert (await ask.ok("GET", "/a/_count", by=BOB))["count"] == 1
    assert (await ask("GET", "/missing/_search", by=BOB)).status == 403
    assert (await ask("HEAD", "/a", by=BOB)).status == 200
    assert (await ask.ok("GET", "/a/_doc/0"))["_source"] == DOCUMENT
    said = await ask("GET", "/a/_mapping?format=yaml", by=BOB)
    assert said.status == 500
    assert "field-level security is only applied to JSON here" in said.body


async def test_a_key_narrows_further(ask: Asker) -> None:
    descriptor = {"indices": [{"names": ["*"], "privileges": ["all"], "field_security": {"grant": ["open"]}}]}
    made = await ask.ok("POST", "/_security/api_key", {"name": "k", "role_descriptors": {"d": descriptor}})
    key = f"ApiKey {made['encoded']}"
    assert (await ask.ok("GET", "/a/_doc/0", by=key))["_source"] == {"open": 1}
    assert set((await ask.ok("GET", "/a/_mapping", by=key))["a"]["mappings"]["properties"]) == {"open"}


async def test_a_jobs_owner_makes_a_destination_of_what_it_sees(ask: Asker) -> None:
    body = {**OUTLIERS, "source": {"index": "a"}, "dest": {"index": "out"}}
    ask.store.add_role("dest", {"indices": [{"names": ["out"], "privileges": ["all"]}]})
    ask.store.add_user("bob", "secret", ["masked", "dest"])
    await ask.ok("PUT", "/_ml/data_frame/analytics/j", body, by=BOB)
    await ask.ok("POST", "/_ml/data_frame/analytics/j/_start", by=BOB)
    assert (await ask.ended("j"))["state"] == "stopped"
    properties = (await ask.ok("GET", "/out"))["out"]["mappings"]["properties"]
    assert "secret" not in properties
    assert {"open", "deep", "list"} < set(properties)
