"""`startgate audit dashboard`."""

from pathlib import Path

from proxy.ship.dashboard import ndjson
from tests.commands.running import invoke


def test_of_which_stream(tmp_path: Path) -> None:
    assert invoke("audit", "dashboard").stdout == ndjson("startgate-audit")
    assert invoke("audit", "dashboard", "--stream", "other").stdout == ndjson("other")
    (tmp_path / "startgate.yml").write_text("journal: {sinks: {elasticsearch: {data_stream: mine}}}\n")
    result = invoke("audit", "dashboard")
    assert (result.exit_code, result.stdout) == (0, ndjson("mine"))
    assert invoke("audit", "dashboard", "--stream", "other").stdout == ndjson("other")
