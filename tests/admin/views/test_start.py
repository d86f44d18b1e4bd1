"""One start: at once where it is held, by a search else, and only for whoever may see it."""

import asyncio
from pathlib import Path

import pytest

from proxy.admin.api import ApiError, Viewer
from proxy.admin.views import start as module
from proxy.admin.views.index import Index
from proxy.admin.views.start import StartView
from tests.admin.views.reading import ANNA, NOBODY, READ, denied, held, who
from tests.journal.making import encode, granted, write


def journal(folder: Path) -> None:
    """A journal whose first start has records in three files."""
    a, b = granted("a" * 32, user="anna", caller=who("anna")), denied("b" * 32, caller=who("ben"))
    write(folder, [encode(a[0]), encode(b)], [encode(a[1])], [encode(a[2]), encode(denied("c" * 32))])


def emptied(folder: Path) -> None:
    """All files were retired."""
    for path in folder.iterdir():
        path.unlink()


async def refused(view: StartView, viewer: Viewer, receipt: str) -> ApiError:
    """Why a start is not shown."""
    with pytest.raises(ApiError) as caught:
        await view.one(viewer, receipt)
    return caught.value


@pytest.mark.parametrize("kept", [1, 100])
async def test_a_start_is_opened_whether_it_is_held_or_not(tmp_path: Path, kept: int) -> None:
    journal(tmp_path)
    _, index = held(tmp_path, kept)
    found = await StartView(index, tmp_path).one(READ, "a" * 32)
    assert [record["startgate"]["phase"] for record in found.records] == ["intent", "outcome", "end"]
    assert (found.row.user, found.row.ended, found.open) == ("anna", "success", False)


@pytest.mark.parametrize("kept", [1, 100])
@pytest.mark.parametrize(
    "receipt", ["a", "a" * 31, "a" * 33, "", "x" * 1000, '"', "\0", "a" * 31 + "*", "../../etc/passwd"]
)
async def test_unknown_receipts_are_not_found(tmp_path: Path, kept: int, receipt: str) -> None:
    journal(tmp_path)
    _, index = held(tmp_path, kept)
    error = await refused(StartView(index, tmp_path), READ, receipt)
    assert error.status == 404


@pytest.mark.parametrize("kept", [1, 100])
async def test_others_starts_are_as_good_as_not_there(tmp_path: Path, kept: int) -> None:
    journal(tmp_path)
    _, index = held(tmp_path, kept)
    view = StartView(index, tmp_path)
    assert (await view.one(ANNA, "a" * 32)).row.user == "anna"
    others, none = await refused(view, ANNA, "b" * 32), await refused(view, ANNA, "d" * 32)
    assert (others.status, others.reason, others.hint) == (none.status, none.reason, none.hint)
    assert (await refused(view, NOBODY, "a" * 32)).status == 403


async def test_a_start_whose_file_was_retired_is_gone(tmp_path: Path) -> None:
    journal(tmp_path)
    _, index = held(tmp_path, 100)
    emptied(tmp_path)
    assert (await refused(StartView(index, tmp_path), READ, "b" * 32)).status == 404


async def test_searches_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal(tmp_path)
    view = StartView(Index(), tmp_path)
    monkeypatch.setattr(module, "WAITING", 1)
    both = await asyncio.gather(*(view.one(READ, "a" * 32) for _ in range(2)), return_exceptions=True)
    assert sorted(getattr(one, "status", 200) for one in both) == [200, 503]
    assert (await view.one(READ, "a" * 32)).row.receipt == "a" * 32, "afterwards there is room again"
    monkeypatch.setattr(module, "SEARCH_S", -1.0)
    error = await refused(view, READ, "a" * 32)
    assert (error.status, error.hint) == (503, "startgate audit show " + "a" * 32)


async def test_a_journal_that_is_away_is_told(tmp_path: Path) -> None:
    error = await refused(StartView(Index(), tmp_path / "none"), READ, "a" * 32)
    assert error.status == 503
    assert "there is no journal" in error.reason
