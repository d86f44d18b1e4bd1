"""Benchmarks that hold figures to bars: each runs with counts so small that they mean nothing, and counts right."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench import bars, bulk, children, latency, pace, soak, soak_watch, workers
from bench.bulk import Way
from bench.certificate import trusting_anybody
from bench.load import LoadResult
from bench.soak_traffic import KINDS, Fault, Scene, life, link
from bench.soak_watch import Held, Trend
from bench.targets import Target
from tests.test_bench import run, written


@asynccontextmanager
async def node(answer: bytes, requests: int = 1, pause_s: float = 0.0) -> AsyncIterator[int]:
    """A node for one connection; its port. It gives so many requests the same answer, to the first after a pause."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(requests):
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0 if number else pause_s)
                length = re.search(rb"Content-Length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(answer)
            await writer.drain()
            await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await done.wait()


_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


def scene_at(port: int) -> Scene:
    """Where no more than a connection is wanted."""
    return Scene(port=port, tls_port=0, tls=trusting_anybody(), starter="", stranger="")


@pytest.mark.slow
def test_bulk_measures_every_way() -> None:
    printed = run("bench.bulk", "--rounds", "1", "--mebibytes", "1", "--peers", "startgate")
    for way in Way:
        assert re.search(rf"^{way}: startgate +\d+", printed, re.MULTILINE), printed
        assert re.search(rf"^{way}: direct +\d+$", printed, re.MULTILINE), printed
    written(printed)


@pytest.mark.slow
def test_idle_measures_with_and_without_tls() -> None:
    printed = run("bench.idle", "--connections", "4", "--tls-connections", "2", "--peers", "startgate")
    assert re.search(r"^startgate +4 .*<= 12\.0 ", printed, re.MULTILINE), printed
    assert re.search(r"^startgate-tls +2 .*\d$", printed, re.MULTILINE), printed
    written(printed)


@pytest.mark.slow
def test_latency_measures_the_node_and_the_edge() -> None:
    few = ("--rounds", "1", "--seconds", "0.05", "--requests", "40")
    printed = run("bench.latency", *few, "--peers", "startgate")
    for name in ("direct", "startgate"):
        assert re.search(rf"^{name}\b.*\d", printed, re.MULTILINE), printed
    written(printed)


@pytest.mark.slow
def test_workers_measures_one_and_two() -> None:
    printed = run("bench.workers", "--rounds", "1", "--requests", "40", "--connections", "4")
    for row in ("1 worker ", "2 workers "):
        assert re.search(rf"^{row} *\d", printed, re.MULTILINE), printed
    written(printed)


@pytest.mark.slow
async def test_every_kind_of_soaking_traffic_is_played_without_a_fault() -> None:
    async with soak.running() as place:
        pids = await soak.serving(place)
        assert sorted(pids) == ["edge-1", "edge-2", "gate", "supervisor"]
        async with asyncio.timeout(60):
            for kind, _, _ in KINDS:
                await kind(place.scene)
        watch = soak_watch.Watch(pids)
        watch.sample()
        assert all(held[0].mib > 1 and held[0].descriptors > 3 for held in watch.samples.values())
        assert "edge-2" in watch.shown()


async def test_a_wrong_status_is_a_fault_of_the_soak() -> None:
    async with node(_REFUSAL) as port:
        with pytest.raises(Fault, match="503 Service Unavailable"):
            await life(scene_at(port), tls=False)


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 3),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n", 13),
    ],
)
async def test_the_soak_reads_answers_whole(answer: bytes, length: int) -> None:
    async with node(answer) as port, link(scene_at(port)) as connection:
        await connection.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await connection.answer() == length


@pytest.mark.parametrize(
    ("value", "least", "told"),
    [(1.0, False, "<= 1.50 holds"), (1.504, False, "<= 1.50 holds"), (1.51, False, "<= 1.50 MISSED"),
     (1.51, True, ">= 1.50 holds"), (1.49, True, ">= 1.50 MISSED")],
)  # fmt: skip
def test_a_bar_is_told_with_whether_it_is_held(value: float, least: bool, told: str) -> None:
    assert bars.beside(value, 1.5, least=least) == told


def test_bulk_is_measured_against_the_better_way_to_set_nginx_up() -> None:
    samples = {
        ("direct", Way.UPLOAD): [bulk.Sample(mib_per_cpu_s=0, mib_per_s=9000)],
        ("nginx", Way.UPLOAD): [bulk.Sample(mib_per_cpu_s=500, mib_per_s=1)],
        ("nginx-streaming", Way.UPLOAD): [bulk.Sample(mib_per_cpu_s=each, mib_per_s=1) for each in (1900, 2000, 9000)],
        ("startgate", Way.UPLOAD): [bulk.Sample(mib_per_cpu_s=1300, mib_per_s=700)],
    }
    every = {(name, way): each for (name, _), each in samples.items() for way in Way}
    found = {row[0]: row[1:] for row in bulk.rows(bulk.medians(every))}
    assert found["upload: startgate"] == ["1300", "0.65", ">= 0.70 MISSED", "700"]
    assert found["upload: nginx"] == ["500", "0.25", "", "1"]
    assert found["download: nginx-streaming"] == ["2000", "1.00", "", "1"]
    assert found["upload: direct"] == ["", "", "", "9000"]


def test_bodies_in_chunks_pass(tmp_path: Path) -> None:
    port = children.free_port()
    with children.child(children.python("bench.sink", str(port)), log=tmp_path / "log", listens=port):
        bulk.upload_chunked(port, 2 * 1024 * 1024)
        bulk.download_chunked(port, 64 * 1024)


async def test_paced_requests_are_all_answered(tmp_path: Path) -> None:
    port = children.free_port()
    with children.child(children.python("bench.origin", str(port)), log=tmp_path / "log", listens=port):
        result = await pace.pace(port, connections=2, per_second=2000, seconds=0.02, heads="typical")
    assert result.requests == 40
    assert 0 < result.p50_us <= result.p99_us


async def test_a_paced_request_is_late_from_when_it_was_due() -> None:
    """One connection, and a node that answers nothing before the last request was due."""
    async with node(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", requests=10, pause_s=0.1) as port:
        result = await pace.pace(port, connections=1, per_second=1000, seconds=0.01, heads="same")
    assert result.requests == 10
    # Even the last was due long before the first answer.
    assert result.p50_us > 50_000


async def test_pace_fails_on_a_refusal() -> None:
    async with node(_REFUSAL) as port:
        with pytest.raises(ConnectionError, match="503 Service Unavailable"):
            await pace.pace(port, connections=1, per_second=1000, seconds=0.005, heads="same")


def test_latency_is_told_beside_that_of_nginx() -> None:
    def of_rounds(*p99: float, common: float = 300) -> latency.Found:
        rounds = [LoadResult(requests=1, seconds=1, p50_us=100, p99_us=each) for each in (*p99, common)]
        return latency.Found(top=50_000, own=rounds[:-1], common=rounds[-1:])

    nginx = of_rounds(150, 200, 9000)
    target = Target(name="startgate", version="1", port=1, pid=1)
    row = latency.row(target, of_rounds(100, 320, 400), nginx)
    assert row == ["startgate 1", "50000", "25000", "0.100", "0.320", "1.60", "<= 1.50 MISSED", "0.100", "0.300"]
    busier = of_rounds(9000, common=100)
    assert latency.row(target, of_rounds(100, 320, 400), busier)[5] == "3.20"
    assert latency.row(target, of_rounds(100), None)[5:7] == ["", ""]


def test_throughput_of_workers_is_told_only_where_each_has_a_share() -> None:
    def of_speed(per_second: float) -> workers.Sample:
        return workers.Sample(per_second=per_second, cpu_us=20, busiest=0.5)

    samples = {1: [of_speed(10_000)], 2: [of_speed(17_000), of_speed(19_000), of_speed(20_000)]}
    assert workers.rows(samples, limited=True)[1] == ["2 workers", "20.0", "0.50", "19000", "1.90", ">= 1.80 holds"]
    assert workers.rows(samples, limited=False)[1] == ["2 workers", "20.0", "0.50", "", "", ""]


def test_listeners_are_counted_by_port() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
        "   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000\n"
        "   3: 0100007F:1F91 00000000:0000 0A 00000000:00000000\n"
    )
    assert workers.listeners(8080, table) == 2
    assert workers.listeners(8082, table) == 0


@pytest.mark.parametrize(
    ("points", "slope"),
    [
        ([], 0.0),
        ([(5.0, 7.0)], 0.0),
        ([(5.0, 7.0), (5.0, 9.0)], 0.0),
        ([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)], 2.0),
        ([(0.0, 0.0), (1.0, 2.0), (2.0, 0.0)], 0.0),
    ],
)
def test_a_slope_is_that_of_the_fitted_line(points: list[tuple[float, float]], slope: float) -> None:
    assert soak_watch.slope(points) == pytest.approx(slope)


def test_a_trend_leaves_the_warm_up_out() -> None:
    samples = [Held(at=float(at), mib=20 + 5 * at if at < 10 else 70.0 + at / 10, descriptors=9) for at in range(41)]
    found = soak_watch.trend("edge-1", samples)
    assert found.mib == pytest.approx((71.0, 74.0))
    assert found.grown_mib == pytest.approx(3.0)
    assert found.mib_per_hour == pytest.approx(360.0)
    assert found.descriptors == pytest.approx((9.0, 9.0))


def of_growth(mib: float, descriptors: float) -> Trend:
    """What a process came to that grew so far."""
    return Trend(name="edge-1", mib=(30.0, 30.0 + mib), descriptors=(20.0, 20.0 + descriptors), mib_per_hour=2 * mib)


def test_a_soak_is_flat_where_neither_memory_nor_descriptors_grow() -> None:
    assert soak.flat([of_growth(1.9, 0), of_growth(-5, -3)])
    assert not soak.flat([of_growth(0, 0), of_growth(2.1, 0)])
    assert not soak.flat([of_growth(0, 11)])
    (row,) = soak.rows([of_growth(2.5, 1)])
    assert row == ["edge-1", "30.0", "32.5", "+5.0", "<= 2.0 MISSED", "20", "21", "<= 10 holds"]


def test_a_process_that_has_ended_ends_the_soak() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(ProcessLookupError, match="gate has ended"):
        soak_watch.Watch({"gate": ended.pid}).sample()
