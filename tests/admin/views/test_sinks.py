"""How far each sink is behind, by its cursor."""

from pathlib import Path

from proxy.admin.views.sinks import GONE, NEVER, sink_rows
from proxy.ship import cursor as cursors
from proxy.ship import source
from tests.journal.making import opened, record, sealed, write


def journal(folder: Path) -> None:
    """A journal of four records."""
    write(folder, sealed([opened(), *(record(f"r{number}", at_s=number) for number in range(3))])[0])


def test_a_sink_is_behind_by_records_bytes_and_time(tmp_path: Path) -> None:
    journal(tmp_path)
    begin = source.beginning(tmp_path)
    second = source.read(tmp_path, begin, 2, 10**6)[-1].after
    cursors.save(tmp_path, "syslog", second)
    (row,) = sink_rows(tmp_path, {"syslog": ""})
    assert (row.name, row.kind, row.lag_records, row.rejected, row.reason) == ("syslog", "syslog", 2, 0, "")
    assert row.lag_bytes == (tmp_path / "starts-000001.jsonl").stat().st_size - second.offset
    assert row.lag_s is not None
    assert row.lag_s > 0


def test_sinks_that_fail_that_are_new_and_that_are_no_more(tmp_path: Path) -> None:
    journal(tmp_path)
    cursors.save(tmp_path, "webhook", source.beginning(tmp_path))
    rows = {row.name: row for row in sink_rows(tmp_path, {"syslog": "127.0.0.1:6514: nobody listens", "stdout": ""})}
    assert rows["syslog"].reason == "127.0.0.1:6514: nobody listens"
    assert (rows["stdout"].reason, rows["stdout"].lag_s) == (NEVER, None)
    assert rows["webhook"].reason == GONE
    assert rows["webhook"].lag_records == 4


def test_what_was_rejected_is_counted(tmp_path: Path) -> None:
    journal(tmp_path)
    cursors.save(tmp_path, "syslog", source.beginning(tmp_path))
    (tmp_path / "rejected-syslog.jsonl").write_text("{}\n{}\n")
    (row,) = sink_rows(tmp_path, {"syslog": ""})
    assert row.rejected == 2


def test_a_cursor_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    journal(tmp_path)
    (tmp_path / "cursor-syslog.json").mkdir()
    (row,) = sink_rows(tmp_path, {})
    assert "cannot be read" in row.reason
    assert list(sink_rows(tmp_path / "none", {})) == []
