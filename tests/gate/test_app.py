"""The gate on a real Unix socket: what arrives reaches the cluster as it was, and so does the answer the client."""

import asyncio
import gzip
import json
import logging
import re
import shutil
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.errors import CannotServe, ClusterUnreachable, ConfigError, ExitStatus, JournalError, RulesError
from proxy.gate import app
from proxy.gate.app import SystemClock, run
from proxy.gate.observing import Observing
from proxy.journal.entry import Phase
from proxy.journal.read import Start, starts
from proxy.model import Answer
from proxy.privileges import Held
from proxy.settings import ClusterTls, GateLimits, GateSettings, Masking
from tests.gate.fakes import ROOT, STARTED, TARGET, FakeCluster, answer, until
from tests.journal.checking import check_journal

LIMITS = GateLimits(start_body_bytes=1000, follow_up_poll_s=0.01, drain_s=2)


class Running:
    """A gate that runs in this process, its cluster a stand-in."""

    def __init__(self, folder: Path, cluster: FakeCluster) -> None:
        self.folder, self.cluster = folder, cluster
        self.stop, self.reload, self.ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
        shutil.copy(ROOT / "rules" / "start.yml", folder / "start.yml")
        self.settings = GateSettings(
            socket=str(folder / "gate.sock"),
            nodes=("http://127.0.0.1:9",),
            rules=str(folder / "start.yml"),
            journal=str(folder / "journal"),
            service="ApiKey c2VydmljZQ==",
            limits=LIMITS,
        )

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes to the socket, and read what comes until it is closed."""
        reader, writer = await asyncio.open_unix_connection(self.settings.socket)
        writer.write(request)
        told = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return told

    def starts(self) -> list[Start]:
        """What is in the journal."""
        return starts(Path(self.settings.journal))

    def phases(self) -> list[list[str]]:
        """The phases of each start in the journal."""
        return [list(one.records) for one in self.starts()]


@asynccontextmanager
async def running(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: Mapping[str, Any] | None = None,
    masking: Masking | None = None,
    slow_start_s: float = 10.0,
) -> AsyncIterator[Running]:
    cluster = FakeCluster([], dict(answers or {}))
    monkeypatch.setattr(app, "Gateway", lambda *_, **__: cluster)
    gate = Running(folder, cluster)
    gate.settings = replace(gate.settings, masking=masking or Masking(), slow_start_s=slow_start_s)
    serving = asyncio.ensure_future(run(gate.settings, gate.stop, gate.ready.set, gate.reload))
    ready = asyncio.ensure_future(gate.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    ready.cancel()
    try:
        yield gate
    finally:
        gate.stop.set()
        await serving
    check_journal(Path(gate.settings.journal))


def request(*headers: str, target: str = TARGET, body: bytes = b"", method: str = "POST") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: es.example:9200", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def head_and_body(told: bytes) -> tuple[list[str], bytes]:
    head, _, body = told.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), body


async def test_nobody_else_can_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        assert stat.S_IMODE((tmp_path / "gate.sock").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "start.yml").stat().st_mode) != 0o600
        assert gate.ready.is_set()


async def test_the_socket_is_gone_when_the_gate_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch):
        assert (tmp_path / "gate.sock").is_socket()
    assert not (tmp_path / "gate.sock").exists()


async def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / "gate.sock"))
    async with running(tmp_path, monkeypatch) as gate:
        assert (await gate.exchange(request())).startswith(b"HTTP/1.1 200 ")


async def test_a_socket_that_somebody_answers_on_is_not_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(tmp_path / "gate.sock"))
        alive.listen()
        with pytest.raises(CannotServe, match="a running gate listens on") as refused:
            async with running(tmp_path, monkeypatch):
                pass
    assert refused.value.exit_status == ExitStatus.ADDRESS
    assert (tmp_path / "gate.sock").is_socket()


@pytest.mark.parametrize("target", ["?", "?a;b&c=%2F+%66", "?pretty#x?y", "/", "//?filter_path=[a]{b}|c\\"])
async def test_target_and_headers_arrive_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        await gate.exchange(request("X-Dup: 1", "x-DUP: 2", "Cookie: a=b;  c", "X-Empty:", target=TARGET + target))
    if gate.cluster.forwarded:
        (sent, headers, body, _), *_ = gate.cluster.forwarded
        assert (sent, body) == (TARGET + target, b"")
        assert [(name, value) for name, value in headers if name.lower() not in ("host", "connection")] == [
            *(("X-Dup", "1"), ("x-DUP", "2"), ("Cookie", "a=b;  c"), ("X-Empty", ""))
        ]
    else:
        assert "unrecognized parameter" in gate.starts()[0].latest["event"]["reason"]


async def test_header_bytes_are_kept_where_they_are_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        raw = request().replace(b"\r\n\r\n", b"\r\nX-Opaque-Id: \xc3\xa4\r\nX-Old: \xe4\r\n\r\n")
        assert (await gate.exchange(raw)).startswith(b"HTTP/1.1 200 ")
    headers = dict(gate.cluster.forwarded[0][1])
    assert headers["X-Opaque-Id"].encode() == b"\xc3\xa4"
    assert headers["X-Old"] == "ä"
    assert gate.starts()[0].records[Phase.OUTCOME]["labels"] == {"x_opaque_id": "ä"}


async def test_what_the_edge_tells_is_believed_and_goes_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        told = await gate.exchange(
            request(
                *("X-Startgate-Peer: 192.0.2.7:555", "X-Startgate-Receipt: abc", "X-Startgate-Front: 10.0.0.9:1234"),
                *("X-Startgate-Other: 1", "X-Kept: 1"),
            )
        )
        (one,) = gate.starts()
    assert b"\r\nX-Startgate-Receipt: abc\r\n" in told
    assert one.receipt == "abc"
    # The end of the job may be on record already.
    assert one.records[Phase.OUTCOME]["source"] == {"address": "192.0.2.7", "ip": "192.0.2.7", "port": 555}
    assert one.records[Phase.OUTCOME]["startgate"]["front"] == {"address": "10.0.0.9"}
    assert [name for name, _ in gate.cluster.forwarded[0][1]] == ["Host", "Connection", "X-Kept"]


async def test_names_and_addresses_are_masked_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masking = Masking(fields=("user.name", "source.address"), key="0123456789abcdef")
    async with running(tmp_path, monkeypatch, {"held": Held()}, masking) as gate:
        told = await gate.exchange(request("X-Startgate-Peer: 192.0.2.7:555", "X-Forwarded-For: 192.0.2.8"))
    assert b"user [ann]" in told
    held = b"".join(path.read_bytes() for path in (tmp_path / "journal").glob("starts-*"))
    assert b"user [masked:" in held
    for value in (b"[ann]", b'"ann"', b"192.0.2.7", b"192.0.2.8"):
        assert value not in held


async def test_a_start_that_is_slow_is_told_with_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, monkeypatch, slow_start_s=1e-9) as gate:
        await gate.exchange(request())
    (told,) = [record.message for record in caplog.records if record.name == "proxy.gate.slow"]
    assert re.match(r"start [0-9a-f]{32} of \S+ took \d+\.\d{3} s until it was answered with \d+: ", told)


async def test_without_a_receipt_one_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        told = [head_and_body(await gate.exchange(request()))[0] for _ in range(2)]
        receipts = {line.partition(": ")[2] for head in told for line in head if line.startswith("X-Startgate-Receipt")}
        assert {one.receipt for one in gate.starts()} == receipts
    assert len(receipts) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in receipts)


ODD = Answer(
    status=418,
    headers=(
        ("X-elastic-product", "Elasticsearch"),
        ("Warning", '299 - "one"'),
        ("warning", '299 - "two"'),
        ("content-type", "application/vnd.elasticsearch+json;compatible-with=8"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Word", "ä"),
        ("content-encoding", "gzip"),
    ),
    body=b"\x1f\x8bnot really",
)


async def test_the_answer_goes_back_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch, {"forward": ODD}) as gate:
        told = await gate.exchange(request("X-Startgate-Receipt: abc"))
    head, body = head_and_body(told)
    assert body == ODD.body
    assert head[0].startswith("HTTP/1.1 418 ")
    kept = [line for line in head[1:] if not line.lower().startswith(("connection", "content-length"))]
    wanted = [f"{name}: {value}".encode().decode("latin-1") for name, value in ODD.headers]
    assert kept == [*wanted, "X-Startgate-Receipt: abc"]


@pytest.mark.parametrize("more", [(), (("Server", "lb"), ("Date", "yesterday"))])
async def test_nothing_is_added_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[tuple[str, str], ...]
) -> None:
    bare = Answer(status=200, headers=more, body=b"")
    async with running(tmp_path, monkeypatch, {"forward": bare}) as gate:
        head, body = head_and_body(await gate.exchange(request()))
    names = {line.partition(":")[0] for line in head[1:]}
    assert names == {"Content-Length", "Connection", "X-Startgate-Receipt"} | {name for name, _ in more}
    assert body == b""


async def test_refusals_are_told_as_elasticsearch_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch, {"held": Held()}) as gate:
        head, body = head_and_body(await gate.exchange(request()))
    assert head[0] == "HTTP/1.1 403 Forbidden"
    assert "Content-Type: application/json" in head
    assert json.loads(body)["error"]["type"] == "security_exception"
    assert not any(line.startswith(("Server", "Date", "X-elastic")) for line in head)


async def test_many_starts_over_one_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        connector = aiohttp.UnixConnector(path=gate.settings.socket)
        async with aiohttp.ClientSession(connector=connector) as session:
            for number in range(5):
                async with session.post(f"http://gate{TARGET.replace('outliers', f'job{number}')}") as response:
                    assert response.status == 200
                    assert await response.read() == STARTED.body
        assert len(gate.starts()) == 5


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_body_is_refused_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    body = b"x" * 1001
    sent = request("Content-Type: application/json", body=body)
    if chunked:
        sent = (
            request("Content-Type: application/json", "Transfer-Encoding: chunked")
            + b"3e9\r\n"
            + body
            + b"\r\n0\r\n\r\n"
        )
    async with running(tmp_path, monkeypatch) as gate:
        head, told = head_and_body(await gate.exchange(sent))
        (one,) = gate.starts()
    assert head[0].startswith("HTTP/1.1 413 ")
    reason = "the body of a start is limited to 1000 bytes (limits.gate.start_body_bytes)"
    assert json.loads(told)["error"]["reason"] == reason
    assert (list(one.records), one.latest["event"]["reason"]) == (["outcome"], reason)
    assert gate.cluster.calls == ["close"]


async def test_a_body_that_drips_in_is_given_up_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__name__ + ".LIMITS", GateLimits(start_body_s=0.05), raising=False)
    async with running(tmp_path, monkeypatch) as gate:
        reader, writer = await asyncio.open_unix_connection(gate.settings.socket)
        writer.write(request("Content-Type: application/json", body=b"x" * 100)[:-50])
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        told = await asyncio.wait_for(reader.readuntil(b"408}"), 5)
        writer.close()
        (one,) = gate.starts()
    assert head.startswith(b"HTTP/1.1 408 ")
    reason = "the body of the start did not arrive within 0.05 s (limits.gate.start_body_s)"
    assert json.loads(told)["error"]["reason"] == one.latest["event"]["reason"] == reason
    assert gate.cluster.calls == ["close"]


async def test_a_body_at_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"timeout":"5s"}'.ljust(1000)
    async with running(tmp_path, monkeypatch) as gate:
        told = await gate.exchange(request("Content-Type: application/json", body=body))
    assert told.startswith(b"HTTP/1.1 200 ")
    assert gate.cluster.forwarded[0][2] == body


async def test_a_compressed_body_is_forwarded_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = gzip.compress(b'{"timeout":"5s"}')
    async with running(tmp_path, monkeypatch) as gate:
        await gate.exchange(request("Content-Type: application/json", "Content-Encoding: gzip", body=body))
    assert gate.cluster.forwarded[0][2] == body
    assert ("Content-Encoding", "gzip") in gate.cluster.forwarded[0][1]
    assert gate.cluster.forwarded[0][3] == 15.0


@pytest.mark.parametrize(
    "raw",
    [
        request(method="GET"),
        request(method="DELETE"),
        b"\x16\x03\x01garbage\r\n\r\n",
        request(target="/_ml/data_frame/analytics/\xff/_start"),
        request("X: " + "x" * 200_000),
    ],
)
async def test_what_is_no_start_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        assert (await gate.exchange(raw)).startswith(b"HTTP/1.")
        assert (await gate.exchange(request())).startswith(b"HTTP/1.1 200 ")
    assert len(gate.cluster.forwarded) == 1


async def test_large_heads_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the edge lets through must not be refused for its size here."""
    many = [f"X-{number}: {'v' * 50}" for number in range(990)]
    async with running(tmp_path, monkeypatch) as gate:
        assert (await gate.exchange(request(*many))).startswith(b"HTTP/1.1 200 ")
        assert (await gate.exchange(request("X: " + "x" * 60_000))).startswith(b"HTTP/1.1 200 ")


class HeldUp:
    """A cluster's answer that comes when it is let."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> Answer:
        self.reached.set()
        await self.go_on.wait()
        return STARTED


async def test_a_client_that_hangs_up_does_not_interrupt_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forwarding = HeldUp()
    async with running(tmp_path, monkeypatch, {"forward": forwarding}) as gate:
        _, writer = await asyncio.open_unix_connection(gate.settings.socket)
        writer.write(request())
        await asyncio.wait_for(forwarding.reached.wait(), 5)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.02)
        forwarding.go_on.set()
        await until(lambda: "end" in gate.phases()[0])
    assert gate.phases() == [["intent", "outcome", "end"]]


async def test_a_client_that_hangs_up_in_the_body_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        _, writer = await asyncio.open_unix_connection(gate.settings.socket)
        writer.write(request("Content-Type: application/json", body=b"x" * 100)[:-50])
        await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.02)
        assert gate.cluster.calls == []


def _refused(path: str) -> bool:
    """Whether nobody listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) != 0


async def test_stopping_lets_a_start_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forwarding = HeldUp()
    async with running(tmp_path, monkeypatch, {"forward": forwarding}) as gate:
        client = asyncio.ensure_future(gate.exchange(request()))
        await asyncio.wait_for(forwarding.reached.wait(), 5)
        gate.stop.set()
        await until(lambda: _refused(gate.settings.socket))
        forwarding.go_on.set()
        assert (await client).startswith(b"HTTP/1.1 200 ")
    assert "outcome" in gate.phases()[0]
    assert gate.cluster.calls[-1] == "close"


async def test_a_start_that_does_not_finish_in_time_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process finds its intent, and asks the cluster what became of it."""
    monkeypatch.setattr("proxy.gate.reconcile.LATE_S", (0.01,))
    monkeypatch.setattr(__name__ + ".LIMITS", GateLimits(drain_s=0.05), raising=False)
    forwarding = HeldUp()
    async with running(tmp_path, monkeypatch, {"forward": forwarding}) as gate:
        gate_task = asyncio.ensure_future(gate.exchange(request()))
        await asyncio.wait_for(forwarding.reached.wait(), 5)
    forwarding.go_on.set()
    await asyncio.gather(gate_task, return_exceptions=True)
    assert gate.phases() == [["intent"]]
    async with running(tmp_path, monkeypatch) as gate:
        await until(lambda: gate.phases() == [["intent", "outcome", "end"]])
        assert gate.starts()[0].records["outcome"]["startgate"]["reconciled"]["job"] == "same"


async def test_starts_and_observed_calls_have_one_limit_to_finish_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor waits once for it, and kills then."""
    asked = asyncio.Event()

    async def drain(_: Observing, limit_s: float) -> None:
        assert limit_s == LIMITS.drain_s
        asked.set()

    monkeypatch.setattr(Observing, "drain", drain)
    monkeypatch.setattr(__name__ + ".LIMITS", replace(LIMITS, drain_s=60), raising=False)
    forwarding = HeldUp()
    async with running(tmp_path, monkeypatch, {"forward": forwarding}) as gate:
        client = asyncio.ensure_future(gate.exchange(request()))
        await asyncio.wait_for(forwarding.reached.wait(), 5)
        gate.stop.set()
        # Though the start goes on.
        await asyncio.wait_for(asked.wait(), 20)
        forwarding.go_on.set()
        await client


async def test_a_start_that_is_granted_while_an_older_one_is_open_is_the_one_that_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.gate.reconcile.AGAIN_S", (0.01,))
    monkeypatch.setattr(__name__ + ".LIMITS", GateLimits(drain_s=0.05), raising=False)
    forwarding, away = HeldUp(), asyncio.Event()

    async def index() -> object:
        return None if away.is_set() else ClusterUnreachable("down")

    async with running(tmp_path, monkeypatch, {"forward": forwarding}) as gate:
        first = asyncio.ensure_future(gate.exchange(request()))
        await asyncio.wait_for(forwarding.reached.wait(), 5)
    forwarding.go_on.set()
    await asyncio.gather(first, return_exceptions=True)
    async with running(tmp_path, monkeypatch, {"index service": index}) as gate:
        assert (await gate.exchange(request())).startswith(b"HTTP/1.1 200 ")
        away.set()
        await until(lambda: gate.phases()[0] == ["intent", "outcome", "end"])
        old, new = gate.starts()
        assert old.records["outcome"]["startgate"]["reconciled"]["started_again_as"] == new.receipt
        assert old.records["end"]["startgate"]["end"]["started_again_as"] == new.receipt


async def test_starts_of_one_job_take_turns_and_locks_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        await asyncio.gather(*(gate.exchange(request()) for _ in range(4)))
        turns = [call for call in gate.cluster.calls if call in ("identify caller", "forward")]
    # Who has to wait is looked at before, and judged anew when the turn comes.
    assert turns[-6:] == ["identify caller", "forward"] * 3
    assert turns.count("forward") == 4


async def test_reloading_takes_new_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, monkeypatch, {"forward": answer(400)}) as gate:
        await gate.exchange(request())
        rules = tmp_path / "start.yml"
        rules.write_text(rules.read_text().replace("on_refused_start: remove", "on_refused_start: keep"))
        gate.reload.set()
        await until(lambda: "rules reloaded" in caplog.text)
        await gate.exchange(request())
        first, second = gate.starts()
    assert first.latest["startgate"]["rules"] != second.latest["startgate"]["rules"]
    assert first.latest["startgate"]["destination"]["removal"] == "removed"
    assert second.latest["startgate"]["destination"]["removal"] == "kept: the rules say so"


@pytest.mark.parametrize("broken", ["version: 1\nstart_data_frame_analytics: {requires: {}}\n", "{", None])
async def test_broken_rules_never_come_into_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        await gate.exchange(request())
        if broken is None:
            (tmp_path / "start.yml").unlink()
        else:
            (tmp_path / "start.yml").write_text(broken)
        for _ in range(2):
            caplog.clear()
            gate.reload.set()
            await until(lambda: "the rules were not reloaded" in caplog.text)
        await gate.exchange(request())
        first, second = gate.starts()
    assert "start.yml" in caplog.text
    assert first.records["intent"]["startgate"]["rules"] == second.records["intent"]["startgate"]["rules"]


async def test_a_job_that_was_started_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as gate:
        await gate.exchange(request())
        await until(lambda: gate.phases() == [["intent", "outcome", "end"]])


async def fails(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Exception:
    gate = Running(folder, FakeCluster([]))
    fields = {name: getattr(gate.settings, name) for name in ("socket", "nodes", "rules", "journal", "limits")}
    with pytest.raises((RulesError, ConfigError, JournalError, OSError)) as failed:
        await run(GateSettings(**fields | changes), gate.stop, gate.ready.set, gate.reload)
    assert not gate.ready.is_set()
    return failed.value


async def test_what_is_broken_at_the_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "starts-000001.jsonl").write_text("{}\n")
    tls = ClusterTls(ca=str(tmp_path / "nowhere.pem"))
    assert isinstance(await fails(tmp_path, monkeypatch, rules=str(tmp_path / "nowhere")), RulesError)
    assert isinstance(await fails(tmp_path, monkeypatch, journal=str(tmp_path / "file")), JournalError)
    assert "starts-000001.jsonl:1" in str(await fails(tmp_path, monkeypatch, journal=str(tmp_path / "broken")))
    assert isinstance(await fails(tmp_path, monkeypatch, nodes=("https://127.0.0.1:9",), cluster_tls=tls), ConfigError)
    assert isinstance(await fails(tmp_path, monkeypatch, socket=str(tmp_path / ("x" * 200))), OSError)
    # None of them holds the journal any longer.
    async with running(tmp_path, monkeypatch) as gate:
        assert (await gate.exchange(request())).startswith(b"HTTP/1.1 200 ")


def test_the_clock_goes_forward() -> None:
    clock = SystemClock()
    assert clock.now_ms() > 1_700_000_000_000
    assert clock.ticks_s() <= clock.ticks_s()
