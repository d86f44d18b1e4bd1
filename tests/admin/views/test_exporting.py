"""Downloads are what the command exports, as fast as they are taken, and end with who takes them."""

import asyncio
import csv
import logging
import sys
from pathlib import Path

import pytest

from proxy.admin.api import ApiError
from proxy.admin.shown.journal import ExportQuery
from proxy.admin.views import exporting as module
from proxy.admin.views.exporting import BrokenOff, Exports
from tests.admin.views.reading import denied
from tests.journal.making import encode, granted, opened, sealed, write


def journal(folder: Path) -> list[bytes]:
    """Three records of one start, and one of another."""
    records = [opened(), *granted("a", user="anna"), denied("b", user="ben")]
    lines = sealed(records)[0]
    write(folder, lines)
    return lines


async def exported(folder: Path, query: ExportQuery) -> bytes:
    """All of a download."""
    return b"".join([block async for block in Exports(folder).open(query)])


async def test_lines_are_those_of_the_journal(tmp_path: Path) -> None:
    lines = journal(tmp_path)
    assert await exported(tmp_path, ExportQuery()) == b"".join(lines)
    assert await exported(tmp_path, ExportQuery(verdict="denied", since="2000-01-01")) == lines[4]


async def test_a_table_of_starts(tmp_path: Path) -> None:
    journal(tmp_path)
    text = (await exported(tmp_path, ExportQuery(form="csv", user="a*"))).decode()
    heading, row = csv.reader(text.splitlines())
    assert dict(zip(heading, row, strict=True))["receipt"] == "a"


@pytest.mark.parametrize("name", ["--journal=/etc", "'; ls $(ls)", "ü*"])
async def test_names_are_names_whatever_they_look_like(tmp_path: Path, name: str) -> None:
    lines = [encode(denied("a", user=name)), encode(denied("b", user="other"))]
    write(tmp_path, lines)
    query = ExportQuery(user=name, verdict="denied")
    assert await exported(tmp_path, query) == lines[0]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        (ExportQuery(form="xml"), "form"),
        (ExportQuery(user="a\0"), "user"),
        (ExportQuery(since="x"), "since"),
        (ExportQuery(verdict="x"), "verdict"),
    ],
)
async def test_wrong_questions_are_refused(tmp_path: Path, query: ExportQuery, where: str) -> None:
    with pytest.raises(ApiError) as caught:
        Exports(tmp_path).open(query)
    assert (caught.value.status, caught.value.where) == (400, where)


async def test_so_many_at_a_time_and_room_again_when_one_ends(tmp_path: Path) -> None:
    journal(tmp_path)
    exports = Exports(tmp_path)
    open_ones = [exports.open(ExportQuery()) for _ in range(module.AT_ONCE)]
    for one in open_ones:
        await anext(one)
    with pytest.raises(ApiError) as caught:
        exports.open(ExportQuery())
    assert caught.value.status == 503
    for one in open_ones:
        await one.aclose()
    assert [block async for block in exports.open(ExportQuery())]


async def test_what_cannot_be_read_is_logged_and_the_rest_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, [encode(denied("a")), b"garbage\n"])
    with caplog.at_level(logging.WARNING):
        assert await exported(tmp_path, ExportQuery()) == encode(denied("a"))
    assert "starts-000001.jsonl:2" in caplog.text


async def test_what_breaks_off_says_so(tmp_path: Path) -> None:
    with pytest.raises(BrokenOff, match="there is no journal"):
        await exported(tmp_path / "none", ExportQuery())


async def test_who_goes_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that would never end, and fills no memory meanwhile."""
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec yes\n")
    endless.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(endless))
    blocks = Exports(tmp_path).open(ExportQuery())
    assert (await anext(blocks)).startswith(b"y\n")
    await asyncio.wait_for(blocks.aclose(), 30)
