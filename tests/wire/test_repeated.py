"""A decoder that remembers must say of every head what the strict decoder says, whatever came before it."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.wire import repeated
from proxy.wire.answer import AnswerHead, decode_answer, encode_answer
from proxy.wire.errors import WireError
from proxy.wire.framing import CHUNKED
from proxy.wire.limits import HeadLimits
from proxy.wire.repeated import AnswerDecoder, RequestDecoder
from proxy.wire.request import RequestHead, decode_request, encode_request

LIMITS = HeadLimits()
SEARCH = (
    b"POST /a/_search HTTP/1.1\r\nHost: node:9200\r\nContent-Length: 41\r\nConnection: keep-alive\r\n"
    b"Authorization: ApiKey c2VjcmV0\r\nAccept: */*\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: node:9200\r\nAccept: */*\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: a/b\r\n\r\n"


class Counter:
    """Counts how often the strict decoders are asked, which answer as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0

        def request(data: bytes, limits: HeadLimits) -> RequestHead | None:
            self.asked += 1
            return decode_request(data, limits)

        def answer(data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
            self.asked += 1
            return decode_answer(data, limits, head=head)

        monkeypatch.setattr(repeated, "decode_request", request)
        monkeypatch.setattr(repeated, "decode_answer", answer)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


def said(decode: Callable[[], object]) -> object:
    """What a decoder gives, a refusal included."""
    try:
        return decode()
    except WireError as fault:
        return fault.status, fault.reason


def same_request(decoder: RequestDecoder, data: bytes, limits: HeadLimits = LIMITS) -> object:
    """What the decoder says of `data`, which is what the strict one says. What is known again passes on as it would if
    it were encoded."""
    right = said(lambda: decode_request(data, limits))
    if decoder.again(data):
        assert isinstance(right, RequestHead)
        known = (decoder.method, decoder.target, decoder.framing, decoder.end)
        assert known == (right.method, right.target, right.framing, right.end)
        plain = right.minor == 1 and right.keep_alive and right.has_host and not right.expects and right.framing >= 0
        if decoder.plain or plain:
            assert (decoder.plain, plain) == (True, True)
            assert decoder.message(data) == encode_request(right, rest=data[right.end :])
    told = said(lambda: decoder.decode(data))
    assert told == right
    return told


def same_answer(decoder: AnswerDecoder, data: bytes, *, head: bool = False, limits: HeadLimits = LIMITS) -> object:
    """As `same_request`."""
    right = said(lambda: decode_answer(data, limits, head=head))
    if not head and decoder.again(data, limits):
        assert isinstance(right, AnswerHead)
        assert (decoder.status, decoder.framing, decoder.end) == (right.status, right.framing, right.end)
        assert right.keep_alive
        assert decoder.message(data) == encode_answer(right, minor=1, keep_alive=True) + data[right.end :]
    told = said(lambda: decoder.decode(data, limits, head=head))
    assert told == right
    return told


def taught(*heads: bytes, limits: HeadLimits = LIMITS) -> RequestDecoder:
    """A decoder that has seen these heads, each twice: the first of all is not remembered."""
    decoder = RequestDecoder(limits)
    for head in heads:
        same_request(decoder, head, limits)
        same_request(decoder, head, limits)
    return decoder


def taught_answer(*heads: bytes, limits: HeadLimits = LIMITS) -> AnswerDecoder:
    """As `taught`."""
    decoder = AnswerDecoder()
    for head in heads:
        same_answer(decoder, head, limits=limits)
        same_answer(decoder, head, limits=limits)
    return decoder


class TestRequests:
    @pytest.mark.parametrize("head", [SEARCH, GET, SEARCH.replace(b"1.1", b"1.0"), GET.replace(b"Accept", b"accept")])
    def test_what_comes_again_is_known_again(self, head: bytes, strict: Counter) -> None:
        decoder = taught(head)
        before = strict.asked
        for _ in range(5):
            same_request(decoder, head + b"body")
        assert (before, strict.asked) == (2, 2)

    @pytest.mark.parametrize(
        ("old", "new"),
        [(b" /a/_search ", b" /another/_doc/1?pretty "), (b"POST", b"PUT"), (b": 41\r", b": 7\r"), (b": 41", b": 000")],
    )
    def test_target_method_and_length_may_be_others(self, old: bytes, new: bytes, strict: Counter) -> None:
        decoder = taught(SEARCH)
        before = strict.asked
        told = same_request(decoder, SEARCH.replace(old, new))
        assert isinstance(told, RequestHead)
        assert strict.asked == before

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"c2VjcmV0", b"b3RoZXIh"),
            (b"HTTP/1.1", b"HTTP/1.0"),
            (b"HTTP/1.1", b"HTTP/1.2"),
            (b"Content-Length: 41", b"Content-Length: "),
            (b"Content-Length: 41", b"Content-Length: -1"),
            (b"Content-Length: 41", b"Content-Length: +41"),
            (b"Content-Length: 41", b"Content-Length: 4 1"),
            (b"Content-Length: 41", b"Content-Length: 41 "),
            (b"Content-Length: 41", b"Content-Length: 0x29"),
            (b"Content-Length: 41", b"Content-Length: \xb2"),
            (b"Content-Length: 41", b"Content-Length: " + b"1" * 19),
            (b"Content-Length: 41", b"Content-Length: 41\r\nContent-Length: 41"),
            (b"Content-Length: 41", b"Content-Length: 41\nX: y"),
            (b"Content-Length: 41", b"Content-Length: 41\rX: y"),
            (b"Content-Length: 41", b"Transfer-Encoding: chunked"),
            (b"Content-Length: 41", b"Content-Length : 41"),
            (b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (b"\r\n\r\n", b"\r\n\n"),
            (b"\r\n\r\n", b"\r\n"),
            (b"Host: node:9200\r\n", b""),
            (b"POST", b"\r\nPOST"),
            (b"POST", b"PO ST"),
            (b" /a/_search ", b"  "),
        ],
    )
    def test_what_differs_is_for_the_strict_decoder(self, old: bytes, new: bytes, strict: Counter) -> None:
        decoder = taught(SEARCH)
        before = strict.asked
        same_request(decoder, SEARCH.replace(old, new, 1))
        assert strict.asked == before + 1

    def test_a_head_that_comes_in_pieces_is_incomplete_until_its_last_byte(self) -> None:
        for head in (SEARCH, GET):
            decoder = taught(head)
            assert [same_request(decoder, head[:end]) for end in range(len(head))] == [None] * len(head)
            assert same_request(decoder, head) is not None

    def test_limits_hold_as_ever(self, strict: Counter) -> None:
        limits = HeadLimits(line_bytes=len(b"POST /a/_search HTTP/1.1"), head_bytes=len(SEARCH) + 5, fields=5)
        decoder = taught(SEARCH, limits=limits)
        same_request(decoder, SEARCH, limits)
        assert strict.asked == 2
        assert same_request(decoder, SEARCH.replace(b"_search", b"_searchX"), limits) == (
            414,
            f"the request line is longer than {limits.line_bytes} bytes",
        )
        long = SEARCH.replace(b": 41", b": 0000041")
        assert isinstance(same_request(decoder, long, limits), RequestHead)
        assert same_request(decoder, SEARCH.replace(b": 41", b": 00000041"), limits) == (
            431,
            f"the head is larger than {limits.head_bytes} bytes",
        )

    def test_the_first_head_of_a_connection_is_not_remembered(self, strict: Counter) -> None:
        decoder = RequestDecoder(LIMITS)
        same_request(decoder, SEARCH)
        same_request(decoder, SEARCH)
        same_request(decoder, SEARCH)
        assert strict.asked == 2

    def test_a_client_whose_heads_all_differ_is_given_up(self, strict: Counter) -> None:
        decoder = RequestDecoder(LIMITS)
        for number in range(9):
            same_request(decoder, GET.replace(b"node", b"node-%d" % number))
        strict.asked = 0
        for _ in range(3):
            same_request(decoder, GET)
        assert strict.asked == 3

    def test_one_that_changes_now_and_then_is_not(self, strict: Counter) -> None:
        decoder = RequestDecoder(LIMITS)
        for number in range(9):
            for _ in range(3):
                same_request(decoder, GET.replace(b"node", b"node-%d" % number))
        assert strict.asked == 10, "twice the first, once each of the others"

    def test_a_value_that_was_another_may_be_any(self, strict: Counter) -> None:
        decoder = RequestDecoder(LIMITS)
        for number in range(9):
            told = same_request(decoder, SEARCH.replace(b"c2Vj", b"%d" % number).replace(b"*/*", b"%x \xff;q" % number))
            assert isinstance(told, RequestHead)
            assert b"ApiKey %dcmV0\r" % number in told.section
        assert strict.asked == 3, "unknown, learnt, and learnt where it differs"

    def test_values_that_differ_one_after_the_other_are_learnt_each(self, strict: Counter) -> None:
        decoder = RequestDecoder(LIMITS)
        for number in range(20):
            same_request(decoder, SEARCH.replace(b"c2Vj", b"%d" % (number // 7)).replace(b"*/*", b"%d" % (number // 3)))
        assert strict.asked == 4

    @pytest.mark.parametrize(
        "value",
        [b"", b" x", b"x ", b"\tx", b"x\t", b"x\x00y", b"x\x7f", b"x\ny", b"x\ry", b"x\r\nContent-Length: 5",
         b"x\r\nTransfer-Encoding: chunked", b"x\r\n y", b"x\r\nConnection: close", b"x\r"],
    )  # fmt: skip
    def test_a_value_that_may_be_any_is_a_value(self, value: bytes, strict: Counter) -> None:
        decoder = taught(GET, GET.replace(b"*/*", b"x"))
        before = strict.asked
        same_request(decoder, GET.replace(b"*/*", b"z"))
        assert strict.asked == before
        same_request(decoder, GET.replace(b"*/*", value))
        assert strict.asked == before + 1

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            (b"Host", (b"a", b"b", b"c")),
            (b"Connection", (b"keep-alive", b"close", b"x-a")),
            (b"Connection", (b"x-a", b"x-b", b"accept-encoding")),
            (b"Transfer-Encoding", (b"chunked", b"Chunked", b"gzip")),
            (b"Expect", (b"100-continue", b"100-Continue", b"200-ok")),
            (b"X-Startgate-Peer", (b"a", b"b", b"c")),
            (b"TE", (b"trailers", b"b", b"c")),
        ],
    )
    def test_what_means_anything_to_a_proxy_may_not_differ(
        self, name: bytes, values: tuple[bytes, bytes, bytes], strict: Counter
    ) -> None:
        heads = [b"PUT /a HTTP/1.1\r\nX-A: 1\r\nX-B: 1\r\n%b: %b\r\n\r\n" % (name, value) for value in values]
        if name != b"Host":
            heads = [head.replace(b"X-A", b"Host: x\r\nX-A") for head in heads]
        decoder = RequestDecoder(LIMITS)
        for _ in range(3):
            for head in heads:
                before = strict.asked
                same_request(decoder, head)
                assert strict.asked == before + 1

    def test_a_field_that_connection_names_never_passes_whatever_its_value(self) -> None:
        decoder = RequestDecoder(LIMITS)
        for number in range(9):
            head = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: %d\r\nConnection: X-A\r\nX-B: %d\r\n\r\n" % (number, number)
            told = same_request(decoder, head)
            assert isinstance(told, RequestHead)
            assert told.section == b"\nHost: x\r\nX-B: %d\r" % number

    @pytest.mark.parametrize("name", [b"a", b"Z", b"x-"])
    def test_names_may_not_differ(self, name: bytes, strict: Counter) -> None:
        decoder = taught(GET)
        same_request(decoder, GET.replace(b"Accept", name))
        same_request(decoder, GET)
        assert strict.asked == 4

    def test_large_sections_are_not_kept(self, strict: Counter) -> None:
        decoder = taught(GET.replace(b"*/*", b"x" * 5000))
        same_request(decoder, GET.replace(b"*/*", b"x" * 5000))
        assert strict.asked == 3

    @pytest.mark.parametrize("name", [b"content-length", b"CONTENT-LENGTH", b"Content-length"])
    def test_a_length_that_connection_names_is_refused_each_time(self, name: bytes) -> None:
        head = b"PUT / HTTP/1.1\r\nHost: x\r\n%b: 1\r\nConnection: %b\r\n\r\n" % (name, name)
        decoder = taught(head)
        assert isinstance(same_request(decoder, head), tuple)


class TestAnswers:
    def test_what_comes_again_is_known_again(self, strict: Counter) -> None:
        decoder = taught_answer(ANSWER)
        told = same_answer(decoder, ANSWER.replace(b"length: 2", b"length: 12345") + b"{}")
        assert isinstance(told, AnswerHead)
        assert (strict.asked, told.framing, told.verbatim) == (2, 12345, True)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"200 OK", b"204 OK"),
            (b"length: 2", b"length: "),
            (b"length: 2", b"length: 2 "),
            (b"length: 2", b"length: -2"),
            (b"length: 2", b"length: 2, 2"),
            (b"length: 2", b"length: " + b"2" * 19),
            (b"length: 2", b"length: 2\nx: y"),
            (b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n"),
            (b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
            (b"\r\n\r\n", b"\r\n"),
            (b"1.1", b"1.0"),
        ],
    )
    def test_what_differs_is_for_the_strict_decoder(self, old: bytes, new: bytes, strict: Counter) -> None:
        decoder = taught_answer(ANSWER)
        before = strict.asked
        same_answer(decoder, ANSWER.replace(old, new, 1))
        assert strict.asked == before + 1

    def test_an_answer_to_head_has_no_body_whatever_came_before(self) -> None:
        decoder = taught_answer(ANSWER)
        told = same_answer(decoder, ANSWER, head=True)
        assert isinstance(told, AnswerHead)
        assert told.framing == 0
        decoder = AnswerDecoder()
        for _ in range(3):
            same_answer(decoder, ANSWER, head=True)
        told = same_answer(decoder, ANSWER)
        assert isinstance(told, AnswerHead)
        assert told.framing == 2

    @pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified", b"100 Continue", b"101 Switching"])
    def test_an_answer_that_may_have_no_body_is_judged_each_time(self, status: bytes) -> None:
        head = ANSWER.replace(b"200 OK", status).replace(b"length: 2", b"length: 0")
        decoder = taught_answer(head)
        same_answer(decoder, head)
        same_answer(decoder, head.replace(b"length: 0", b"length: 9"))

    @pytest.mark.parametrize("name", [b"Transfer-Encoding", b"transfer-encoding"])
    def test_chunked_answers_are_known_again_by_all_of_their_head(self, name: bytes, strict: Counter) -> None:
        chunked = ANSWER.replace(b"content-length: 2", name + b": chunked")
        decoder = taught_answer(chunked)
        told = same_answer(decoder, chunked + b"0\r\n\r\n")
        assert isinstance(told, AnswerHead)
        assert (strict.asked, told.framing, told.verbatim) == (2, CHUNKED, False)
        same_answer(decoder, chunked, limits=HeadLimits(head_bytes=len(chunked) - 1))
        same_answer(decoder, chunked, head=True)
        same_answer(decoder, chunked[:-1])
        same_answer(decoder, ANSWER)
        assert strict.asked == 6

    @pytest.mark.parametrize("line", [b"a: b", b"Keep-Alive: x\r\nContent-Length: 5", b"Connection: close"])
    @pytest.mark.parametrize("minor", [b"0", b"1"])
    def test_what_does_not_leave_as_it_came(self, line: bytes, minor: bytes, strict: Counter) -> None:
        answer = b"HTTP/1.%b 200 OK\r\nx: y\r\n%b\r\n\r\n" % (minor, line)
        decoder = taught_answer(answer)
        told = same_answer(decoder, answer)
        assert isinstance(told, AnswerHead)
        assert (strict.asked, told.verbatim) == (2, False)

    def test_what_a_node_repeats_of_a_request_may_differ(self, strict: Counter) -> None:
        decoder = AnswerDecoder()
        for number in range(9):
            head = ANSWER.replace(b"content-type", b"X-Opaque-Id: %d\r\ncontent-type" % number)
            told = same_answer(decoder, head)
            assert isinstance(told, AnswerHead)
            assert b"Id: %d\r" % number in told.section
        assert strict.asked == 3

    def test_limits_hold_as_ever(self) -> None:
        limits = HeadLimits(head_bytes=len(ANSWER) + 1)
        decoder = taught_answer(ANSWER, limits=limits)
        assert isinstance(same_answer(decoder, ANSWER.replace(b": 2\r", b": 22\r"), limits=limits), AnswerHead)
        assert isinstance(same_answer(decoder, ANSWER.replace(b": 2\r", b": 222\r"), limits=limits), tuple)


def edited(base: bytes) -> st.SearchStrategy[bytes]:
    """`base` with a byte or two put in, taken out, or exchanged, or with pieces that mean something to a parser."""
    pieces = st.sampled_from(
        [b"", b"\r\n", b"\n", b"\r", b" ", b"0", b"9", b":", b"\x00", b"Content-Length: 3\r\n", b"TE: x\r\n",
         b"HTTP/1.", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
         b"\r\n\r\n"]
    )  # fmt: skip
    edit = st.tuples(st.integers(0, len(base)), st.integers(0, 12), pieces)

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        data = base
        for at, width, piece in edits:
            data = data[:at] + piece + data[at + width :]
        return data

    return st.lists(edit, max_size=2).map(apply)


@settings(max_examples=300)
@given(st.lists(st.one_of(edited(SEARCH), edited(GET), st.sampled_from([SEARCH, GET])), max_size=9))
@example([SEARCH, SEARCH, SEARCH.replace(b"Content-Length: 41\r\n", b"")])
def test_requests_are_understood_the_same_in_any_order(heads: list[bytes]) -> None:
    decoder = RequestDecoder(LIMITS)
    for head in heads:
        same_request(decoder, head)
        same_request(decoder, head)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.one_of(edited(ANSWER), edited(CHUNKS), st.just(ANSWER)), st.booleans()), max_size=9))
def test_answers_are_understood_the_same_in_any_order(heads: list[tuple[bytes, bool]]) -> None:
    decoder = AnswerDecoder()
    for data, head in heads:
        same_answer(decoder, data, head=head)
        told = same_answer(decoder, data, head=head)
        if isinstance(told, AnswerHead) and told.verbatim:
            assert encode_answer(told, minor=1, keep_alive=True) == data[: told.end]


# What a head may be made of, for the next: lines that mean something to a proxy and such as do not, in order and not.
NAMES = (
    b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"connection", b"Expect", b"TE",
    b"Upgrade", b"Keep-Alive", b"X-Startgate-Plan", b"x-startgate-explain", b"X-A", b"x-a", b"X-B", b"Authorization",
    b"Te-a", b"Hosts",
)  # fmt: skip
VALUES = (
    b"a", b"x y", b"5", b"00005", b"5, 5", b"+5", b"9" * 18, b"1" + b"0" * 18, b"chunked", b"gzip, chunked", b"close",
    b"keep-alive", b"X-A", b"x-a, X-B, close", b"te", b"content-length", b"100-continue", b"200-ok", b"", b" ", b"\xff",
    b"a ", b"\ta", b"a\x00b", b"a\x7f", b"a\rb", b"a\nb", b"a\r\n b", b"a\r\nX-B: c", b": ",
)  # fmt: skip
USUAL = (b"Host: n", b"X-A: 1", b"X-B: 2", b"Authorization: q", b"Content-Length: 5", b"Connection: keep-alive")
REQUESTS = (
    b"GET / HTTP/1.1", b"POST /a/_search HTTP/1.1", b"PUT /_ml/data_frame/analytics/x HTTP/1.1", b"HEAD * HTTP/1.1",
    b"GET http://h/ HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET / HTTP/1.0", b"GET / HTTP/1.2", b"GET  / HTTP/1.1", b"",
)  # fmt: skip
STATUSES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 404 \xff", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not",
    b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 Switching", b"HTTP/1.0 200 OK", b"HTTP/1.1 600 No", b"HTTP/1.1 20 OK",
)  # fmt: skip
LITTLE = HeadLimits(line_bytes=24, head_bytes=130, fields=6)
CONVERSATIONS, HEADS = 1500, 10


class Conversation:
    """Heads one after the other on a connection, each the last one changed in a step or two."""

    def __init__(self, chance: Random, starts: tuple[bytes, ...]) -> None:
        self._chance = chance
        self._starts = starts
        self._start = starts[0]
        self._lines = [*USUAL[: chance.randrange(1, 4)], self._line(), *USUAL[chance.randrange(4, 6) :]]
        self._before = (self._start, self._lines)

    def _line(self) -> bytes:
        return self._chance.choice(NAMES) + b": " + self._chance.choice(VALUES)

    def _changed(self, line: bytes) -> list[bytes]:
        """What takes the place of a line."""
        chance = self._chance
        name, number = line.partition(b":")[0], b"%d" % chance.randrange(10 ** chance.randint(1, 19))
        value = b"%b: %b" % (name, chance.choice(VALUES) if chance.random() < 0.4 else number)
        wide = name + b" :  x"
        others: tuple[list[bytes], ...] = (
            [],
            [line] * 2,
            [line, self._line()],
            [self._line()],
            [line.swapcase()],
            [wide],
        )
        return [value] if chance.random() < 0.8 else chance.choice(others)

    def next(self) -> bytes:
        """One more head, and what comes behind it."""
        chance = self._chance
        self._before = (self._start, list(self._lines))
        if chance.random() < 0.15:
            self._start = chance.choice(self._starts)
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            if self._lines:
                at = chance.randrange(len(self._lines))
                self._lines[at : at + 1] = self._changed(self._lines[at])
        head = b"".join(line + b"\r\n" for line in [self._start, *self._lines]) + b"\r\n"
        return head + chance.choice((b"", b"", b"{}", b"\r\n", head))

    def back(self) -> None:
        """The last head was refused: the next one is like the one before it."""
        self._start, self._lines = self._before

    def pieces(self, data: bytes) -> list[bytes]:
        """What there is of `data` each time that more of it has come."""
        chance = self._chance
        cuts = sorted(chance.sample(range(len(data)), 2)) if chance.random() < 0.2 else []
        return [data[:cut] for cut in (*cuts, len(data))]


def test_a_client_that_changes_its_head_step_by_step(strict: Counter) -> None:
    chance = Random(6)  # noqa: S311 -- repeatable on purpose
    known = 0
    for _ in range(CONVERSATIONS):
        limits = chance.choice((LIMITS, LITTLE))
        decoder, client = RequestDecoder(limits), Conversation(chance, REQUESTS)
        for _ in range(HEADS):
            before = strict.asked
            for data in client.pieces(client.next()):
                told = same_request(decoder, data, limits)
                if isinstance(told, RequestHead):
                    # Also what goes on: no byte of it is another request's.
                    right = decode_request(data, limits)
                    assert right is not None
                    assert encode_request(told, rest=data[told.end :]) == encode_request(right, rest=data[right.end :])
                elif told is not None:
                    client.back()
                    break
            known += strict.asked == before
    assert known > CONVERSATIONS / 2


def test_a_server_that_changes_its_head_step_by_step(strict: Counter) -> None:
    chance = Random(7)  # noqa: S311 -- repeatable on purpose
    known = 0
    for _ in range(CONVERSATIONS):
        limits = chance.choice((LIMITS, LITTLE))
        decoder, server = AnswerDecoder(), Conversation(chance, STATUSES)
        for _ in range(HEADS):
            before = strict.asked
            head = chance.random() < 0.1
            for data in server.pieces(server.next()):
                told = same_answer(decoder, data, head=head, limits=limits)
                if isinstance(told, AnswerHead) and told.verbatim:
                    assert encode_answer(told, minor=1, keep_alive=True) == data[: told.end]
                elif isinstance(told, tuple) and not isinstance(told, AnswerHead):
                    server.back()
                    break
            known += strict.asked == before
    assert known > CONVERSATIONS / 2
