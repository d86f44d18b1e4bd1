"""Which part answers a call."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.embedded.app import basic
from proxy.embedded.backend import Answer, Call
from tests.embedded.support import Asker

JOB = "/_ml/data_frame/analytics/x"


class Behind:
    """A node that has only what it was told to have."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = answers
        self.calls: list[Call] = []

    async def call(self, call: Call) -> Answer:
        self.calls.append(call)
        if call.target in self.answers:
            return Answer(status=200, headers=(("x-node", "1"),), body=self.answers[call.target])
        text = f'{{"error":"no handler found for uri [{call.target}] and method [{call.method}]"}}'
        return Answer(status=400, body=text.encode())

    async def close(self) -> None:
        """Nothing is held."""


NODE = Behind(
    **{
        "/_nodes/_local": b'{"cluster_name":"c","nodes":{"i":{"name":"n","version":"8.15.3"}}}',
        "/_cluster/state/metadata?filter_path=cluster_uuid": b"{}",
        "/a/_search": b'{"hits":{}}',
    }
)


V9 = "application/vnd.elasticsearch+json;compatible-with=9"


async def test_the_rest_goes_to_the_node() -> None:
    said = await Asker(backend=NODE)("GET", "/a/_search")
    assert (said.status, said.body, said.header("x-node")) == (200, {"hits": {}}, ["1"])


async def test_the_root_is_made_where_the_node_has_none() -> None:
    said = await Asker(backend=NODE)("GET", "/")
    assert said.body["version"]["number"] == "8.15.3"
    said = await Asker(backend=Behind(**{"/": b'{"own":1}'}))("GET", "/")
    assert said.body == {"own": 1}


@pytest.mark.parametrize("target", ["/_ml/nothing", "/_security/nothing", "/_ml//data_frame/analytics/x/_start"])
async def test_own_paths_that_lead_nowhere(target: str) -> None:
    said = await Asker(backend=NODE)("POST", target)
    assert (said.status, said.body) == (400, {"error": f"no handler found for uri [{target}] and method [POST]"})


@pytest.mark.parametrize(("number", "status"), [("9.1.0", 200), ("8.15.3", 400), ("7.17.24", 400)])
async def test_what_a_client_of_9_asks_for_is_served_where_the_node_is_a_9(number: str, status: int) -> None:
    ask = Asker(backend=Behind(**{"/": f'{{"version":{{"number":"{number}"}}}}'.encode()}))
    body, headers = {"cluster": ["monitor"]}, {"accept": V9, "content-type": V9}
    said = await ask("POST", "/_security/user/_has_privileges", body, headers=headers)
    assert said.status == status
    assert said.header("content-type") == [V9 if status == 200 else "application/json"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
async def test_wrong_methods(method: str) -> None:
    said = await Asker(backend=NODE)(method, f"{JOB}/_start?a")
    assert said.status == 405
    assert said.header("allow") == ["POST"]
    assert said.body == {
        "error": f"Incorrect HTTP method for uri [{JOB}/_start?a] and method [{method}], allowed: [POST]",
        "status": 405,
    }


async def test_options_need_no_credentials() -> None:
    said = await Asker(backend=NODE)("OPTIONS", f"{JOB}/_start", by=None)
    assert (said.status, said.header("allow"), said.body) == (200, ["POST"], None)
    said = await Asker(backend=Behind(**{"/a": b""}))("OPTIONS", "/a", by=None)
    assert said.status == 200


async def test_a_cluster_without_security() -> None:
    asker = Asker(secured=False, backend=NODE)
    said = await asker("GET", "/_security/_authenticate", by=None)
    assert said.body == {"error": "no handler found for uri [/_security/_authenticate] and method [GET]"}
    assert (await asker("GET", "/_ml/data_frame/analytics", by=None)).body["count"] == 0
    assert (await asker("GET", "/a/_search", by=None)).status == 200


async def test_every_request_is_authenticated_first() -> None:
    asker = Asker(backend=NODE)
    for target in ("/", "/a/_search", JOB, "/_security/_authenticate", "/_nothing", "/_ml/nothing"):
        said = await asker("GET", target, by=None)
        assert said.status == 401, target
        assert said.reason == f"missing authentication credentials for REST request [{target}]"
        assert len(said.header("www-authenticate")) == 3
        assert not said.header("x-elastic-product")
    said = await asker("GET", "/", headers={"es-secondary-authorization": "Basic eDp5"})
    assert (said.status, said.reason) == (401, "Failed to authenticate secondary user")


async def test_what_cannot_be_judged_is_denied() -> None:
    asker = Asker(backend=NODE)
    asker.store.add_role("r", {"indices": [{"names": ["/a{2/"], "privileges": ["read"]}]})
    asker.store.add_user("bob", "secret", ["r"])
    said = await asker("GET", "/a/_search", by=basic("bob", "secret"))
    assert (said.status, said.type) == (403, "security_exception")


async def test_a_fault_of_ours_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Behind):
        async def call(self, call: Call) -> Answer:
            raise RuntimeError("oh")

    said = await Asker(backend=Broken())("GET", "/a/_search")
    assert (said.status, said.reason) == (500, "RuntimeError: oh")
    assert "/a/_search" in caplog.text


ENDPOINTS = {
    "PUT /_ml/data_frame/analytics/j": ["source", "dest", "analysis", "analyzed_fields", "model_memory_limit", "_meta"],
    "POST /_ml/data_frame/analytics/_explain": ["id", "source", "dest", "analysis", "analyzed_fields"],
    "POST /_ml/data_frame/analytics/j/_start": ["id", "timeout"],
    "POST /_ml/data_frame/analytics/j/_stop": ["id", "timeout", "force"],
    "POST /_ml/data_frame/analytics/j/_update": ["description", "model_memory_limit", "max_num_threads", "_meta"],
    "POST /_security/user/_has_privileges": ["cluster", "index", "application"],
    "PUT /_security/role/r": ["cluster", "indices", "applications", "run_as", "metadata", "global", "description"],
    "PUT /_security/user/u": ["password", "roles", "full_name", "email", "metadata", "enabled"],
    "POST /_security/api_key": ["name", "expiration", "role_descriptors", "metadata"],
    "DELETE /_security/api_key": ["ids", "id", "name", "owner", "username"],
}
GOOD = {
    "source": {"index": "flights*"},
    "dest": {"index": "out"},
    "analysis": {"outlier_detection": {}},
    "name": "k",
    "password": "long-enough",
}
leaves = st.none() | st.booleans() | st.integers(-3, 3000) | st.floats() | st.sampled_from(["", "a", "*", "1gb", "é"])
names = st.sampled_from(["index", "names", "privileges", "source", "includes", "query", "outlier_detection", "lambda"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_body_is_a_fault_of_ours(data: st.DataObject) -> None:
    """Whatever JSON is sent, the answer is Elasticsearch's or an error with a reason, never a 500."""
    endpoint = data.draw(st.sampled_from(sorted(ENDPOINTS)))
    fields = ENDPOINTS[endpoint]
    body: Any = {name: GOOD[name] for name in fields if name in GOOD}
    body |= {name: data.draw(values) for name in data.draw(st.lists(st.sampled_from(fields), max_size=3))}
    method, target = endpoint.split()
    said = asyncio.run(Asker()(method, target, data.draw(values) if data.draw(st.booleans()) else body))
    assert said.status < 500, said
