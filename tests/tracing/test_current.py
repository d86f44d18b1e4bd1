"""The span under way: what becomes a child of what, which headers a call carries, and that nobody pays who is not
traced."""

import asyncio

import pytest

from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.tasks import spawn
from proxy.tracing.current import (
    Kind,
    asked,
    current_ids,
    current_trace_id,
    sent_to,
    step,
    tell,
    within,
)
from proxy.tracing.w3c import Ids
from tests.tracing.fakes import TRACE, Kept

CLIENTS = Ids(trace_id="c" * 32, span_id="d" * 16)
SECRET = "s3cret"


def test_where_nothing_is_traced_nothing_is_changed() -> None:
    headers = (("Authorization", "x"), ("traceparent", "whatever"), ("traceparent", "again"))
    with step("identify"), asked("GET", "/") as call:
        assert call.headers(headers) is headers
        call.answered(500, {})
        sent_to("http://a:9200", "/")
        tell({"startgate.receipt": "r"})
    assert current_ids() is None
    assert current_trace_id() is None


def test_the_ids_are_those_of_the_span_under_way() -> None:
    root = Kept("start")
    with within(root, CLIENTS):
        assert current_ids() == root.ids
        with step("identify"):
            assert current_ids() == root.children[0].ids
        assert current_trace_id() == TRACE
    assert current_ids() is None


def test_of_an_untraced_start_the_ids_are_the_clients() -> None:
    with within(None, CLIENTS):
        assert current_ids() == CLIENTS
        assert current_trace_id() == CLIENTS.trace_id


async def test_steps_that_go_on_at_the_same_time_have_children_of_their_own() -> None:
    root = Kept("start")

    async def one(name: str) -> None:
        with step(name):
            await asyncio.sleep(0)
            with asked("GET", f"/{name}/_count"):
                await asyncio.sleep(0)

    with within(root):
        with step("before"):
            pass
        await asyncio.gather(one("a"), one("b"))
        tell({"startgate.kind": "start"})
    assert [child.name for child in root.children] == ["before", "a", "b"]
    for child in root.children[1:]:
        [call] = child.children
        assert (call.name, call.kind, call.attributes["db.collection.name"]) == ("count", Kind.CLIENT, child.name)
        assert (child.ended, call.ended) == (1, 1)
    assert root.attributes == {"startgate.kind": "start"}
    assert root.ended == 0


async def test_a_task_that_outlives_a_start_can_be_kept_out_of_its_trace() -> None:
    root, found = Kept("start"), []

    async def work() -> None:
        await asyncio.sleep(0)
        found.append(current_trace_id())

    with within(root, CLIENTS):
        inside = spawn(work(), name="inside")
        with within(None):
            outside = spawn(work(), name="outside")
    await asyncio.gather(inside, outside)
    assert found == [TRACE, None]


@pytest.mark.parametrize(
    ("failure", "attributes", "error"),
    [
        (Refusal(403, "t", SECRET), {"startgate.refused.status": 403}, ""),
        (PassedOn(404, {"error": SECRET}), {"startgate.refused.status": 404}, ""),
        (Refusal(503, "t", SECRET), {"startgate.refused.status": 503}, "503"),
        (ClusterUnreachable(SECRET), {}, "ClusterUnreachable"),
        (ValueError(SECRET), {}, "ValueError"),
        (asyncio.CancelledError(SECRET), {}, "CancelledError"),
    ],
)
def test_how_a_step_ended_is_told_and_never_its_text(
    failure: BaseException, attributes: dict[str, int], error: str
) -> None:
    root = Kept("start")
    with within(root), pytest.raises(type(failure)), step("plan"):
        raise failure
    [child] = root.children
    assert (child.attributes, child.error, child.ended) == (attributes, error, 1)
    assert SECRET not in repr(root)
    assert current_ids() is None


def test_a_call_carries_one_traceparent_which_names_it() -> None:
    root = Kept("start", state="vendor=1")
    given = (("authorization", SECRET), ("TraceParent", "a"), ("traceparent", "b"), ("Tracestate", "c"), ("x", "1"))
    with within(root), asked("PUT", "/out") as call:
        sent = call.headers(given)
    [child] = root.children
    assert sent == (
        ("authorization", SECRET),
        ("x", "1"),
        ("traceparent", child.carried),
        ("tracestate", "vendor=1"),
    )
    assert child.ids.span_id in child.carried
    assert SECRET not in repr(root)


def test_without_a_state_none_is_sent() -> None:
    with within(Kept("start")), asked("GET", "/") as call:
        assert [name for name, _ in call.headers(())] == ["traceparent"]


@pytest.mark.parametrize(
    ("method", "status", "error"),
    [
        ("GET", 200, ""),
        ("GET", 404, ""),
        ("GET", 403, "403"),
        ("GET", 503, "503"),
        ("PUT", 404, "404"),
        ("PUT", 400, "400"),
        ("PUT", 302, ""),
    ],
)
def test_an_answer_is_told_by_its_status(method: str, status: int, error: str) -> None:
    root = Kept("start")
    with within(root), asked(method, "/out?q=1") as call:
        sent_to("http://first:9200", "/out?q=1")
        sent_to("https://es.example.org", "/out?q=1")
        call.answered(status, {"x-found-handling-instance": "instance-1", "x-found-handling-cluster": "c1"})
    [child] = root.children
    assert child.error == error
    assert child.attributes == {
        "db.system.name": "elasticsearch",
        "db.operation.name": "indices.get" if method == "GET" else "indices.create",
        "db.operation.parameter.index": "out",
        "db.collection.name": "out",
        "db.response.status_code": str(status),
        "db.namespace": "c1",
        "elasticsearch.node.name": "instance-1",
        "http.request.method": method,
        "http.response.status_code": status,
        "url.full": "https://es.example.org/out?q=1",
        "server.address": "es.example.org",
        "server.port": 443,
    }


def test_a_call_without_an_answer_is_an_error() -> None:
    root = Kept("start")

    def ask() -> None:
        with within(root), asked("GET", "/_unheard_of"):
            sent_to("http://a", "/_unheard_of")
            raise ClusterUnreachable(SECRET)

    with pytest.raises(ClusterUnreachable):
        ask()
    [child] = root.children
    assert (child.name, child.error, child.ended) == ("GET", "ClusterUnreachable", 1)
    assert child.attributes["server.port"] == 80
    assert SECRET not in repr(root)
