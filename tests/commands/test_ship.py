"""`startgate audit ship` as an operator meets it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.commands.running import invoke
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.ship.samples import SECOND, Written


@contextmanager
def serving(cluster: FakeCluster) -> Iterator[FakeCluster]:
    """The cluster in a thread: the commands have event loops of their own."""
    ready, loops = threading.Event(), []
    stop = asyncio.Event()

    async def serve() -> None:
        async with listening(cluster):
            loops.append(asyncio.get_running_loop())
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield cluster
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with serving(FakeCluster()) as one:
        yield one


@pytest.fixture
def written(tmp_path: Path) -> Written:
    made = Written(tmp_path / "journal")
    made.append(12)
    made.append(3, SECOND)
    return made


def configured(tmp_path: Path, url: str, sinks: str = f"elasticsearch: {{data_stream: {STREAM}}}") -> None:
    text = f"cluster: {{nodes: ['{url}']}}\njournal: {{sinks: {{{sinks}}}}}\n"
    (tmp_path / "startgate.yml").write_text(text + "limits: {ship: {batch_records: 5}}\n")


def test_once_ships_what_is_there(tmp_path: Path, cluster: FakeCluster, written: Written) -> None:
    configured(tmp_path, cluster.url)
    first, second = invoke("audit", "ship", "--once"), invoke("audit", "ship", "--once")
    assert (first.exit_code, first.stderr) == (0, "elasticsearch: 15 records shipped, 0 rejected\n")
    assert (second.exit_code, second.stderr) == (0, "elasticsearch: 0 records shipped, 0 rejected\n")
    assert cluster.documents == written.lines


def test_standard_output_gets_the_lines_and_nothing_else(
    tmp_path: Path, written: Written, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    configured(tmp_path, "http://127.0.0.1:9", "stdout: {enabled: true}")
    assert invoke("audit", "ship", "--once").exit_code == 0
    assert capfdbinary.readouterr().out == b"".join(line + b"\n" for line in written.lines)


def test_a_sink_that_fails_is_told_and_the_others_are_shipped_to(
    tmp_path: Path, written: Written, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    configured(tmp_path, "http://127.0.0.1:9", f"elasticsearch: {{data_stream: {STREAM}}}, stdout: {{enabled: true}}")
    result = invoke("audit", "ship", "--once")
    assert result.exit_code == 1
    assert "stdout: 15 records shipped" in result.stderr
    assert "error: elasticsearch: GET /_resolve/index" in result.stderr
    assert len(capfdbinary.readouterr().out.splitlines()) == 15
    assert written.lines


def test_one_sink_alone(tmp_path: Path, cluster: FakeCluster, written: Written) -> None:
    configured(tmp_path, cluster.url, f"elasticsearch: {{data_stream: {STREAM}}}, stdout: {{enabled: true}}")
    result = invoke("audit", "ship", "--once", "--sink", "elasticsearch")
    assert (result.exit_code, result.stdout) == (0, "")
    assert cluster.documents == written.lines
    wrong = invoke("audit", "ship", "--once", "--sink", "elastic")
    assert wrong.exit_code == 2
    assert "did you mean 'elasticsearch'?" in wrong.stderr


def test_rejected_records_make_an_exit_status(tmp_path: Path, cluster: FakeCluster, written: Written) -> None:
    configured(tmp_path, cluster.url)
    cluster.items = {3: (400, "document_parsing_exception")}
    result = invoke("audit", "ship", "--once")
    assert result.exit_code == 1
    assert "14 records shipped, 1 rejected" in result.stderr
    assert "rejected-elasticsearch.jsonl" in result.stderr
    status = invoke("audit", "ship")
    assert status.stdout.splitlines()[1].split()[:5] == ["elasticsearch", "0", "0", "0", "1"]
    assert written.lines


def test_how_far_behind_it_is(tmp_path: Path, cluster: FakeCluster, written: Written) -> None:
    configured(tmp_path, cluster.url)
    before = invoke("audit", "ship")
    assert before.exit_code == 0
    heading, row = before.stdout.splitlines()
    assert heading.split() == ["sink", "behind", "oldest_s", "bytes", "rejected", "shipped", "to"]
    assert row.split()[:2] == ["elasticsearch", "15"]
    assert row.endswith("nothing yet")
    invoke("audit", "ship", "--once")
    written.append(2, SECOND)
    after = invoke("audit", "ship").stdout.splitlines()[1]
    assert after.split()[:2] == ["elasticsearch", "2"]
    assert after.endswith("(number 15)")


def test_without_sinks_there_is_nothing_to_do(tmp_path: Path, written: Written) -> None:
    configured(tmp_path, "http://127.0.0.1:9", "")
    for mode in ([], ["--once"], ["--install"], ["--print"], ["--check"]):
        result = invoke("audit", "ship", *mode)
        assert result.exit_code in (1, 2), mode
        assert "journal.sinks" in result.stderr
    assert written.lines


def test_install_makes_it_and_print_shows_the_same(tmp_path: Path, cluster: FakeCluster) -> None:
    configured(tmp_path, cluster.url)
    shown = invoke("audit", "ship", "--print")
    assert not cluster.put
    made = invoke("audit", "ship", "--install")
    assert (shown.exit_code, made.exit_code) == (0, 0)
    told = [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("PUT ")]
    assert told == list(cluster.put)
    bodies = [block.split("\n", 1)[1] for block in shown.stdout.split("PUT ")[1:-1]]
    assert [msgspec.json.decode(body) for body in bodies] == list(cluster.put.values())[:-1]


def test_install_as_somebody_else(tmp_path: Path, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path, cluster.url)
    (tmp_path / "key").write_text("id:secret")
    monkeypatch.setenv("STARTGATE_PASSWORD", "secret")
    assert invoke("audit", "ship", "--install", "--user", "elastic").exit_code == 0
    assert set(cluster.authorizations) == {"Basic ZWxhc3RpYzpzZWNyZXQ="}
    cluster.authorizations.clear()
    assert invoke("audit", "ship", "--install", "--api-key-file", str(tmp_path / "key")).exit_code == 0
    assert set(cluster.authorizations) == {"ApiKey aWQ6c2VjcmV0"}


def test_where_there_is_no_journal_nothing_is_shipped(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:9", "stdout: {enabled: true}")
    for mode in ([], ["--once"]):
        result = invoke("audit", "ship", *mode)
        assert (result.exit_code, "there is no journal at" in result.stderr) == (2, True), result.output
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--install", "--once"], "--install and --once exclude each other"),
        (["--sink", "stdout"], "--sink goes with --once"),
        (["--install", "--for", "8.15.0"], "--for goes with --print"),
        (["--check", "--user", "elastic"], "--user goes with --install"),
        (["--api-key-file", "key"], "--api-key-file goes with --install"),
        (["--install", "--user", "elastic", "--api-key-file", "key"], "one of the two asks"),
        (["--print", "--for", "latest"], "--for: 'latest' is no version such as 8.15.0"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, arguments: list[str], why: str) -> None:
    configured(tmp_path, "http://127.0.0.1:9")
    result = invoke("audit", "ship", *arguments)
    assert (result.exit_code, why in result.stderr) == (2, True), result.output


def test_print_for_a_version_asks_nobody(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:9")
    assert "/_ilm/policy/" in invoke("audit", "ship", "--print", "--for", "7.17.24").stdout
    assert "/_ilm/policy/" not in invoke("audit", "ship", "--print", "--for", "9.1.0").stdout
    unreachable = invoke("audit", "ship", "--print")
    assert unreachable.exit_code == 3


def test_check_tells_a_difference(tmp_path: Path, cluster: FakeCluster, written: Written) -> None:
    configured(tmp_path, cluster.url)
    invoke("audit", "ship", "--once")
    good = invoke("audit", "ship", "--check")
    assert good.exit_code == 0, good.output
    assert "15 documents for the records from 1 to 15" in good.stdout
    assert "shipped up to number 15 of 15 in the journal" in good.stdout
    head = good.stdout.split("newest in the stream: ")[1].splitlines()[0]
    verified = invoke("audit", "verify", "--head", head)
    assert verified.exit_code == 0, verified.output
    cut = (tmp_path / "journal" / SECOND).read_bytes().splitlines(keepends=True)
    (tmp_path / "journal" / SECOND).write_bytes(b"".join(cut[:-1]))
    assert invoke("audit", "verify").exit_code == 0, "nothing in the journal itself tells of a cut at its end"
    assert invoke("audit", "verify", "--head", head).exit_code == 1
    (tmp_path / "journal" / SECOND).write_bytes(b"".join(cut))
    cluster.indices[0].pop(next(iter(cluster.indices[0])))
    bad = invoke("audit", "ship", "--check")
    assert bad.exit_code == 1
    assert "record 1 is not in the stream" in bad.stdout
    assert written.lines
