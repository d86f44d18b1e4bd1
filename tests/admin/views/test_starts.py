"""The list of starts: newest first, filtered, by pages that stay where they are, and only what one may see."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.api import ApiError
from proxy.admin.shown.starts import StartsQuery
from proxy.admin.views import starts as module
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.admin.views.starts import StartsView
from tests.admin.views.reading import ANNA, NOBODY, READ, append, denied, held, read_all, who
from tests.journal.making import encode, write

FIRST = "starts-000001.jsonl"


def journal(folder: Path, count: int) -> Path:
    """A journal of starts that anna and ben make by turns."""
    users = ("anna", "ben")
    by = [(number, users[number % 2]) for number in range(count)]
    records = [denied(f"r{n}", user=name, caller=who(name), job={"id": f"j{n % 3}"}) for n, name in by]
    return write(folder, map(encode, records))


async def pages(view: StartsView, query: StartsQuery, between: Callable[[], object] = lambda: None) -> list[list[str]]:
    """The receipts of all pages; something happens between them."""
    found, after = [], ""
    while True:
        page = await view.list(READ, replace(query, after=after))
        found.append([row.receipt for row in page.starts])
        between()
        if not page.cursor:
            return found
        after = page.cursor


async def test_the_newest_come_first_and_pages_stay_where_they_are(tmp_path: Path) -> None:
    journal(tmp_path, 25)
    reader, index = held(tmp_path)
    view, count = StartsView(index, reader), iter(range(1000))

    def come() -> None:
        append(tmp_path / FIRST, denied(f"new{next(count)}"))
        read_all(reader, index)

    expected = [f"r{n}" for n in range(24, -1, -1)]
    assert await pages(view, StartsQuery(size=10), come) == [expected[:10], expected[10:20], expected[20:]]
    assert [page[0] for page in await pages(view, StartsQuery(size=28))] == ["new2"], "one page of all"


@given(size=st.integers(1, 30), user=st.sampled_from(["", "anna", "b*"]), job=st.sampled_from(["", "j1", "j*"]))
async def test_pages_are_all_that_match_once_each(
    tmp_path_factory: pytest.TempPathFactory, size: int, user: str, job: str
) -> None:
    folder = journal(tmp_path_factory.mktemp("journal"), 25)
    reader, index = held(folder)
    view, query = StartsView(index, reader), StartsQuery(user=user, job=job)
    whole = await view.list(READ, replace(query, size=500))
    found = await pages(view, replace(query, size=size))
    assert [receipt for page in found for receipt in page] == [row.receipt for row in whole.starts]
    assert all(len(page) == size for page in found[:-1])
    assert (whole.matching, whole.held, whole.cursor) == (len(whole.starts), 25, "")


async def test_ones_own_are_all_that_there_is(tmp_path: Path) -> None:
    """Also how many others there are is nobody's business."""
    journal(tmp_path, 9)
    reader, index = held(tmp_path)
    append(tmp_path / FIRST, denied("x"))
    with (tmp_path / FIRST).open("ab") as file:
        file.write(b"garbage\n")
    read_all(reader, index)
    view = StartsView(index, reader)
    own = await view.list(ANNA, StartsQuery())
    assert [row.receipt for row in own.starts] == ["r8", "r6", "r4", "r2", "r0"]
    assert (own.matching, own.held, own.unreadable) == (5, 5, ())
    assert (await view.list(ANNA, StartsQuery(user="ben"))).starts == ()
    everything = await view.list(READ, StartsQuery())
    assert everything.held == 10
    assert "is no record" in everything.unreadable[0]
    with pytest.raises(ApiError) as caught:
        await view.list(NOBODY, StartsQuery())
    assert caught.value.status == 403


@pytest.mark.parametrize("query", [StartsQuery(size=0), StartsQuery(after="x"), StartsQuery(verdict="x")])
async def test_wrong_queries_are_refused(tmp_path: Path, query: StartsQuery) -> None:
    journal(tmp_path, 1)
    reader, index = held(tmp_path)
    with pytest.raises(ApiError) as caught:
        await StartsView(index, reader).list(READ, query)
    assert caught.value.status == 400


async def test_a_cursor_from_beyond_is_no_error(tmp_path: Path) -> None:
    journal(tmp_path, 3)
    reader, index = held(tmp_path)
    view = StartsView(index, reader)
    assert (await view.list(READ, StartsQuery(after="0-0"))).starts == ()
    assert len((await view.list(READ, StartsQuery(after="999-0"))).starts) == 3


async def test_before_anything_was_read_the_list_is_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READY_S", 0.01)
    found = await StartsView(Index(), Reader(tmp_path, 10)).list(READ, StartsQuery())
    assert (found.starts, found.complete, found.held) == ((), False, 0)
