"""Rules that change ten times a second while a true gate makes starts: none is judged by a mixture, none is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proxy.control.client import Control
from proxy.gate.standing import Outcome
from proxy.journal.entry import Phase
from proxy.journal.read import administrative
from proxy.rules import load
from proxy.rules.seal import sealed
from tests.stack import SHIPPED_RULES, Stack, whole

ROUNDS = 60
PER_SECOND = 10
CLIENTS = 4
SHIPPED = (SHIPPED_RULES / "start.yml").read_text()
# What is asked for besides, in turn: it stands in the reasons of a start that is denied.
ALSO = ("monitor", "manage_ilm", "manage_pipeline", "read_ilm", "manage_slm", "read_slm", "manage_watcher")


def interval(number: int) -> str:
    """The refresh interval that a generation lays over destinations: no two have the same."""
    return f"{number + 1}s"


def write(path: Path, number: int) -> str:
    """A generation of rules in place of the one before; its revision."""
    text = SHIPPED.replace("cluster: [manage_ml]", f"cluster: [manage_ml, {ALSO[number % len(ALSO)]}]")
    text = text.replace("settings: {}", f'settings: {{"*": {{index.refresh_interval: "{interval(number)}"}}}}')
    beside = path.with_name(".new")
    beside.write_text(text)
    beside.write_text(sealed(text, load(beside, draft=True).seal))
    revision = load(beside).revision
    beside.rename(path)
    return revision


@dataclass
class Rounds:
    """Which generation is the newest on the disk, and all revisions in their order."""

    newest: int = 0
    revisions: list[str] = field(default_factory=list)
    over: bool = False


@dataclass(frozen=True)
class Made:
    """One start: the newest generation before it was sent and after it was answered, and the answer."""

    job: str
    first: int
    last: int
    status: int
    receipt: str


@pytest.fixture
async def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
async def stack(tmp_path: Path, rounds: Rounds) -> AsyncIterator[Stack]:
    """All parts, the first generation in force."""
    path = tmp_path / "rules.yml"
    rounds.revisions.append(write(path, 0))
    async with whole(tmp_path, rules=path) as found:
        await found.ok("PUT", "/src", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
        lines = [part for n in range(30) for part in ({"index": {"_index": "src", "_id": str(n)}}, {"delay": n % 7})]
        await found.ok("POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        await found.ok("PUT", "/_security/role/looks", {"cluster": ["monitor_ml"]})
        await found.ok("PUT", "/_security/user/nobody", {"password": "password", "roles": ["looks"]})
        yield found


async def starts(stack: Stack, rounds: Rounds, client: int) -> list[Made]:
    """Start one job after the other as fast as it goes, by turns as somebody who may and somebody who may not."""
    made: list[Made] = []
    nobody = "Basic bm9ib2R5OnBhc3N3b3Jk"
    analysis: dict[str, object] = {"outlier_detection": {}}
    while not rounds.over:
        job = f"job-{client}-{len(made)}"
        body = {"source": {"index": ["src"]}, "dest": {"index": f"out-{job}"}, "analysis": analysis}
        await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body)
        first = rounds.newest
        answer = await stack.start(job, auth=nobody if len(made) % 2 else None)
        made.append(Made(job, max(0, first - 1), rounds.newest, answer.status, answer.receipt))
    return made


async def reloads(rounds: Rounds, folder: Path) -> None:
    """Change the rules at their pace; every fifth time something broken lies there first."""
    control, loop = Control(folder / "control.sock"), asyncio.get_running_loop()
    begun = loop.time()
    for number in range(1, ROUNDS):
        if number % 5 == 0:
            (folder / "rules.yml").write_text(SHIPPED[: len(SHIPPED) // 2] + "\n{")
            assert (await control.reload(60)).outcome is Outcome.REFUSED
        rounds.newest = number
        rounds.revisions.append(await asyncio.to_thread(write, folder / "rules.yml", number))
        attempt = await control.reload(60)
        assert (attempt.outcome, attempt.after) == (Outcome.LOADED, rounds.revisions[-1])
        await asyncio.sleep(max(0.0, begun + number / PER_SECOND - loop.time()))
    rounds.over = True


def reloaded(stack: Stack) -> list[dict[str, Any]]:
    """What is on record of reloads, in their order; the journal has records of its own beside them."""
    found = [record["startgate"]["admin"] for record in administrative(stack.journal)]
    return [admin for admin in found if "rules" in admin]


def check(made: Made, record: dict[str, Any], revisions: list[str]) -> int:
    """That a start was judged by one generation, which was in force while it was made; which one."""
    ours = record["startgate"]
    number = revisions.index(ours["rules"]["revision"])
    assert made.first <= number <= made.last
    if made.status == 403:
        asked = {one["privilege"] for one in ours["verdict"]["reasons"] if one["kind"] == "cluster"}
        assert asked == {"manage_ml", ALSO[number % len(ALSO)]}
    else:
        assert ours["verdict"]["allowed"]
        assert ours["destination"]["settings"]["index.refresh_interval"] == interval(number)
    return number


@pytest.mark.slow
async def test_no_start_is_judged_by_a_mixture_and_none_is_lost(stack: Stack, rounds: Rounds, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(starts(stack, rounds, number)) for number in range(CLIENTS)]
        group.create_task(reloads(rounds, tmp_path))
    made = [one for client in clients for one in client.result()]
    recorded = {one.receipt: one.records for one in stack.all_recorded()}
    assert set(recorded) == {one.receipt for one in made}
    assert {one.status for one in made} == {200, 403}
    seen = {check(one, dict(recorded[one.receipt][Phase.OUTCOME]), rounds.revisions) for one in made}
    assert len(seen) > 1, "else nothing was changed under any of them"
    for one in [one for one in made if one.status == 200][:10]:
        number = rounds.revisions.index(recorded[one.receipt][Phase.OUTCOME]["startgate"]["rules"]["revision"])
        settings = await stack.ok("GET", f"/out-{one.job}/_settings?flat_settings=true")
        assert settings[f"out-{one.job}"]["settings"]["index.refresh_interval"] == interval(number)
    admins = reloaded(stack)
    assert [admin["outcome"] for admin in admins].count("loaded") == ROUNDS - 1
    loaded = [admin["rules"]["after"] for admin in admins if admin["outcome"] == "loaded"]
    assert loaded == rounds.revisions[1:]


@pytest.mark.slow
async def test_a_storm_of_signals_ends_with_what_lies_on_the_disk(stack: Stack, rounds: Rounds, tmp_path: Path) -> None:
    for number in range(1, 20):
        rounds.revisions.append(await asyncio.to_thread(write, tmp_path / "rules.yml", number))
        for _ in range(10):
            stack.reload.set()
            await asyncio.sleep(0)
    control = Control(tmp_path / "control.sock")
    async with asyncio.timeout(30):
        while (await control.standing()).revision != rounds.revisions[-1]:  # noqa: ASYNC110 -- of the gate's thread
            await asyncio.sleep(0.02)
    admins = reloaded(stack)
    assert len(admins) <= 19 * 10
    assert admins[0]["rules"]["before"] == rounds.revisions[0]
