"""What the fuzzer begins with, and the stream of inputs that a seed stands for."""

from collections.abc import Iterator
from random import Random

from tests.fuzz import words
from tests.fuzz.case import PLACE, Case
from tests.fuzz.grammar import pipeline, sentinel, start
from tests.fuzz.mutate import mutant
from tests.real.spellings.table import table

# As many products of the grammar are changed by the mutator beside the written seeds.
GROWN = 400


def _named() -> tuple[Case, ...]:
    """Every spelling that is tried on genuine nodes by name, its first request tagged, the sentinel behind it."""
    cases = []
    for spelling in table():
        whole = b"".join(spelling.parts).replace(b"Host: es\r\n", b"Host: es\r\nX-Opaque-Id: " + PLACE + b".0\r\n", 1)
        cases.append(Case((whole, sentinel())))
    return tuple(cases)


def _classes() -> tuple[Case, ...]:
    """The classes of smuggling and desynchronisation that have names, each in its plainest form."""
    hidden, size = start(), len(start())
    host = b" HTTP/1.1\r\nHost: es\r\nX-Opaque-Id: " + PLACE + b".0\r\n"
    post, get, head = b"POST " + words.ECHO + host, b"GET " + words.ECHO + host, b"HEAD " + words.ECHO + host
    te, cl = b"Transfer-Encoding: chunked\r\n", b"Content-Length: %d\r\n"
    # An inner chunk that spells a start: its size line is the start's first line to whoever reads the length.
    inner = b"%x\r\n" % size + hidden + b"\r\n0\r\n\r\n"
    forms = (
        ("CL.TE", post + cl % (5 + size) + te + b"\r\n0\r\n\r\n" + hidden),
        ("TE.CL", post + te + cl % 4 + b"\r\n" + inner),
        ("TE.TE", post + te + b"Transfer-Encoding: cow\r\n" + cl % 4 + b"\r\n" + inner),
        ("CL.0", get + cl % size + b"\r\n" + hidden),
        ("0.CL", post + b"Content-Length : %d\r\n\r\n" % size + hidden),
        ("chunk extension", post + te + b"\r\n2;\n{}\r\n0\r\n\r\n" + hidden),
        ("chunk terminator", post + te + b"\r\n2\r\n{}\n0\r\n\r\n" + hidden),
        ("chunk size overflow", post + te + b"\r\n100000000\r\n\r\n" + hidden),
        ("obs-fold", post + b"X-A: b\r\n Transfer-Encoding: chunked\r\n" + cl % 5 + b"\r\n0\r\n\r\n" + hidden),
        ("bare CR", get + b"X-A: b\r\rPOST " + words.PATH + b" HTTP/1.1\r\nHost: es\r\n\r\n"),
        ("bare LF", get + b"X-A: b\n\n" + hidden),
        ("header injection", b"GET /_oracle/echo/x%0d%0a%0d%0a" + host + b"X-A: a%0d%0a\r\n\r\n" + hidden),
        ("trailers", post + te + b"\r\n0\r\n" + cl % size + b"\r\n" + hidden),
        ("body of a HEAD", head + cl % size + b"\r\n" + hidden),
        ("expect", get + b"Expect: 100-continue\r\n" + cl % size + b"\r\n" + hidden),
        ("unknown expectation", get + b"Expect: magic\r\n" + cl % size + b"\r\n" + hidden),
        ("after an error", b"GET /%zz" + host + b"\r\n" + hidden),
        ("after a refused head", get + b"X-A: " + b"a" * 17000 + b"\r\n\r\n" + hidden),
        ("HTTP/0.9", b"POST " + words.PATH + b"\r\n"),
        ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" + hidden),
        ("CONNECT", b"CONNECT es:9200" + host + b"\r\n" + hidden),
        ("method override", b"GET " + words.PATH + host + b"X-HTTP-Method-Override: POST\r\n\r\n"),
        ("upgrade", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + hidden),
        ("absolute form", b"POST http://es" + words.PATH + host + b"\r\n"),
        ("authority form", b"POST es:9200" + host + b"\r\n" + hidden),
    )
    whole = [Case((data, sentinel())) for _, data in forms]
    # After a timeout: the rest comes when nobody waits for it any more.
    return (*whole, Case((post + cl % size + b"\r\n", hidden, sentinel())), Case((hidden[:20], hidden[20:])))


def seeds() -> tuple[Case, ...]:
    """All that was written by hand."""
    return (*_named(), *_classes())


def inputs(seed: int, count: int) -> Iterator[Case]:
    """The inputs of a seed: what was written, then mutants and new pipelines. The same for the same seed,
    whatever `count` cuts off."""
    chance = Random(seed)  # noqa: S311 -- repeatable on purpose
    written = seeds()
    grown = [pipeline(chance) for _ in range(GROWN)]
    source = (*written, *grown)
    for at in range(count):
        if at < len(written):
            yield written[at]
        elif chance.random() < 0.35:
            yield pipeline(chance)
        else:
            yield mutant(chance, source)
