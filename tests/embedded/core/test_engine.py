import json
from pathlib import Path

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.core import Core
from tests.contract_cases import CONTRACT, Case, comparable
from tests.embedded.core.support import Client

# What an Elasticsearch 8.15.3 node answered to every step of the contract, made comparable.
RECORDED = json.loads(Path(__file__).with_name("recorded_8_15.json").read_text())


@pytest.mark.parametrize("case", CONTRACT, ids=lambda case: case.name)
def test_answers_as_the_recorded_node_did(case: Case) -> None:
    core = Core(seed=1)
    recorded = RECORDED[case.name]
    assert len(recorded) == len(case.steps), "record this case again: its steps changed"
    for number, (step, wanted) in enumerate(zip(case.steps, recorded, strict=True)):
        call = Call(method=step.method, target=step.target, headers=step.sent_headers(), body=step.content())
        answer = core.answer(call)
        found = comparable(step, answer.status, {key.lower(): value for key, value in answer.headers}, answer.body)
        assert found == wanted, f"step {number}: {step.method} {step.target}"


def test_every_recorded_case_still_exists() -> None:
    assert set(RECORDED) == {case.name for case in CONTRACT}
    assert len(CONTRACT) == len({case.name for case in CONTRACT})


async def test_the_backend_border_is_awaited() -> None:
    core = Core()
    answer = await core.call(Call(method="GET", target="/"))
    assert answer.status == 200
    assert json.loads(answer.body)["tagline"] == "You Know, for Search"
    await core.close()


def test_a_seed_makes_runs_equal() -> None:
    def uuid(core: Core) -> str:
        core.answer(Call(method="PUT", target="/a"))
        return core.store.indices["a"].uuid

    assert uuid(Core(seed=3)) == uuid(Core(seed=3))
    assert uuid(Core(seed=3)) != uuid(Core(seed=4))
    assert len(uuid(Core(seed=3))) == 22


def test_head_answers_without_a_body() -> None:
    client = Client()
    client.put("/a")
    assert client.call("HEAD", "/a").status == 200
    assert client.call("HEAD", "/a").body == ""
    assert client.call("HEAD", "/b").status == 404
    assert client.call("HEAD", "/b").body == ""


def test_the_product_header_is_on_all_but_forbidden_answers() -> None:
    client = Client()
    client.put("/a", {"settings": {"index.blocks.write": True}})
    for target in ("/", "/nope", "/a?foo", "/x/y/z"):
        assert client.get(target).headers["x-elastic-product"] == "Elasticsearch", target
    refused = client.put("/a/_doc/1", {})
    assert refused.status == 403
    assert "x-elastic-product" not in refused.headers


def test_targets_without_a_leading_slash_reach_their_route() -> None:
    assert Client().get("_cluster/settings").status == 200


def test_an_unknown_path_names_the_whole_target() -> None:
    answer = Client().post("/a/b/c/d?x=1", {})
    assert answer.status == 400
    assert answer.body == {"error": "no handler found for uri [/a/b/c/d?x=1] and method [POST]"}


def test_filter_path_leaves_errors_whole_and_empties_to_an_object() -> None:
    client = Client()
    assert client.get("/nope?filter_path=took").body["status"] == 404
    assert client.get("/_cluster/settings?filter_path=took").body == {}
    assert client.get("/_cat/indices?format=json&filter_path=nope").body == []


def test_several_faults_of_a_query_are_listed_with_hints() -> None:
    answer = Client().get("/_search?siz=1&zzzzzz=2")
    assert answer.status == 400
    assert answer.reason == (
        "request [/_search] contains unrecognized parameters: [siz] -> did you mean [size]?, [zzzzzz]"
    )


def test_thousands_of_documents_and_a_thousand_indices() -> None:
    client = Client()
    for number in range(1000):
        assert client.put(f"/i-{number}").status == 200
    lines = "".join(f'{{"index":{{}}}}\n{{"n":{number},"k":"{number % 7}"}}\n' for number in range(10_000))
    assert client.post("/big/_bulk", lines).body["errors"] is False
    assert client.get("/big/_count", {"query": {"term": {"k": "3"}}}).body["count"] == 1429
    assert len(client.get("/i-*/_settings").body) == 1000
