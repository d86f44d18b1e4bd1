"""One call: whatever status comes back is taken as it is; what is no answer is said to be none."""

import asyncio
import time

import pytest

from proxy.cluster import node as cluster_node
from proxy.cluster.transport import Reply, quoted, refusal_of
from proxy.errors import ClusterUnreachable
from proxy.settings import GateLimits
from tests.cluster.nodes import ANN, Node, node, nowhere, refusal, reply, transport


async def test_a_call_carries_the_credential_and_asks_for_plain_json() -> None:
    async with node({"GET /a%20b": reply(200, {"ok": True})}) as one, transport(one.url) as opened:
        got = await opened.call("GET", "/a%20b?x=1", ANN)
        assert (got.status, got.content, got.good) == (200, {"ok": True}, True)
        (seen,) = one.seen
    assert seen.line == "GET /a%20b?x=1 HTTP/1.1"
    assert seen.header("authorization") == "Basic YW5u"
    assert seen.header("x-opaque-id") == "o1"
    assert seen.header("accept") == "application/json"
    assert seen.header("content-type") is None
    assert seen.header("x-elastic-client-meta") is None


async def test_a_body_is_json() -> None:
    async with node({"PUT /a": reply(), "PUT /b": reply()}) as one, transport(one.url) as opened:
        await opened.call("PUT", "/a", ANN, body={"a": "ü"})
        await opened.call("PUT", "/b", ANN, body=b'{"raw":1}')
        assert [seen.body for seen in one.seen] == ['{"a":"ü"}'.encode(), b'{"raw":1}']
        assert {seen.header("content-type") for seen in one.seen} == {"application/json"}


@pytest.mark.parametrize(
    ("method", "answers", "sent"),
    [("PUT", [reply()], 1), ("PUT", [b"", reply()], 2), ("GET", [b"", reply()], 2), ("POST", [reply()], 1)],
)
async def test_how_often_a_call_went_out_is_known(method: str, answers: list[bytes], sent: int) -> None:
    async with node({f"{method} /x": [reply(), *answers]}) as one, transport(one.url) as opened:
        assert (await opened.call(method, "/x", ANN)).sent == 1
        assert (await opened.call(method, "/x", ANN)).sent == sent
        assert len(one.seen) == sent + 1


async def test_a_call_that_went_out_once_is_not_sent_to_another_node() -> None:
    """The node hangs up and goes away, so that the repetition finds nobody: that alone would look like one unsent."""
    seen: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n")).decode())
        port = writer.get_extra_info("sockname")[1]
        servers.pop(port).close()
        writer.close()

    listening = [await asyncio.start_server(connected, "127.0.0.1", 0) for _ in range(2)]
    servers = {server.sockets[0].getsockname()[1]: server for server in listening}
    async with transport(*(f"http://127.0.0.1:{port}" for port in servers)) as opened:
        with pytest.raises(ClusterUnreachable):
            await opened.call("PUT", "/x", ANN, body={})
    for server in servers.values():
        server.close()
    assert seen == ["PUT /x HTTP/1.1\r\n"]


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 405, 409])
async def test_any_status_is_an_answer(status: int) -> None:
    async with node({"GET /": reply(status, {"a": 1})}) as one, transport(one.url) as opened:
        got = await opened.call("GET", "/", ANN)
    assert (got.status, got.good) == (status, status < 300)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_cluster_that_cannot_is_no_answer(status: int) -> None:
    async with node({"GET /x": refusal(status, reason="too busy")}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match=rf"^GET /x: status {status} \(too busy\)$"):
            await opened.call("GET", "/x?secret=1", ANN)
        assert len(one.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(raw=b"<html>hello</html>"),
        reply(200, None, ("x", "y"), raw=b"{"),
        reply(raw=b"\xff\xfe"),
        reply(raw=b"[" * 200_000 + b"]" * 200_000),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nhtml",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\ntext",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/yaml\r\ncontent-length: 6\r\n\r\n---\n- 1"[:-2],
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_json_is_no_answer(answer: bytes) -> None:
    async with node({"GET /x": [answer]}, hangs_up=True) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match=r"^GET /x: "):
            await opened.call("GET", "/x", ANN)


async def test_nothing_is_an_empty_answer() -> None:
    async with node({"GET /x": reply(200, raw=b"")}) as one, transport(one.url) as opened:
        assert (await opened.call("GET", "/x", ANN)).content == {}


@pytest.mark.parametrize("status", [202, 204, 206, 300, 302, 304, 399])
async def test_a_status_of_something_in_between_is_no_answer(status: int) -> None:
    """Elasticsearch has none of these; an empty body must not pass for one that says nothing."""
    answer = f"HTTP/1.1 {status} Odd\r\nlocation: /y\r\ncontent-length: 0\r\n\r\n".encode()
    async with node({"GET /x": answer}) as one, transport(one.url) as opened:
        for sink in (None, Pieces()):
            with pytest.raises(ClusterUnreachable, match=rf"^GET /x: status {status} "):
                await opened.call("GET", "/x", ANN, sink=sink)
        assert one.calls == ["GET /x", "GET /x"]


async def test_a_slow_cluster_is_no_answer() -> None:
    async with node({"GET /x": reply()}, pause_s=3) as one, transport(one.url, timeout_s=0.05) as opened:
        # Who waited for longer would get the answer.
        with pytest.raises(ClusterUnreachable, match="timed out"):
            await opened.call("GET", "/x", ANN)
        with pytest.raises(ClusterUnreachable, match="timed out"):
            await opened.call("GET", "/x", ANN, timeout_s=0.01)


async def test_a_cluster_that_is_down_is_no_answer() -> None:
    async with transport(nowhere()) as opened:
        with pytest.raises(ClusterUnreachable, match=r"^GET /x: .*127\.0\.0\.1:9"):
            await opened.call("GET", "/x", ANN)


async def test_what_is_safe_to_ask_again_is_asked_of_the_next_node() -> None:
    async with (
        node({"GET /x": reply(), "POST /x": reply(), "PUT /x": reply()}) as one,
        transport(nowhere(), one.url) as opened,
    ):
        for _ in range(4):
            assert (await opened.call("GET", "/x", ANN)).good
            assert (await opened.call("POST", "/x", ANN, safe=True)).good


async def test_what_could_not_be_sent_is_sent_to_the_next_node() -> None:
    async with node({"PUT /x": reply(201)}) as one, transport(nowhere(), nowhere() + "/", one.url) as opened:
        for _ in range(4):
            assert (await opened.call("PUT", "/x", ANN, body={})).status == 201
        assert len(one.seen) == 4


async def test_what_is_not_safe_is_sent_once() -> None:
    async with node({"POST /x": b""}) as one, node({"POST /x": b""}) as two, transport(one.url, two.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await opened.call("POST", "/x", ANN, body={})
        assert len(one.seen) + len(two.seen) == 1


async def test_a_refused_question_is_not_asked_again() -> None:
    scripts = {"GET /x": refusal(503)}
    async with node(scripts) as one, node(scripts) as two, transport(one.url, two.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await opened.call("GET", "/x", ANN)
        assert len(one.seen) + len(two.seen) == 1


async def test_connections_are_kept() -> None:
    async with node({"GET /x": reply()}) as one, transport(one.url) as opened:
        for _ in range(5):
            await opened.call("GET", "/x", ANN)
        assert one.connections == 1
        await asyncio.gather(*(opened.call("GET", "/x", ANN) for _ in range(20)))
        assert one.connections <= 20


async def test_asking_wants_success() -> None:
    async with (
        node({"GET /x": reply(200, [1]), "GET /y": refusal(404, "t", "gone")}) as one,
        transport(one.url) as opened,
    ):
        assert await opened.ask("GET", "/x", ANN) == [1]
        with pytest.raises(Exception, match="gone") as told:
            await opened.ask("GET", "/y", ANN)
    assert told.value.body() == {  # type: ignore[attr-defined]  # a PassedOn
        "error": {"root_cause": [{"type": "t", "reason": "gone"}], "type": "t", "reason": "gone"},
        "status": 404,
    }


@pytest.mark.parametrize(
    ("content", "type", "reason"),
    [
        ({"error": {"type": "t", "reason": "r"}}, "t", "r"),
        ({"error": "no handler found for uri [/x]"}, "exception", "no handler found for uri [/x]"),
        ({"error": {}}, "None", "None"),
        ({}, "exception", "the cluster answered with status 400"),
        ([1], "exception", "the cluster answered with status 400"),
        ("text", "exception", "the cluster answered with status 400"),
        ({"message": "from a proxy"}, "exception", "the cluster answered with status 400"),
    ],
)
def test_a_refusal_is_the_clusters_words(content: object, type: str, reason: str) -> None:
    told = refusal_of(Reply(status=400, content=content, headers={}))
    assert (told.status, told.type, told.reason) == (400, type, reason)
    assert told.body()["status"] == 400
    assert "error" in told.body()


async def test_all_challenges_go_along() -> None:
    challenges = (("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"'), ("WWW-Authenticate", "ApiKey"))
    async with node({"GET /x": reply(401, {"error": "x"}, *challenges)}) as one, transport(one.url) as opened:
        assert refusal_of(await opened.call("GET", "/x", ANN)).headers == challenges


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("flights", "flights"),
        ("a,b*", "a,b*"),
        ("<logs-{now/d}>", "%3Clogs-%7Bnow%2Fd%7D%3E"),
        ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
        ("ü +", "%C3%BC%20%2B"),
    ],
)
async def test_names_are_quoted_and_arrive_so(name: str, segment: str) -> None:
    assert quoted(name) == segment
    async with node({f"GET /{segment}": reply()}) as one, transport(one.url) as opened:
        assert (await opened.call("GET", f"/{quoted(name)}", ANN)).good
        assert one.seen[0].line == f"GET /{segment} HTTP/1.1"


def test_replies_do_not_show_what_they_hold() -> None:
    assert "secret" not in repr(Reply(status=200, content={"secret": 1}, headers={"x": "secret"}))


def test_the_node_of_these_tests_remembers() -> None:
    assert Node().calls == []


class Pieces:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = False
        self.content = b""

    def begin(self) -> None:
        self.begun += 1
        self.content = b""

    def feed(self, chunk: bytes) -> None:
        self.content += chunk

    def finish(self) -> None:
        self.ended = True


async def test_a_sink_takes_an_answer_and_no_refusal() -> None:
    async with node({"GET /a": [reply(200, {"a": 1}), refusal(404)]}) as one, transport(one.url) as opened:
        taken, untouched = Pieces(), Pieces()
        got = await opened.call("GET", "/a", ANN, sink=taken)
        assert (got.status, got.content, taken.content, taken.ended) == (200, {}, b'{"a": 1}', True)
        got = await opened.call("GET", "/a", ANN, sink=untouched)
        assert (got.status, refusal_of(got).reason, untouched.begun) == (404, "no", 0)
        assert (await opened.call("GET", "/b", ANN)).content["status"] == 404


@pytest.mark.parametrize(("busy_s", "rests"), [(0.005, True), (0.0, False)])
async def test_reading_rests_where_it_keeps_the_process_busy(
    busy_s: float, rests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long answer comes as fast as it is read, and threads would wait for the interpreter; a short one must not."""
    # Far apart, so that a machine which is busy with other things does not decide.
    monkeypatch.setattr(cluster_node, "REST_S", 0.03 if rests else 4.0)
    monkeypatch.setattr(cluster_node, "BUSY_S", 0.004 if rests else 1.0)

    class Busy(Pieces):
        fed = 0

        def feed(self, chunk: bytes) -> None:
            self.fed += 1
            super().feed(chunk)
            time.sleep(busy_s)

    body = b"x" * (1_000_000 if rests else 10)
    async with node({"GET /a": reply(200, raw=body)}) as one, transport(one.url) as opened:
        await opened.call("GET", "/a", ANN, sink=Pieces())  # the connection is there
        taken = Busy()
        begun = time.monotonic()
        await opened.call("GET", "/a", ANN, sink=taken)
        took_s = time.monotonic() - begun
        assert taken.content == body
        assert took_s > taken.fed * 0.03 if rests else took_s < 4.0


async def test_a_sink_begins_anew_where_another_node_is_asked() -> None:
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n" + b'{"a": '
    script = {"GET /a": [cut, b""]}
    async with (
        node(script, hangs_up=True) as broken,
        node({"GET /a": reply(200, {"b": 2})}) as good,
        transport(broken.url, good.url) as opened,
    ):
        for _ in range(2):
            taken = Pieces()
            await opened.call("GET", "/a", ANN, sink=taken)
            assert (taken.content, taken.ended) == (b'{"b": 2}', True)


async def test_an_answer_that_is_cut_off_does_not_end_in_the_sink() -> None:
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n" + b'{"a": {}}'
    async with node({"GET /a": cut}, hangs_up=True) as one, transport(one.url) as opened:
        taken = Pieces()
        with pytest.raises(ClusterUnreachable, match=r"^GET /a: "):
            await opened.call("GET", "/a", ANN, sink=taken)
        assert not taken.ended


async def test_an_answer_that_is_held_has_a_limit() -> None:
    limits = GateLimits(cluster_answer_bytes=8)
    async with (
        node(
            {"GET /a": reply(200, {"a": 1}), "GET /b": reply(200, {"a": 12}), "GET /c": reply(403, {"error": "no"})}
        ) as one,
        transport(one.url, limits=limits) as opened,
    ):
        assert (await opened.call("GET", "/a", ANN)).content == {"a": 1}
        for path in ("/b", "/c"):
            with pytest.raises(
                ClusterUnreachable, match=rf"^GET {path}: .* 8 bytes \(limits.gate.cluster_answer_bytes\)"
            ):
                await opened.call("GET", path, ANN)
        taken = Pieces()
        await opened.call("GET", "/b", ANN, sink=taken)
        assert taken.content == b'{"a": 12}'
