"""The live feed: each viewer's own, whole or begun anew, ended when they may see no more."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.admin.api import ApiError, Viewer
from proxy.admin.shown.starts import FeedQuery
from proxy.admin.views import feed as module
from proxy.admin.views.feed import Event, FeedView
from tests.admin.views.reading import ANNA, NOBODY, READ, append, denied, held, intent, read_all, who
from tests.journal.making import granted

FIRST = "starts-000001.jsonl"
PATIENCE_S = 30.0


async def always(_viewer: Viewer) -> bool:
    """They may see what they see."""
    return True


class Fed:
    """A journal, and feeds of it."""

    def __init__(self, folder: Path, viewers: int = 10) -> None:
        self.folder = folder
        self.reader, self.index = held(folder)
        self.view = FeedView(self.index, self.reader, viewers=viewers)

    def come(self, *records: dict[str, Any]) -> None:
        """Something is written, and read."""
        append(self.folder / FIRST, *records)
        read_all(self.reader, self.index)

    def open(self, viewer: Viewer = READ, last: str = "", **query: str) -> AsyncGenerator[Event, None]:
        """A feed."""
        return self.view.open(viewer, FeedQuery(**query), last, always)


async def next_of(events: AsyncGenerator[Event, None]) -> Event:
    """The next event."""
    return await asyncio.wait_for(anext(events), PATIENCE_S)


async def begun(events: AsyncGenerator[Event, None]) -> asyncio.Task[Event]:
    """The next event, which is waited for already."""
    task = asyncio.ensure_future(next_of(events))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


def told(event: Event) -> tuple[str, str, str]:
    """Kind, receipt and verdict of an event."""
    row = msgspec.json.decode(event.data)
    return event.kind, row["receipt"], row.get("verdict", "")


@pytest.fixture
def fed(tmp_path: Path) -> Fed:
    (tmp_path / FIRST).touch()
    return Fed(tmp_path)


async def test_starts_are_told_as_they_come_and_change(fed: Fed) -> None:
    events, (first, second, _) = fed.open(), granted("a")
    waiting = await begun(events)
    fed.come(first)
    assert told(await waiting) == ("start", "a", "open")
    fed.come(second, denied("b"))
    assert told(await next_of(events)) == ("start", "a", "granted")
    last = await next_of(events)
    assert told(last) == ("start", "b", "denied")
    assert last.id == fed.index.moment
    await events.aclose()


async def test_each_is_told_what_they_ask_for_and_may_see(fed: Fed) -> None:
    mine, own = fed.open(user="ben"), fed.open(ANNA)
    waiting = [await begun(mine), await begun(own)]
    fed.come(
        denied("a", user="anna", caller=who("anna")),
        denied("b", user="ben", caller=who("ben")),
        denied("c", user="anna", caller=who("anna", "ldap1")),
        denied("d", user="kibana", caller=who("kibana"), secondary=who("anna")),
    )
    assert [told(await one)[1] for one in waiting] == ["b", "a"]
    assert told(await next_of(own))[1] == "d"
    await mine.aclose()
    await own.aclose()


async def test_what_is_no_longer_asked_for_is_gone(fed: Fed) -> None:
    events = fed.open(verdict="open")
    waiting = await begun(events)
    fed.come(intent("a"), denied("x"))
    assert told(await waiting) == ("start", "a", "open")
    fed.come(granted("a")[1], intent("b"))
    assert told(await next_of(events)) == ("gone", "a", "")
    assert told(await next_of(events)) == ("start", "b", "open")
    await events.aclose()


async def test_who_comes_back_gets_what_they_missed(fed: Fed) -> None:
    events = fed.open()
    waiting = await begun(events)
    fed.come(denied("a"))
    last = (await waiting).id
    await events.aclose()
    fed.come(denied("b"), denied("c"))
    again = fed.open(last=last)
    assert [told(await next_of(again))[1] for _ in range(2)] == ["b", "c"]
    await again.aclose()


async def test_between_list_and_feed_nothing_is_lost(fed: Fed) -> None:
    moment = fed.index.moment
    fed.come(denied("a"))
    events = fed.open(last=moment)
    assert told(await next_of(events))[1] == "a"
    await events.aclose()


@pytest.mark.parametrize("last", ["x", "deadbeef-1", "-", "1"])
async def test_who_missed_too_much_begins_anew(fed: Fed, last: str) -> None:
    events = fed.open(last=last)
    event = await next_of(events)
    assert (event.kind, event.id, event.data) == ("reset", fed.index.moment, b"{}")
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_who_takes_nothing_begins_anew(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    slow, quick = fed.open(), fed.open()
    waiting = [await begun(slow), await begun(quick)]
    for number in range(5):
        fed.come(denied(f"r{number}"))
        if number:
            assert told(await next_of(quick))[1] == f"r{number}"
        else:
            await waiting[1]
            await waiting[0]
    assert (await next_of(slow)).kind == "reset"
    await quick.aclose()


async def test_another_journal_is_begun_anew(fed: Fed) -> None:
    events = fed.open()
    waiting = await begun(events)
    (fed.folder / FIRST).unlink()
    read_all(fed.reader, fed.index)
    assert (await waiting).kind == "reset"


async def test_a_feed_ends_with_the_session(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_S", 0.0)
    may = True

    async def allowed(viewer: Viewer) -> bool:
        assert viewer == ANNA
        return may

    events = fed.view.open(ANNA, FeedQuery(), "", allowed)
    waiting = await begun(events)
    fed.come(denied("a", caller=who("anna")))
    assert told(await waiting)[1] == "a"
    may = False
    fed.come(denied("b", caller=who("anna")))
    with pytest.raises(StopAsyncIteration):
        await next_of(events)


async def test_silence_is_broken_by_heartbeats(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.01)
    events = fed.open()
    assert [(await next_of(events)).kind for _ in range(3)] == ["heartbeat"] * 3
    await events.aclose()


async def test_nobody_takes_the_feeds_of_all(tmp_path: Path) -> None:
    (tmp_path / FIRST).touch()
    fed = Fed(tmp_path)
    fed.view = FeedView(fed.index, fed.reader, of_one=1)
    ann = replace(READ, name="ann")
    events, others = fed.open(ann), fed.open(replace(READ, name="bob"))
    waiting = [await begun(events), await begun(others)]
    with pytest.raises(ApiError, match="you have 1 feeds open") as caught:
        fed.open(ann)
    assert caught.value.status == 503
    fed.come(denied("a"))
    assert [told(await one)[1] for one in waiting] == ["a", "a"]
    await events.aclose()
    await others.aclose()
    await fed.open(ann).aclose()


async def test_feeds_are_counted(tmp_path: Path) -> None:
    (tmp_path / FIRST).touch()
    fed = Fed(tmp_path, viewers=1)
    events = fed.open()
    waiting = await begun(events)
    with pytest.raises(ApiError) as caught:
        fed.open()
    assert caught.value.status == 503
    fed.come(denied("a"))
    await waiting
    await events.aclose()
    again = fed.open()
    assert fed.index.listeners == set()
    waiting = await begun(again)
    fed.come(denied("b"))
    assert told(await waiting)[1] == "b"
    await again.aclose()
    assert not fed.index.listeners


async def test_all_end_with_the_process(fed: Fed) -> None:
    events = fed.open()
    waiting = await begun(events)
    fed.view.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_wrong_questions_are_refused_before_anything_is_sent(fed: Fed) -> None:
    for viewer, query, status in ((NOBODY, FeedQuery(), 403), (READ, FeedQuery(verdict="x"), 400)):
        with pytest.raises(ApiError) as caught:
            fed.view.open(viewer, query, "", always)
        assert caught.value.status == status
