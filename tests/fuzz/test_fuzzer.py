"""The fuzzer itself: what it is there to find, it finds, tells from what is right, and makes small."""

import asyncio
import contextlib
import time
from collections import Counter
from random import Random

import pytest

from proxy.wire import repeated
from proxy.wire.errors import WireError
from proxy.wire.limits import HeadLimits
from proxy.wire.repeated import RequestDecoder
from proxy.wire.request import RequestHead, decode_request
from tests.fuzz.broken import MARK, in_parts, wrong
from tests.fuzz.campaign import through
from tests.fuzz.case import PLACE, Case, from_text, tag_of
from tests.fuzz.drive import Outcome, send
from tests.fuzz.grammar import pipeline, sentinel, start
from tests.fuzz.heard import Unreadable, answers
from tests.fuzz.judge import faults
from tests.fuzz.mutate import known, mutant
from tests.fuzz.origin import Origin
from tests.fuzz.readings import READINGS, read_all
from tests.fuzz.seeds import inputs, seeds
from tests.fuzz.shrink import shrink

TAG = tag_of(7)
OK = b"HTTP/1.1 200 OK\r\nX-Opaque-Id: %b\r\nContent-Length: 2\r\n\r\nok"


def case(*numbers: int, sound: bool = False) -> Case:
    """Requests with these numbers, one behind the other."""
    request = b"GET /x HTTP/1.1\r\nHost: es\r\nX-Opaque-Id: TAGTAGTAG.%d\r\n\r\n"
    return Case((b"".join(request % number for number in numbers),), sound)


def judged(sent: Case, data: bytes, *, ended: bool = True) -> list[str]:
    """The kinds of the faults in an outcome."""
    return [what.partition(":")[0] for what in faults(sent, TAG, Outcome(data, ended), Counter())]


class TestJudge:
    def test_what_is_right_is_no_fault(self) -> None:
        assert judged(case(0, 1), OK % (TAG + b".0") + OK % (TAG + b".1")) == []
        assert judged(case(0, 1), OK % (TAG + b".1")) == []
        assert judged(case(0), b"") == []

    def test_an_answer_to_another_connection(self) -> None:
        assert judged(case(0), OK % (tag_of(8) + b".0")) == ["wrong request", "wrong request"]

    def test_a_body_of_another_connection(self) -> None:
        data = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + tag_of(8) + b".0"
        assert judged(case(0), data) == ["wrong request"]

    def test_answers_in_another_order_or_twice(self) -> None:
        assert judged(case(0, 1), OK % (TAG + b".1") + OK % (TAG + b".0")) == ["wrong request"]
        assert judged(case(0, 1), OK % (TAG + b".0") + OK % (TAG + b".0")) == ["wrong request"]

    def test_an_answer_to_what_a_body_held(self) -> None:
        held = Case((start(),), sound=True)
        assert judged(held, OK % (TAG + b".h")) == ["wrong request"]

    def test_a_hang_the_start_handler_and_what_is_no_answer(self) -> None:
        assert judged(case(0), b"", ended=False) == ["hang"]
        assert judged(case(0), b"HTTP/1.1 200 OK\r\nX-Oracle: start\r\nContent-Length: 0\r\n\r\n") == ["reach"]
        assert judged(case(0), b"nonsense") == ["unreadable"]


class TestAnswers:
    def test_framings(self) -> None:
        data = (
            b"HTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n"
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
            b"HTTP/1.1 200 OK\r\n\r\nto the end"
        )
        found = [(answer.status, answer.body, answer.whole) for answer in answers(data, heads=False)]
        assert found == [(200, b"ok", True), (204, b"", True), (404, b"no", True), (200, b"to the end", True)]

    def test_answers_to_head(self) -> None:
        data = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + OK % b"x"
        assert [answer.body for answer in answers(data, heads=True)] == [b"", b"ok"]
        assert [answer.body for answer in answers(data, heads=[True, False])] == [b"", b"ok"]

    @pytest.mark.parametrize("cut", range(1, 60, 7))
    def test_what_is_cut_is_told(self, cut: int) -> None:
        data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
        assert not any(answer.whole for answer in answers(data[:-cut], heads=False))

    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz and more than a size\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\njunk behind it",
        ],
    )
    def test_what_is_no_answer(self, data: bytes) -> None:
        with pytest.raises(Unreadable):
            answers(data, heads=False)


class TestReadings:
    """Each kind of leniency makes a difference where it should, and none where it should not."""

    BODY = b"2\r\n{}\r\n0\r\n\r\n"
    HEAD = b"POST /x HTTP/1.1\r\n"

    @pytest.mark.parametrize(
        "data",
        [
            HEAD + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n" + start(),
            HEAD + b"A: b\n\nGET / HTTP/1.1\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n100000000\r\n\r\n" + start(),
        ],
    )
    def test_they_differ(self, data: bytes) -> None:
        assert len({tuple(read_all(data, how)) for how in READINGS}) > 1

    @pytest.mark.parametrize(
        "data",
        [
            HEAD + b"Content-Length: 2\r\n\r\n{}" + HEAD + b"\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + BODY + HEAD + b"\r\n",
            HEAD + b"Content-Length: %d\r\n\r\n" % len(start()) + start() + HEAD + b"\r\n",
        ],
    )
    def test_they_agree(self, data: bytes) -> None:
        readings = {tuple(read_all(data, how)) for how in READINGS}
        assert [len(found) for found in readings] == [2]
        assert not any(seen.starts for found in readings for seen in found)

    @pytest.mark.parametrize("path", ["/_ml/%64ata_frame/analytics/x/_start", "//_ml/data_frame/analytics/x/_start;a"])
    def test_starts_are_found(self, path: str) -> None:
        (seen,) = read_all(f"POST {path} HTTP/1.1\r\n\r\n".encode(), READINGS[0])
        assert seen.starts


class TestInputs:
    def test_every_input_can_be_kept_and_read_back(self) -> None:
        for one in inputs(3, 900):
            assert from_text("# why\n" + one.text()) == Case(one.parts)

    @pytest.mark.parametrize("text", ["GET /", "'text'", "b'a' + b'b'", "[b'a']"])
    def test_what_is_no_input_is_told(self, text: str) -> None:
        with pytest.raises(ValueError, match="line 1 is not bytes"):
            from_text(text)

    def test_a_seed_is_always_the_same_and_another_is_not(self) -> None:
        written = len(seeds())
        one, again, other = (list(inputs(seed, written + 500)) for seed in (7, 7, 8))
        assert one == again
        assert one[:written] == other[:written] == list(seeds())
        assert sum(a == b for a, b in zip(one[written:], other[written:], strict=True)) < 50

    def test_a_tag_is_put_in_where_a_part_ends_in_it_too(self) -> None:
        whole = sentinel()
        at = whole.index(PLACE) + 4
        tagged = Case((whole[:at], whole[at:])).tagged(TAG)
        assert tagged.data == whole.replace(PLACE, TAG)
        assert [len(part) for part in tagged.parts] == [at, len(whole) - at]

    def test_mutants_and_pipelines_never_fail_to_be_made(self) -> None:
        chance = Random(5)  # noqa: S311 -- repeatable on purpose
        cases = [pipeline(chance) for _ in range(300)]
        assert sum(one.sound for one in cases) > 30
        for _ in range(3000):
            assert not mutant(chance, [*cases, Case((b"",)), Case((b"a",))]).sound

    def test_mutants_meet_an_edge_that_knows_their_heads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        strict: list[bytes] = []

        def decode(data: bytes, limits: HeadLimits) -> RequestHead | None:
            strict.append(data)
            return decode_request(data, limits)

        monkeypatch.setattr(repeated, "decode_request", decode)
        chance = Random(7)  # noqa: S311 -- repeatable on purpose
        told = 0
        for _ in range(300):
            decoder, head = RequestDecoder(HeadLimits()), known(pipeline(chance).data)
            with contextlib.suppress(WireError):
                told += [decoder.decode(head) is not None for _ in range(3)] == [True] * 3
        assert told > 200
        assert len(strict) < 300 * 3 - 150, "most of the third ones were known"

    def test_wrong_answers_are_cut_only_before_their_end(self) -> None:
        chance = Random(6)  # noqa: S311 -- repeatable on purpose
        for _ in range(2000):
            data = wrong(chance)
            parts = in_parts(chance, data)
            assert b"".join(parts) == data
        good = (OK % MARK) * 2
        cuts = {len(parts[0]) for parts in (in_parts(chance, good) for _ in range(200)) if len(parts) == 2}
        assert cuts
        assert max(cuts) < len(good) / 2


async def test_shrinking_keeps_what_makes_it_fail() -> None:
    noisy = Case((b"GET / HTTP/1.1\r\nHost: es\r\nX-A: ", b"bad byte\r\n", b"\r\nmore"))

    async def fails(one: Case) -> bool:
        return b"bad" in one.data and b"GET" in one.data

    small = await shrink(noisy, fails)
    assert (small.data, small.parts) == (b"GETbad", (b"GETbad",))


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (start(), {"reach"}),
        (b"GET / HTTP/1.1\r\nX: y\n\n" + start() + b"\r\n\r\n", {"ambiguous", "reach"}),
        (
            TestReadings.HEAD + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            {"ambiguous"},
        ),
        (sentinel() * 2, set()),
    ],
)
def test_what_arrives_without_a_proxy_is_told_by_the_origin(data: bytes, kinds: set[str]) -> None:
    with Origin() as origin:
        outcome = asyncio.run(send(origin.port, Case((data,)).tagged(TAG), quiet_s=0.5))
        assert {fault.partition(":")[0] for fault in origin.check()} == kinds
    assert outcome.data.startswith(b"HTTP/1.1 ")


async def test_the_input_that_reached_is_found_in_its_batch() -> None:
    reached: list[bytes] = []

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(65536)
        reached.extend([data] if b"bad" in data else [])
        writer.close()

    server = await asyncio.start_server(closes, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        cases = [(number, Case((b"bad" if number in (33, 71) else b"good",))) for number in range(100)]
        run = await through(port, cases, lambda: len(reached), time.monotonic() + 60)
    assert [failure.number for failure in run.failures] == [33, 71]
    assert "reach: the start handler was reached\nb'bad'" in run.report()
