"""The walk as a newcomer sees it, with the real processes and the real flights."""

import asyncio
import re
import shlex
import shutil
import signal
from pathlib import Path

import pytest

from proxy.demo import walk
from proxy.demo.client import Got
from proxy.errors import CannotServe
from tests.children import running, said

DEMO = ["-m", "proxy", "demo", "--port", "0", "--cluster-port", "0", "--admin-port", "0"]


@pytest.mark.slow
async def test_the_whole_walk() -> None:
    async with running([*DEMO, "--once"]) as process:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    text = out.decode()
    assert (process.returncode, err.decode()) == (0, "")
    assert "\x1b" not in text, "a pipe gets no colours"
    headings = re.findall(r"^\d\. ([\w ,]+):", text, flags=re.MULTILINE)
    assert headings == ["Denied", "Refused", "Granted", "Stopped, and started again", "Done", "On record", "Explained"]
    answers = re.findall(r"^  (\d{3}) (.*)", text, flags=re.MULTILINE)
    assert [status for status, _ in answers] == ["403", "400", "200", "200", "200"]
    assert '"flights-outliers":{"read":false,"create_index":false,"manage":false,"index":false}' in answers[0][1]
    assert "cannot merge [properties] mappings because of differences for field [origin]" in answers[1][1]
    assert re.search(r"^  flights-outliers +2 +1$", text, flags=re.MULTILINE), "the most shards and replicas of both"
    # The latest flight of all is the one least like the others.
    assert re.search(r"^  2001/02/05 20:02  ATL   EWR +745 +365 +0\.99", text, flags=re.MULTILINE)
    results = re.findall(r"^  20\d\d-\d\d-\d\d [\d:]{8}  (\w+) ", text, flags=re.MULTILINE)
    assert results == ["denied", "refused", "granted", "granted"]
    assert "  a start of flights would be denied: 6 things speak against it\n" in text
    assert re.search(
        r"^    DENIED  the caller lacks the privilege \[create_index\] .*start\.yml:\d+\)$", text, re.MULTILINE
    )
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text()
    excerpt = re.findall(r"^  +(?:time \(UTC\)  |20\d\d-).*", readme, flags=re.MULTILINE)
    assert len(excerpt) == 5
    assert {_shape(line) for line in excerpt} <= {_shape(line) for line in text.splitlines()}


def _shape(line: str) -> str:
    """A line of the record without what differs from run to run."""
    return re.sub(r"\b[0-9a-f]{12}$|20[\d-]{8} [\d:]{8}", "…", line.strip())


async def _curl(line: str) -> str:
    process = await asyncio.create_subprocess_exec(*shlex.split(line), stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


@pytest.mark.slow
async def test_it_stays_up_for_its_lines_to_be_tried_until_ctrl_c() -> None:
    lines: list[str] = []
    async with running(DEMO) as process:
        async with asyncio.timeout(60):
            while "-XPUT" not in (lines[-1] if lines else ""):
                lines.append(await said(process))
        curls = [line.removeprefix("$ ") for line in lines if line.startswith("$ curl")]
        if shutil.which("curl"):
            assert "lacks permissions" in await _curl(curls[0])
            assert "cannot merge" in await _curl(curls[1])
            assert "already finished" in await _curl(curls[2])
            assert '"number_of_shards":"2"' in await _curl(curls[3])
            for line in curls[-3:]:
                assert '"error"' not in await _curl(line)
            for at, answer in ((2, "acknowledged"), (4, "stopped"), (2, "acknowledged")):
                assert f'"{answer}":true' in await _curl(curls[at]), "what the walk showed can be done again"
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0


@pytest.mark.slow
async def test_ctrl_c_in_the_middle_ends_it() -> None:
    async with running(DEMO) as process:
        await said(process)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
    assert b"Traceback" not in err
    assert b"On record" not in out


def test_what_did_not_happen_is_not_shown() -> None:
    walk._demand(True, "never said")
    with pytest.raises(CannotServe, match="does not go as it should: it rained"):
        walk._demand(False, "it rained")


def test_answers_in_words() -> None:
    assert walk._json(Got(200, {"acknowledged": True, "node": "n"})) == "acknowledged: True, node: n"


@pytest.mark.parametrize(("percent", "copied"), [(0, False), (99, False), (100, True)])
def test_copied_is_when_reindexing_is_done(percent: int, copied: bool) -> None:
    phases = [{"phase": "reindexing", "progress_percent": percent}, {"phase": "loading_data", "progress_percent": 0}]
    assert walk._copied({"progress": phases}) is copied


def test_the_program_is_called_as_it_can_be_called_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv" / "bin" / "startgate")])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert walk.program() == ".venv/bin/startgate"
    monkeypatch.setattr("sys.argv", ["/opt/startgate/bin/startgate"])
    assert walk.program() == "/opt/startgate/bin/startgate"
    called = tmp_path / "startgate"
    called.touch(mode=0o755)
    assert walk.program() == "startgate"
