"""The start itself: every byte of target, headers and body goes on as it came, and the answer comes back so."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from proxy.cluster.forward import Forwarder
from proxy.errors import ClusterUnreachable, Refusal
from proxy.gate.request import parameters_of, read_request
from proxy.model import Answer
from proxy.settings import ClusterTls
from tests.cluster.nodes import node, nowhere, refusal, reply
from tests.gate.fakes import arrived, tried

TARGET = "/_ml/data_frame/analytics/outliers/_start"
CALL = f"POST {TARGET}"
GOOD = reply(200, {"acknowledged": True})


@asynccontextmanager
async def forwarder(*nodes: str, tls: ClusterTls | None = None) -> AsyncIterator[Forwarder]:
    opened = Forwarder(nodes, tls or ClusterTls())
    try:
        yield opened
    finally:
        await opened.close()


async def forwarded(
    *nodes: str, target: str = TARGET, headers: Sequence[tuple[str, str]] = (), body: bytes = b"", timeout_s: float = 5
) -> Answer:
    async with forwarder(*nodes) as opened:
        return await opened.forward(target, headers, body, timeout_s)


@pytest.mark.parametrize(
    "target",
    [
        TARGET,
        TARGET + "///",
        TARGET.replace("outliers", "%6Futliers"),
        TARGET.replace("outliers", "a%2Fb%20c%25%E4"),
        TARGET + "?timeout=5s;pretty&filter_path=a%2Cb,+c",
        TARGET + '?a=[1]&b={2}&c=\\|^`"<>',
        TARGET + "?a=//x?y:z@w",
        TARGET + "?a=%zz%",
    ],
)
async def test_the_target_is_sent_as_it_came(target: str) -> None:
    async with node({f"POST {target.partition('?')[0]}": GOOD}) as one:
        assert (await forwarded(one.url, target=target)).status == 200
        assert one.seen[0].line == f"POST {target} HTTP/1.1"


@given(
    st.text(st.sampled_from("az09-._%62F/\\@:[]{}|^"), max_size=12),
    st.text(st.sampled_from("aprety=&;%2/?#@:[]{}|^\\'\"<>+"), max_size=20),
)
def test_what_is_judged_is_what_is_sent(segment: str, query: str) -> None:
    """No target that names a start to the gate names anything else on the wire."""
    target = TARGET.replace("outliers", segment or "a") + (f"?{query}" if query else "")
    start = arrived(target=target)
    if isinstance(tried(lambda: read_request(start, parameters_of(target))), Refusal):
        return
    sent = URL("http://127.0.0.1:9200" + target, encoded=True).raw_path_qs
    assert sent == target.partition("#")[0].removesuffix("?")


@pytest.mark.parametrize("tail", ["#x", "?pretty#x?y", "?"])
async def test_what_ends_a_query_may_be_left_off(tail: str) -> None:
    """To Elasticsearch a `#` ends the query, and an empty query is none: the meaning is the same."""
    async with node({CALL: GOOD}) as one:
        await forwarded(one.url, target=TARGET + tail)
        assert one.seen[0].line == f"POST {TARGET}{'?pretty' if 'pretty' in tail else ''} HTTP/1.1"


async def test_headers_are_sent_in_order_with_duplicates() -> None:
    headers = [
        ("Host", "es.example:9200"),
        ("Authorization", "Basic YW5u"),
        ("X-Dup", "1"),
        ("x-DUP", "2"),
        ("Cookie", "a=b"),
        ("es-secondary-authorization", "Basic Ym9i"),
        ("X-Empty", ""),
        ("Accept-Encoding", "br"),
        ("Content-Type", "application/json"),
        ("X-Word", "ä"),
    ]
    async with node({CALL: GOOD}) as one:
        await forwarded(one.url, headers=headers, body=b"{}")
        sent = one.seen[0].headers
    kept = [(name, value.encode("latin-1").decode()) for name, value in sent if name.lower() != "content-length"]
    # The name of a header has no case; of two spellings the first is used for both.
    assert kept == [("X-Dup" if name == "x-DUP" else name, value) for name, value in headers]
    assert one.seen[0].header("content-length") == "2"


async def test_nothing_is_added_but_the_framing() -> None:
    async with node({CALL: GOOD}) as one:
        await forwarded(one.url)
        assert {name.lower() for name, _ in one.seen[0].headers} == {"host", "content-length"}
        assert one.seen[0].header("content-length") == "0"


async def test_hop_by_hop_headers_stay_behind() -> None:
    names = ["Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length"]
    async with node({CALL: GOOD}) as one:
        await forwarded(one.url, headers=[(name, "7") for name in [*names, "Proxy-Connection"]], body=b"abc")
        assert {name.lower() for name, _ in one.seen[0].headers} == {"host", "content-length"}
        assert one.seen[0].body == b"abc"


async def test_a_path_of_the_node_comes_first() -> None:
    async with node({f"POST /es{TARGET}": GOOD}) as one:
        assert (await forwarded(f"{one.url}/es/")).status == 200


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503])
async def test_any_answer_is_the_answer(status: int) -> None:
    """Redirects, too: nobody is sent elsewhere with somebody's credentials."""
    more = (("Location", "http://127.0.0.1:9/"), ("Warning", "1"), ("warning", "2"))
    async with node({CALL: reply(status, {"x": 1}, *more)}) as one:
        got = await forwarded(one.url)
        assert len(one.seen) == 1
    assert got == Answer(
        status=status,
        headers=(
            ("content-type", "application/json"),
            ("Location", "http://127.0.0.1:9/"),
            ("Warning", "1"),
            ("warning", "2"),
        ),
        body=b'{"x": 1}',
    )


async def test_a_compressed_answer_is_left_alone() -> None:
    body = gzip.compress(b'{"acknowledged":true}')
    async with node({CALL: reply(200, None, ("content-encoding", "gzip"), raw=body)}) as one:
        got = await forwarded(one.url)
    assert (got.body, got.headers) == (body, (("content-encoding", "gzip"),))


async def test_a_chunked_answer_is_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: \xc3\xa4\r\nY: \xe4\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    async with node({CALL: chunked}) as one:
        got = await forwarded(one.url)
    assert (got.body, got.headers) == (b"{}", (("X", "ä"), ("Y", "ä")))


async def test_an_early_answer_is_not_the_answer() -> None:
    async with node({CALL: b"HTTP/1.1 102 Processing\r\n\r\n" + GOOD}) as one:
        assert (await forwarded(one.url)).status == 200


async def test_a_node_that_is_down_is_passed_over() -> None:
    async with node({CALL: GOOD}) as one:
        assert (await forwarded(nowhere(), nowhere(), one.url)).status == 200


async def test_a_node_that_does_not_answer_the_call_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even connected in time: nothing was sent."""
    full = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = full.sockets[0].getsockname()[1]
    full.sockets[0]
    real = asyncio.get_running_loop().sock_connect

    async def black_hole(sock: object, address: tuple[str, int]) -> None:
        if address[1] == port:
            await asyncio.sleep(30)
        await real(sock, address)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", black_hole)
    monkeypatch.setattr("proxy.cluster.forward.CONNECT_S", 0.05)
    async with node({CALL: GOOD}) as one:
        assert (await forwarded(f"http://127.0.0.1:{port}", one.url)).status == 200
    full.close()


async def test_with_no_node_up_that_is_said() -> None:
    with pytest.raises(ClusterUnreachable, match=r"no node could be reached: .*127\.0\.0\.1:9"):
        await forwarded(nowhere(), nowhere())


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-"],
)
async def test_a_start_that_was_sent_is_never_sent_again(answer: bytes) -> None:
    async with node({CALL: [answer]}, hangs_up=True) as one, node({CALL: GOOD}) as two:
        with pytest.raises(
            ClusterUnreachable, match=r"the start was sent to http://127\.0\.0\.1:\d+ and no whole answer"
        ):
            await forwarded(one.url, two.url)
        assert (len(one.seen), len(two.seen)) == (1, 0)


async def test_nor_over_a_connection_that_was_kept() -> None:
    """A kept connection may break just as a start is sent over it: whether it arrived, nobody knows."""
    async with node({CALL: [GOOD, b""]}) as one, node({CALL: GOOD}) as two, forwarder(one.url, two.url) as opened:
        assert (await opened.forward(TARGET, (), b"", 5)).status == 200
        with pytest.raises(ClusterUnreachable):
            await opened.forward(TARGET, (), b"", 5)
        assert (one.connections, len(one.seen), len(two.seen)) == (1, 2, 0)


async def test_an_answer_is_waited_for_only_so_long() -> None:
    async with node({CALL: GOOD}, pause_s=3) as one, node({CALL: GOOD}) as two:
        # Who waited for longer would get the answer.
        with pytest.raises(ClusterUnreachable, match="TimeoutError"):
            await forwarded(one.url, two.url, timeout_s=0.1)
        assert len(two.seen) == 0


async def test_cookies_are_not_kept() -> None:
    async with node({CALL: reply(200, {}, ("Set-Cookie", "a=1"))}) as one, forwarder(one.url) as opened:
        for _ in range(2):
            await opened.forward(TARGET, (), b"", 5)
        assert one.seen[1].header("cookie") is None


async def test_many_starts_at_once() -> None:
    async with node({CALL: refusal(409)}, pause_s=0.02) as one, forwarder(one.url) as opened:
        got = await asyncio.gather(*(opened.forward(TARGET, (), b"", 5) for _ in range(50)))
        assert {answer.status for answer in got} == {409}


async def test_over_tls_the_certificate_is_checked(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    async with node({CALL: GOOD}, tls=context) as one:
        async with forwarder(one.url, tls=ClusterTls(ca=str(bundle))) as opened:
            assert (await opened.forward(TARGET, (), b"", 5)).status == 200
        async with forwarder(one.url) as opened:
            with pytest.raises(ClusterUnreachable, match=r"no node could be reached: .*certificate"):
                await opened.forward(TARGET, (), b"", 5)
        assert len(one.seen) == 1
