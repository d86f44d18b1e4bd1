"""Rules take each other's place whole, on record, and never for worse: on real files."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import Fault, JournalError, RulesError
from proxy.gate import rules_in_force
from proxy.gate.generation import being_written
from proxy.gate.rules_in_force import CasesTold, RulesInForce, Source
from proxy.gate.standing import CasesRun, ExceptionState, Outcome, Trigger
from proxy.rules import Rules, load
from tests.gate.fakes import FakeClock, until
from tests.gate.test_generation import KEPT, SHIPPED, config_map
from tests.rules.test_signed import entry as signed_entry


@dataclass
class Records:
    """A journal that keeps records, or has no room."""

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    full: bool = False

    async def append(self, entry: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise JournalError("the journal cannot be written: No space left on device")
        self.entries.append(entry)

    def told(self) -> list[tuple[str, str]]:
        """Trigger and outcome of each record."""
        admins = [one["startgate"]["admin"] for one in self.entries]
        return [(admin["trigger"], admin["outcome"]) for admin in admins]


@dataclass
class Scene:
    """Rules in force, from a folder."""

    folder: Path
    rules: RulesInForce
    journal: Records
    clock: FakeClock

    def write(self, text: str, name: str = "start.yml") -> None:
        """A new file, renamed over the old."""
        beside = self.folder / f".{name}.new"
        beside.write_text(text)
        beside.rename(self.folder / name)


def booted(folder: Path, source: Source | None = None) -> Scene:
    """What a gate does when it starts."""
    source = source or Source(path=folder)
    taken, cases = source.take()
    journal, clock = Records(), FakeClock()
    return Scene(folder, RulesInForce(source, taken, cases, journal, clock), journal, clock)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "start.yml").write_text(SHIPPED)
    made = booted(tmp_path)
    yield made
    made.rules.close()


async def test_what_was_booted_stands(scene: Scene) -> None:
    standing = scene.rules.standing()
    assert standing.revision == load(scene.folder).revision
    assert standing.files == (str(scene.folder / "start.yml"),)
    assert standing.last_attempt.trigger is Trigger.BOOT
    assert standing.last_attempt.outcome is Outcome.LOADED
    assert not standing.watched
    assert 0 < standing.age_s < 1
    assert scene.journal.entries == []


def test_broken_rules_are_never_booted(tmp_path: Path) -> None:
    (tmp_path / "start.yml").write_text("version: 7")
    with pytest.raises(RulesError, match=r"start\.yml"):
        booted(tmp_path)


async def test_good_rules_come_into_force_on_record(scene: Scene) -> None:
    before = scene.rules.current
    scene.write(KEPT)
    attempt = await scene.rules.reload(Trigger.CONTROL, "user 7, process 8")
    after = scene.rules.current
    assert (attempt.outcome, attempt.before, attempt.after) == (Outcome.LOADED, before.revision, after.revision)
    assert after.on_refused_start == "keep"
    assert before.revision != after.revision
    (record,) = scene.journal.entries
    assert record["event"]["action"] == "startgate-rules-reload"
    assert record["event"]["outcome"] == "success"
    assert record["startgate"]["admin"] == {
        "trigger": "control",
        "outcome": "loaded",
        "rules": {"before": before.revision, "after": after.revision},
        "by": "user 7, process 8",
    }
    assert scene.rules.standing().last_attempt == attempt


BROKEN = {
    "half a mapping": SHIPPED[:-200] + "\n  - {",
    "empty": "",
    "a fault": SHIPPED.replace("require:", "requires:"),
    "not text": "\0",
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_broken_rules_leave_the_last_good_ones(
    scene: Scene, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, since = scene.rules.current, scene.rules.standing().loaded_at
    scene.write(BROKEN[broken])
    attempt = await scene.rules.reload(Trigger.SIGNAL)
    assert scene.rules.current is before
    assert attempt.outcome is Outcome.REFUSED
    assert attempt.before == attempt.after == before.revision
    assert attempt.faults
    (record,) = scene.journal.entries
    assert record["event"]["outcome"] == "failure"
    assert record["event"]["reason"] == record["startgate"]["admin"]["faults"][0] == str(attempt.faults[0])
    assert "the rules were not reloaded (signal)" in caplog.text
    assert scene.rules.standing().loaded_at == since
    scene.write(KEPT)
    assert (await scene.rules.reload(Trigger.SIGNAL)).outcome is Outcome.LOADED
    assert not scene.rules.standing().last_attempt.refused


async def test_a_folder_that_is_emptied_or_gone_leaves_the_last_good_ones(scene: Scene) -> None:
    before = scene.rules.current
    (scene.folder / "start.yml").unlink()
    assert (await scene.rules.reload(Trigger.SIGNAL)).refused
    scene.folder.rmdir()
    assert (await scene.rules.reload(Trigger.SIGNAL)).refused
    assert scene.rules.current is before


async def test_rules_that_say_the_same_are_told_so_and_are_as_old(scene: Scene) -> None:
    before = scene.rules.current
    scene.write("# A word more.\n" + SHIPPED)
    attempt = await scene.rules.reload(Trigger.SIGNAL)
    assert attempt.outcome is Outcome.UNCHANGED
    assert scene.rules.current is not before, "places in the files have changed"
    assert scene.rules.standing().age_s > 0.02
    assert scene.journal.told() == [("signal", "unchanged")]


async def test_no_record_no_change(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    before = scene.rules.current
    scene.write(KEPT)
    scene.journal.full = True
    attempt = await scene.rules.reload(Trigger.CONTROL)
    assert attempt.refused
    assert attempt.after == before.revision
    assert "no change of rules without a record" in caplog.text
    assert scene.rules.current is before
    scene.journal.full = False
    assert (await scene.rules.reload(Trigger.CONTROL)).outcome is Outcome.LOADED


async def test_what_nobody_foresaw_leaves_the_last_good_ones(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_path: Path, _rules: Rules) -> CasesTold:
        raise ZeroDivisionError("a fault of ours")

    broken = replace(scene.rules._source, cases=fails)
    taken, _ = broken.take()
    assert taken.rules is None
    assert "ZeroDivisionError" in str(taken.faults[0])
    assert "a fault of ours" in caplog.text


async def test_cases_are_run_and_one_that_fails_keeps_rules_out(tmp_path: Path) -> None:
    (tmp_path / "start.yml").write_text(SHIPPED)
    failing: list[Fault] = []
    seen: list[tuple[Path, str]] = []

    def run(path: Path, rules: Rules) -> CasesTold:
        seen.append((path, rules.revision))
        return CasesTold(run=3, failures=tuple(failing))

    scene = booted(tmp_path, Source(path=tmp_path, cases=run))
    before = scene.rules.current
    assert scene.rules.standing().last_attempt.cases == CasesRun(run=3, failed=0)
    scene.write(KEPT)
    failing.append(Fault("a_test.yml", "the case `x` fails", 3, 1))
    attempt = await scene.rules.reload(Trigger.SIGNAL)
    assert attempt.refused
    assert attempt.cases == CasesRun(run=3, failed=1)
    assert scene.journal.entries[0]["startgate"]["admin"]["cases"] == {"run": 3, "failed": 1}
    assert scene.rules.current is before
    assert seen == [(tmp_path, before.revision), (tmp_path, load(tmp_path).revision)]
    failing.clear()
    assert (await scene.rules.reload(Trigger.SIGNAL)).outcome is Outcome.LOADED
    scene.rules.close()


async def test_what_does_not_go_with_the_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "start.yml").write_text(SHIPPED)

    def conflicts(rules: Rules) -> list[Fault]:
        return [Fault("start.yml", "not together")] if rules.on_refused_start == "keep" else []

    scene = booted(tmp_path, Source(path=tmp_path, conflicts=conflicts))
    scene.write(KEPT)
    assert (await scene.rules.reload(Trigger.SIGNAL)).faults == (Fault("start.yml", "not together"),)
    scene.rules.close()


async def test_attempts_come_one_after_the_other_and_each_is_on_record(scene: Scene) -> None:
    async def change(number: int) -> None:
        scene.write(KEPT if number % 2 else SHIPPED)
        await scene.rules.reload(Trigger.CONTROL, str(number))

    await asyncio.gather(*map(change, range(8)))
    admins = [one["startgate"]["admin"] for one in scene.journal.entries]
    assert len(admins) == 8
    for earlier, later in itertools.pairwise(admins):
        assert later["rules"]["before"] == earlier["rules"]["after"]
    assert scene.rules.current.revision == load(scene.folder).revision


async def test_the_loop_goes_on_while_rules_are_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a thread its time holds up no start."""
    loop, reading, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reading.set()
        await go_on.wait()

    def slowly(*arguments: Any) -> Rules:
        asyncio.run_coroutine_threadsafe(wait(), loop).result(30)
        return load(*arguments)

    monkeypatch.setattr(rules_in_force, "load", slowly)
    reloading = asyncio.ensure_future(scene.rules.reload(Trigger.SIGNAL))
    await asyncio.wait_for(reading.wait(), 30)
    assert not reloading.done()
    assert scene.rules.current.revision == scene.rules.standing().revision
    go_on.set()
    assert not (await reloading).refused


@pytest.fixture
async def watching(scene: Scene) -> AsyncIterator[Scene]:
    """Its files are looked at again and again."""
    task = asyncio.ensure_future(scene.rules.watch(0.01))
    yield scene
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _recorded(scene: Scene, count: int) -> None:
    """Once so many attempts are on record."""
    await until(lambda: len(scene.journal.entries) == count)


async def test_a_changed_file_is_noticed_once(watching: Scene) -> None:
    await asyncio.sleep(0)
    assert watching.rules.standing().watched
    for number, text in enumerate((KEPT, SHIPPED, KEPT), 1):
        watching.write(text)
        await _recorded(watching, number)
    await asyncio.sleep(0.2)
    assert watching.journal.told() == [("watch", "loaded")] * 3


async def test_a_broken_file_is_told_once_and_a_mended_one_noticed(watching: Scene) -> None:
    watching.write("version: 7")
    await _recorded(watching, 1)
    await asyncio.sleep(0.2)
    assert watching.journal.told() == [("watch", "refused")]
    (watching.folder / "start.yml").unlink()
    await _recorded(watching, 2)
    watching.write(KEPT)
    await _recorded(watching, 3)
    assert watching.journal.told()[1:] == [("watch", "refused"), ("watch", "loaded")]


async def test_what_was_loaded_by_a_signal_is_not_news_for_the_watch(watching: Scene) -> None:
    watching.write(KEPT)
    await watching.rules.reload(Trigger.SIGNAL)
    count = len(watching.journal.entries)
    await asyncio.sleep(0.2)
    assert len(watching.journal.entries) == count


async def test_a_file_that_is_being_written_waits(watching: Scene) -> None:
    path = watching.folder / "start.yml"
    with path.open("a"):
        if not being_written([path]):
            pytest.skip("this file system has no leases")
    with path.open("w") as file:
        file.write(SHIPPED.partition("  destination:\n")[0])
        file.flush()
        await asyncio.sleep(0.2)
        assert watching.journal.entries == []
        file.write("  destination: {on_refused_start: keep}\n")
    await until(lambda: watching.journal.told() == [("watch", "loaded")])
    assert watching.rules.current.on_refused_start == "keep"


async def test_a_swapped_config_map_is_noticed(tmp_path: Path) -> None:
    config_map(tmp_path, SHIPPED, "..2026_1")
    scene = booted(tmp_path)
    task = asyncio.ensure_future(scene.rules.watch(0.01))
    config_map(tmp_path, KEPT, "..2026_2")
    await until(lambda: scene.journal.told() == [("watch", "loaded")])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    scene.rules.close()


async def test_a_look_that_fails_does_not_end_the_watch(
    watching: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(watching.rules._watch, "due", fails)
        await until(lambda: "cannot be watched" in caplog.text)
    watching.write(KEPT)
    await until(lambda: watching.journal.told() == [("watch", "loaded")])


async def test_exceptions_are_loud_when_they_come_into_force(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now = scene.clock.ms
    scene.rules.current = replace(
        scene.rules.current,
        break_glass=(
            signed_entry(id="NOW", from_ms=now - 1000, until_ms=now + 10_000),
            signed_entry(id="LATER", from_ms=now + 5000, until_ms=now + 10_000),
            signed_entry(id="GONE", from_ms=now - 1000, until_ms=now),
        ),
    )
    scene.rules._announce()
    states = {one.id: one.state for one in scene.rules.standing().break_glass}
    assert states == {"NOW": ExceptionState.IN_FORCE, "LATER": ExceptionState.WAITING, "GONE": ExceptionState.OVER}
    levels = {record.getMessage().split()[2]: record.levelno for record in caplog.records}
    assert levels == {"NOW": logging.ERROR, "LATER": logging.ERROR, "GONE": logging.WARNING}
    assert "anna may start flights* whatever the rules say; signed by ops: the role mapping is broken" in caplog.text
