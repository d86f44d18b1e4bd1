"""No input of the wire's fuzzer starts anything through a front: the same bytes as for Startgate alone, and some over
HTTP/2. `python -m tests.real.fronts_campaign` sends more of them.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import trustme

from proxy.fronts.model import Front
from tests.fuzz.campaign import directly
from tests.fuzz.case import Case
from tests.fuzz.drive import Outcome
from tests.fuzz.grammar import content, spelled, start
from tests.fuzz.mutate import escape, insert
from tests.fuzz.nodes import hardened
from tests.fuzz.origin import Origin
from tests.fuzz.seeds import inputs, seeds
from tests.fuzz.words import PATH
from tests.real.fronts import CONTROLLERS, NGINX, PROGRAMS, Program
from tests.real.fronts_campaign import faults, fronted, run_through
from tests.real.http2 import Connection, Field
from tests.real.node import RealNode
from tests.real.versions import selected

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Through each front on each release; the written ones are among them.
INPUTS = 700
# Through each expression of the manifests.
FEWER = 600
# Over HTTP/2, each by a stream of its own.
STREAMS = 800
AT_ONCE = 40
HOST = b"es.example.org"
SMUGGLED = start().replace(b"TAGTAGTAG", b"x")


def reaches(origin: Origin) -> int:
    """How often something arrived that some server would take for a start."""
    return sum(fault.startswith("reach") for fault in origin.check())


@pytest.mark.real
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_no_input_starts_anything_on_a_genuine_node(program: Program, real_node: RealNode) -> None:
    seed = 20 + [version.number for version in selected()].index(real_node.version.number)
    with hardened(real_node):
        run = run_through(program, real_node.port, real_node.hits, seed=seed, count=INPUTS, seconds=400)
        assert run.failures == [], run.report()
        assert real_node.hits() == 0
        # Enough came through, and enough was held off, for the above to say something.
        assert run.figures["inputs"] == INPUTS > len(seeds())
        assert run.figures["starts that the gate was asked about"] > INPUTS / 20
        assert run.figures["status 200"] > INPUTS / 10


@pytest.mark.real
def test_the_same_inputs_start_jobs_where_nothing_is_between(real_node: RealNode) -> None:
    with hardened(real_node):
        figures = asyncio.run(directly(real_node.port, enumerate(inputs(20, 400)), float("inf")))
    assert figures["directly: reached the start handler"] > 50


def test_a_front_whose_rule_is_about_the_plain_spelling_is_found_out() -> None:
    def naive(front: Front) -> str:
        return (
            NGINX.text(front)
            .replace("default startgate;", "default nodes;")
            .replace('"~*data_frame"', '"~^/_ml/.*_start$"')
        )

    with Origin() as origin:
        program = replace(NGINX, text=naive)
        run = run_through(program, origin.port, lambda: reaches(origin), seed=30, count=60, seconds=400)
        assert {fault.partition(":")[0] for failure in run.failures for fault in failure.what} == {"reach"}


@pytest.mark.parametrize(
    ("data", "ended", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Opaque-Id: zp0000001.0\r\nContent-Length: 0\r\n\r\n", True, None),
        (b"<html>", True, None),
        (b"", False, "hang"),
        (b"HTTP/1.1 200 OK\r\nX-Oracle: start\r\nContent-Length: 0\r\n\r\n", True, "reach"),
        (b"HTTP/1.1 200 OK\r\nX-Opaque-Id: zp0000002.0\r\nContent-Length: 0\r\n\r\n", True, "wrong request"),
        (b"HTTP/1.1 200 OK\r\nX-Opaque-Id: zp0000001.h\r\nContent-Length: 0\r\n\r\n", True, "wrong request"),
    ],
)
def test_what_no_front_may_do(data: bytes, ended: bool, kind: str | None) -> None:
    figures: Counter[str] = Counter()
    found = faults(Case((b"GET /",), sound=True), b"zp0000001", Outcome(data, ended), figures)
    assert [fault.partition(":")[0] for fault in found] == ([] if kind is None else [kind])
    assert figures["inputs"] == 1


@pytest.mark.parametrize("program", CONTROLLERS, ids=lambda program: program.name)
def test_no_input_starts_anything_by_the_expressions_of_the_manifests(program: Program) -> None:
    with Origin() as origin:
        run = run_through(program, origin.port, lambda: reaches(origin), seed=30, count=FEWER, seconds=400)
        assert run.failures == [], run.report()
        assert reaches(origin) == 0
        assert run.figures["inputs"] == FEWER
        assert run.figures["starts that the gate was asked about"] > FEWER / 20
        assert origin.requests > FEWER / 10


def streams(seed: int, count: int) -> Iterator[tuple[list[Field], bytes]]:
    """Header fields and bodies that a front may turn into another request of HTTP/1.1: paths as somebody might spell
    them, and the ways to smuggle that have names (H2.CL, H2.TE, line ends in names, values and pseudo-fields)."""
    chance = Random(seed)  # noqa: S311 -- repeatable on purpose
    for _ in range(count):
        path = spelled(chance) if chance.random() < 0.5 else chance.choice((b"/_search", PATH, PATH + b"/"))
        body = chance.choice((b"", content(chance), SMUGGLED, b"0\r\n\r\n" + SMUGGLED)).replace(b"TAGTAGTAG", b"x")
        fields = {b":method": b"POST", b":scheme": b"https", b":authority": HOST, b":path": path}
        if chance.random() < 0.5:
            _make_odd(chance, fields, len(body))
        yield list(fields.items()), body


def _make_odd(chance: Random, fields: dict[bytes, bytes], size: int) -> None:
    path_end = b" HTTP/1.1\r\nHost: es\r\n\r\n" + SMUGGLED
    odd: Sequence[Field] = (
        (b":method", chance.choice((b"GET", b"HEAD", b"post", b"CONNECT", b"GET /x" + path_end))),
        (b":scheme", chance.choice((b"http", b"x\r\ny: z"))),
        (b":authority", chance.choice((b"a/b", b"es" + path_end))),
        (b":path", chance.choice((escape, insert))(chance, fields[b":path"])),
        (b":path", fields[b":path"] + path_end),
        (b":path", b"/_search" + path_end),
        (b"content-length", chance.choice((b"0", b"4", b"%d" % size, b"+1", b"0, 0"))),
        (b"transfer-encoding", chance.choice((b"chunked", b"identity, chunked"))),
        (b"x-a", b"b\r\n\r\n" + SMUGGLED),
        (b"x-a: b\r\nx-b", b"c"),
        (b"expect", chance.choice((b"100-continue", b"magic"))),
        (b"connection", b"content-length"),
        (b"upgrade", b"h2c"),
        (b"x-http-method-override", b"POST"),
        (b"host", b"other\r\n\r\n" + SMUGGLED),
        (b"te", b"trailers"),
    )
    fields.update(chance.sample(odd, chance.choice((1, 1, 2))))


def ask_all(port: int, ca: str, asked: Sequence[tuple[list[Field], bytes]]) -> Counter[str]:
    """Asks each on one connection as long as that lasts, then on another; what came of them, counted."""
    figures: Counter[str] = Counter()
    left = list(asked)
    while left:
        try:
            with Connection(port, HOST.decode(), ca) as connection:
                while left:
                    fields, body = left.pop()
                    answer = connection.ask(fields, body)
                    figures["refused" if answer is None else "answered"] += 1
                    assert b"oracle: start" not in (answer or b"")
        except OSError:
            figures["connections ended"] += 1
    return figures


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_nothing_starts_anything_over_http2(program: Program, tmp_path: Path) -> None:
    authority, ca, certificate = trustme.CA(), tmp_path / "ca", tmp_path / "front"
    issued = authority.issue_cert(HOST.decode())
    authority.cert_pem.write_to_path(ca)
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(tmp_path / "front.key")
    asked = list(streams(40, STREAMS))
    with Origin() as origin:
        with (
            fronted(program, origin.port, str(certificate)) as (running, proxy),
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            parts = [asked[at::AT_ONCE] for at in range(AT_ONCE)]
            figures = sum(pool.map(lambda part: ask_all(running.port, str(ca), part), parts), Counter[str]())
            assert proxy.asked > STREAMS / 50
        assert reaches(origin) == 0, origin.faults
        assert origin.requests > STREAMS / 20
        assert figures["answered"] > STREAMS / 10
