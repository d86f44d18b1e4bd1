"""A case is tried in another process that is ended when it takes too much."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from proxy.gate.trial import CASE_BYTES, NotTried, Trials
from tests.cases.trials import CASE, CHILD
from tests.gate.fakes import RULES
from tests.gate.samples import guard, guarded


def python(code: str) -> Trials:
    """What another process may do."""
    return Trials((sys.executable, "-c", code), wait_s=60)


async def test_a_case_is_judged_by_the_rules_that_are_given() -> None:
    trials = Trials(CHILD, wait_s=60)
    trial = await trials.run(RULES, CASE)
    assert (trial.verdict, trial.status, trial.faults, trial.revision) == ("allowed", 200, (), RULES.revision)
    stricter = guarded(guard("g", "job.id == 'outliers'"))
    trial = await trials.run(stricter, CASE)
    assert (trial.verdict, trial.status, trial.revision) == ("denied", 403, stricter.revision)
    assert [step.rule for step in trial.steps if step.outcome == "denied"] == ["r.yml:12"]


async def test_one_at_a_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    trials = Trials((sys.executable, "-c", f"open({str(tmp_path / 'go')!r}).read(); raise SystemExit(3)"), wait_s=60)
    first = asyncio.ensure_future(trials.run(RULES, CASE))
    await asyncio.sleep(0)
    with pytest.raises(NotTried, match="another case is being tried") as caught:
        await trials.run(RULES, CASE)
    assert caught.value.busy
    await asyncio.to_thread((tmp_path / "go").write_text, "")
    with pytest.raises(NotTried, match="judging it failed") as caught:
        await first
    assert not caught.value.busy
    with pytest.raises(NotTried, match="judging it failed"):
        await python("raise SystemExit(3)").run(RULES, CASE)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "5 s of processor time"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "5 s of processor time"),
        ("raise MemoryError", "1024 MiB of memory"),
        ("print('{}')", "judging it failed"),
        ("import sys; sys.stdin.close(); raise SystemExit(1)", "judging it failed"),
        ("print('nonsense')", "judging it failed"),
    ],
)
async def test_what_is_not_tried_to_its_end_is_told(code: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotTried, match=said):
        await python(code).run(RULES, CASE)
    assert "a case was not tried to its end" in caplog.text


async def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    begun = f"import os, sys; open({str(pid)!r}, 'w').write(str(os.getpid()))"
    code = f"{begun}; sys.stdin.buffer.read(); os.read(os.pipe()[0], 1)"
    with pytest.raises(NotTried, match="takes more than 1 s"):
        await Trials((sys.executable, "-c", code), wait_s=1).run(RULES, CASE)
    # Where the machine is so slow that it did not even begin, there is nothing that could be left.
    if pid.exists() and (text := pid.read_text()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(text), 0)


async def test_whoever_hangs_up_leaves_no_process(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    code = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); os.read(os.pipe()[0], 1)"
    trials = Trials((sys.executable, "-c", code), wait_s=60)
    task = asyncio.ensure_future(trials.run(RULES, CASE))
    pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("trials", "case", "said"),
    [
        (Trials(CHILD), "x" * (CASE_BYTES + 1), "a case may have 262,144 bytes"),
        (Trials(CHILD), "ä" * (CASE_BYTES // 2 + 1), "a case may have 262,144 bytes"),
        (Trials(()), CASE, "tries no cases"),
        (Trials(("/nowhere/at/all",)), CASE, "No such file or directory"),
    ],
)
async def test_what_is_not_even_begun(trials: Trials, case: str, said: str) -> None:
    with pytest.raises(NotTried, match=said):
        await trials.run(RULES, case)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_what_it_says_does_not_fill_the_memory_of_the_gate(stream: str) -> None:
    endless = f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"
    trials = python(endless)
    for _ in range(2):
        with pytest.raises(NotTried, match="more than 8 MiB"):
            await trials.run(RULES, CASE)
