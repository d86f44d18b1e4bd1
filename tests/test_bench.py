"""Every benchmark runs and prints its table, with counts so small that the figures mean nothing."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import beside, children, fleet, load, measure, memory, origin, plan_report, report, start, steady
from proxy.embedded.app import Received

ROOT = Path(__file__).resolve().parent.parent


# A bench that hangs must end; on a busy machine one may take minutes.
pytestmark = pytest.mark.timeout(300)


def run(module: str, *arguments: str) -> str:
    """What a benchmark prints; it fails the test where it ends with an error."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written(printed: str) -> dict[str, object]:
    """The JSON that a benchmark says it wrote; the file is removed."""
    found = re.search(r"^written to (.+)$", printed, re.MULTILINE)
    assert found, printed
    path = Path(found.group(1))
    record: dict[str, object] = json.loads(path.read_text())
    path.unlink()
    return record


@pytest.mark.slow
def test_wire_measures_the_node_a_plain_proxy_and_the_edge() -> None:
    printed = run(
        "bench.wire", "--rounds", "1", "--requests", "40", "--connections", "4", "--peers", "aiohttp", "startgate"
    )
    for name in ("direct", "aiohttp", "startgate"):
        assert re.search(rf"^{name}\b.*\d", printed, re.MULTILINE), printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    for name in ("aiohttp", "startgate"):
        assert record["figures"][name]["rounds"][0]["cpu_us"] > 0


@pytest.mark.slow
def test_memory_measures_every_case() -> None:
    printed = run("bench.memory", "--mebibytes", "1", "--clients", "5", "--peers", "startgate")
    assert len(re.findall(r"^startgate .*\d", printed, re.MULTILINE)) == 5, printed
    written(printed)


@pytest.mark.slow
def test_observe_measures_every_call() -> None:
    printed = run("bench.observe", "--jobs", "1")
    for call in ("PUT", "_update", "_stop", "DELETE"):
        for gate in ("gate", "stuck", "no gate"):
            assert re.search(rf"^{call}, {gate} .*\d", printed, re.MULTILINE), printed
    assert re.search(r"^DELETE +\d+", printed, re.MULTILINE), printed
    written(printed)


@pytest.mark.slow
def test_journal_measures_waits_beside_fsyncs(tmp_path: Path) -> None:
    printed = run("bench.journal", "--writers", "3", "--seconds", "0.3", "--folder", str(tmp_path))
    for pace in ("flat out", "paced"):
        for figure in ("durable records", "wait, p99", "fsync, p50", "records a batch"):
            assert re.search(rf"^{pace}: {figure} .*\d", printed, re.MULTILINE), printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    assert all(run["rate"] > 0 for run in record["figures"]["runs"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_start_measures_every_kind() -> None:
    printed = run("bench.start", "--starts", "4", "--clients", "2", "--samples", "2", "--settle", "0.05")
    for kind in ("first", "later", "denied", "refused"):
        assert re.search(rf"^{kind}\b.*\d", printed, re.MULTILINE), printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    assert all(figures["chain"] >= 1 and figures["cpu_ms"] > 0 for figures in record["figures"].values())
    for delay in (0, 1, 10):
        assert f"p50 at {delay} ms" in printed
        assert f"added at {delay}" in printed
    assert printed.count("\n| a start: ") == 3
    assert "\n| a start that the cluster refuses: " in printed
    removals = {kind: figures["removal"] for kind, figures in record["figures"].items()}
    assert removals.pop("refused") >= 1
    assert set(removals.values()) == {0}
    assert all(len(figures["added_ms"]) == len(start.DELAYS_MS) for figures in record["figures"].values())


@pytest.mark.slow
def test_capacity_measures_starts_and_what_is_kept_of_them() -> None:
    printed = run("bench.capacity", "--starts", "3", "--clients", "2", "--kept", "50")
    for kind, records in (("first", 150), ("denied", 50)):
        assert re.search(rf"^{kind}: journal +[\d,]+ +bytes a start", printed, re.MULTILINE), printed
        assert re.search(rf"^{kind}: 50 starts kept, {records} records +[\d,]+ ", printed, re.MULTILINE), printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    # Kept are the very records of those starts, under other receipts.
    for sustained, kept in zip(record["figures"]["sustained"], record["figures"]["kept"], strict=True):
        assert kept["size_bytes"] / kept["starts"] == pytest.approx(sustained["journal_bytes"], rel=0.05)


@pytest.mark.slow
def test_plan_measures_every_fleet_and_the_others() -> None:
    sizes = ("--indices", "2", "30", "--motley", "3")
    printed = run("bench.plan", *sizes, "--rounds", "1", "--starts", "4", "--per-second", "50")
    for case in ("fleet-2", "fleet-30", "motley-3", "alone", "beside fleet-30", "beside motley-3"):
        assert re.search(rf"^{case} .*\d", printed, re.MULTILINE), printed
    assert "| a start over 30 indices with 1,000 fields each, mostly alike (" in printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    assert [figures["indices"] for figures in record["figures"]["fleets"]] == [2, 30, 3]
    assert all(figures["cpu_ms"] > 0 for figures in record["figures"]["fleets"])
    assert [others["fleets"] >= 1 for others in record["figures"]["others"]] == [False, True, True]
    assert all(others["passing"] == 8 for others in record["figures"]["others"])


def of_fleet(sort: fleet.Sort, indices: int, cpu_ms: float, growth_mib: float = 3.0) -> plan_report.Fleet:
    """What a fleet might have cost."""
    return plan_report.Fleet(
        sort=sort, indices=indices, answer_mib=0.043 * indices, cpu_ms=cpu_ms, seconds=0.5, growth_mib=growth_mib
    )


def of_others(case: str, p99_ms: float, passing_p99_ms: float) -> beside.Others:
    """What others might have waited."""
    return beside.Others(
        case=case,
        starts=300,
        fleets=30,
        p50_ms=12.0,
        p99_ms=p99_ms,
        max_ms=99.0,
        passing=1500,
        passing_p50_ms=0.5,
        passing_p99_ms=passing_p99_ms,
    )


SIZES = [
    of_fleet(fleet.Sort.ALIKE, 1000, 60),
    of_fleet(fleet.Sort.ALIKE, 10_000, 310),
    of_fleet(fleet.Sort.MOTLEY, 200, 800, 90),
]


def test_each_figure_of_plan_has_its_bar() -> None:
    waited = [
        of_others("alone", 15, 1),
        of_others("beside fleet-10000", 55, 1.25),
        of_others("beside motley-200", 66, 3),
    ]
    assert plan_report.bars(SIZES, waited) == [
        ["CPU s over 10,000 indices", "0.31", "2.00", "holds"],
        ["MiB above the answer over 10,000 indices", "0.00", "64.00", "holds"],
        ["us/index at 10,000, at 1,000 at most", "31.00", "60.00", "holds"],
        ["ms that other starts wait beside fleet-10000, p99", "40.00", "50.00", "holds"],
        ["ms that passing requests wait beside fleet-10000, p99", "0.25", "1.00", "holds"],
        ["ms that other starts wait beside motley-200, p99", "51.00", "50.00", "MISSED"],
        ["ms that passing requests wait beside motley-200, p99", "2.00", "1.00", "MISSED"],
    ]


def test_plan_prints_the_rows_of_the_readme() -> None:
    waited = [
        of_others("alone", 15, 1),
        of_others("beside fleet-10000", 55, 1.25),
        of_others("beside motley-200", 66, 3),
    ]
    rows = plan_report.readme(SIZES, waited, {"cpus": 2, "processor": "AMD EPYC"})
    assert len(rows) == 3
    alike, motley, growth = rows
    assert "over 10,000 indices with 1,000 fields each, mostly alike (a mapping answer of 430 MiB) | 0.31 s" in alike
    assert "other starts wait 0 ms longer at the 50th and 40 ms at the 99th percentile (bar: 50), passing" in alike
    assert "passing requests 0.0 and 0.2 ms (bar: none) (" in alike
    assert "0.31 s of the gate's CPU (bar: 2), 3 MiB of its memory (bar: 64 above the answer's size); while" in alike
    assert "0.80 s of the gate's CPU, 90 MiB of its memory; while" in motley
    assert (
        "over 200 indices with 1,000 fields each, no two with a field in common, which is refused (a mapping" in motley
    )
    assert growth.startswith("| the same by index, where there are 1,000, 10,000 of them | 60, 31 µs of CPU (")
    assert all(row.endswith(", 2 CPUs AMD EPYC, `python -m bench.plan`) |") for row in rows)


def test_rules_measures_loading_and_every_verdict() -> None:
    printed = run("bench.rules", "--files", "6", "--guards", "4", "11", "--roles", "9", "--rounds", "2")
    for case in (
        "load 7 rule files",
        "a verdict: 4 guards, 9 roles, of which the caller has 5",
        "a verdict: 11 guards",
    ):
        assert re.search(rf"^{case}\b.*\d", printed, re.MULTILINE), printed
    record = written(printed)
    assert isinstance(record["figures"], dict)
    assert all(figure["value"] > 0 for figure in record["figures"]["rules"])


@pytest.mark.parametrize("indices", [1, 25])
def test_a_fleet_has_its_indices_in_few_kinds(indices: int) -> None:
    for what in (b"mapping", b"settings"):
        found = json.loads(b"".join(fleet.answer(what, indices)))
        assert list(found) == [f"fleet-{indices}-{number:06}" for number in range(indices)]
        assert len({json.dumps(value) for value in found.values()}) == len({0, *range((indices + 9) // 10)})
    mappings = json.loads(b"".join(fleet.answer(b"mapping", indices)))
    assert {len(value["mappings"]["properties"]) for value in mappings.values()} == {fleet.FIELDS}
    assert fleet.answer_bytes(indices) == len(b"".join(fleet.answer(b"mapping", indices)))


def test_a_motley_fleet_has_no_fields_in_common_but_those_analysed() -> None:
    found = json.loads(b"".join(fleet.answer(b"mapping", 3, fleet.Sort.MOTLEY)))
    assert list(found) == [f"motley-3-{number:06}" for number in range(3)]
    fields = [value["mappings"]["properties"] for value in found.values()]
    assert [len(each) for each in fields] == [fleet.FIELDS] * 3
    assert fields[0].keys() & fields[1].keys() == fleet.ANALYSED.keys() == fields[1].keys() & fields[2].keys()
    settings = json.loads(b"".join(fleet.answer(b"settings", 3, fleet.Sort.MOTLEY)))
    assert list(settings) == list(found)


def received(target: str, at: float) -> Received:
    """A call at a time in seconds."""
    return Received("POST", target, (), at)


def test_a_chain_counts_only_calls_that_waited_for_an_answer() -> None:
    times = (0.0, 0.001, 0.009, 0.010, 0.012, 0.019, 0.021, 0.040)
    assert start.chain_length([received("/", at) for at in times], 0.010) == 4
    assert start.chain_length([], 0.010) == 0


def test_follow_ups_do_not_belong_to_a_start() -> None:
    jobs = "/_ml/data_frame/analytics"
    targets = ["/a", f"{jobs}/other/_stats", f"{jobs}/x", f"{jobs}/x/_start?timeout=1s", f"{jobs}/x/_stats"]
    calls = [received(target, 0.0) for target in targets]
    assert [call.target for call in start.calls_of_start(calls, "x")] == [targets[0], targets[2], targets[3]]
    assert start.calls_of_start(calls[:1], "x") == calls[:1]


def test_a_removal_is_what_comes_after_the_forward_as_far_as_the_deletion() -> None:
    jobs = "/_ml/data_frame/analytics"
    before = [received("/out", 0.0), received(f"{jobs}/x/_start", 1.0)]
    look, state, other = (received(target, 2.0) for target in ("/out", f"{jobs}/x/_stats", f"{jobs}/other/_stats"))
    deletion = Received("DELETE", "/out", (), 3.0)
    calls = [*before, look, other, state, deletion, received("/later", 4.0)]
    assert start.calls_of_removal(calls, "x") == [look, state, deletion]
    assert start.calls_of_removal([*before, look, state], "x") == []
    assert start.calls_of_removal([deletion], "x") == []


def test_cpu_time_counts_what_a_child_spends(tmp_path: Path) -> None:
    busy = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass\ntime.sleep(60)"]
    with children.child(busy, log=tmp_path / "log") as pid:
        before = measure.cpu(pid)
        _wait_until_idle(pid)
        assert 0.1e9 < measure.cpu(pid).since(before).total_ns < 2e9
        assert measure.resident_bytes(pid) > 1_000_000
        assert measure.peak_bytes(pid) >= measure.resident_bytes(pid)


def _wait_until_idle(pid: int) -> None:
    last = -1
    while (now := measure.cpu(pid).total_ns) != last or now < 0.3e9:
        last = now
        subprocess.run(["sleep", "0.05"], check=True)


def test_a_child_that_ends_is_told_with_what_it_printed(tmp_path: Path) -> None:
    ends = [sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"]
    with (
        pytest.raises(children.ChildError, match=r"status 3: no such thing"),
        children.child(ends, log=tmp_path / "log", listens=children.free_port()),
    ):
        pytest.fail("it cannot have listened")


async def test_load_refuses_answers_other_than_200() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ConnectionError, match="503 Service Unavailable"):
            await load.load(server.sockets[0].getsockname()[1], 1, 1)


async def test_load_counts_every_answer(tmp_path: Path) -> None:
    port = children.free_port()
    with children.child(children.python("bench.origin", str(port)), log=tmp_path / "log", listens=port):
        result = await load.load(port, 2, 10)
    assert result.requests == 10
    assert 0 < result.p50_us <= result.p99_us < result.seconds * 1e6


async def test_steady_requests_are_all_answered(tmp_path: Path) -> None:
    port = children.free_port()
    with children.child(children.python("bench.origin", str(port)), log=tmp_path / "log", listens=port):
        result = await steady.steady(port, 10, 1000)
    assert result.requests == 10
    assert 0 < result.p50_us <= result.p99_us < result.seconds * 1e6


@pytest.mark.parametrize(("heads", "lines"), [("same", 1), ("typical", 1), ("own", 509)])
def test_what_varies_in_the_requests_of_a_load(heads: str, lines: int) -> None:
    requests = load.requests_of(heads)
    lengths: dict[bytes, int] = {}
    assert all(origin.request_end(request, lengths) == len(request) for request in requests)
    sections = [request.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2] for request in requests]
    plain = {re.sub(rb"Content-Length: \d+", b"", section) for section in sections}
    assert len(plain) == lines
    assert len(set(requests)) == (1 if heads == "same" else 509)


async def test_steady_fails_on_a_refusal() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ConnectionError, match="503 Service Unavailable"):
            await steady.steady(server.sockets[0].getsockname()[1], 1, 10)


def test_the_node_knows_where_requests_end() -> None:
    lengths: dict[bytes, int] = {}
    assert origin.request_end(load.REQUEST, lengths) == len(load.REQUEST)
    assert origin.request_end(load.REQUEST + b"POST", lengths) == len(load.REQUEST)
    assert origin.request_end(load.REQUEST[:-1], lengths) == 0
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert origin.request_end(chunked, lengths) == len(chunked)
    assert origin.request_end(chunked[:-3], lengths) == 0


def test_a_table_is_aligned() -> None:
    assert report.table(("a", "bb"), [("long", "1"), ("x", "22")]) == "a     bb\n----  --\nlong   1\nx     22"


def test_big_bodies_and_many_clients_pass(tmp_path: Path) -> None:
    port = children.free_port()
    with children.child(children.python("bench.sink", str(port)), log=tmp_path / "log", listens=port):
        memory.upload(port, 256 * 1024, target="/")
        memory.download(port, 1000, pause_s=0.0)
        memory.many(port, 3)
