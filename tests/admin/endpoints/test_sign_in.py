"""Signing in and out by forms."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.admin.visiting import TOKENS, Visit, visiting

HTML: dict[str, Any] = {"accept": "text/html"}


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as running:
        yield running


async def test_the_form_leads_to_where_one_was(visit: Visit) -> None:
    form = {
        "username": "reader",
        "password": "readerreader",
        "next": "/rules?x=1",
        "csrf": "",
        "api_key": "",
        "token": "",
    }
    answer = await visit.ask("POST", "/sign-in", form=form, Origin=visit.url)
    assert (answer.status, answer.headers["Location"]) == (303, "/rules?x=1")
    cookie = f"startgate={answer.cookies['startgate'].value}"
    page = await visit.ask("GET", "/starts", cookie=cookie, **HTML)
    assert page.status == 200
    assert 'action="/sign-out"' in page.body.decode()


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: b=c"]
)
async def test_it_leads_nowhere_else(visit: Visit, target: str) -> None:
    form = {"token": TOKENS["scraper"], "next": target}
    answer = await visit.ask("POST", "/sign-in", form=form)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    shown = await visit.ask("GET", "/sign-in?next=//evil.example")
    assert b"evil.example" not in shown.body


async def test_what_is_wrong_is_told_in_the_form(visit: Visit) -> None:
    name = '"><script>alert(1)</script>'
    answer = await visit.ask("POST", "/sign-in", form={"username": name, "password": "x", "next": "/rules"})
    page = answer.body.decode()
    assert answer.status == 401
    assert "these credentials are not right" in page
    assert "<script>alert" not in page
    assert 'name="next" value="/rules"' in page
    assert answer.cookies == {}


async def test_guesses_by_form_are_few(visit: Visit) -> None:
    form = {"username": "reader", "password": "wrong"}
    answers = [await visit.ask("POST", "/sign-in", form=form) for _ in range(11)]
    assert [one.status for one in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


async def test_signing_out_needs_the_forms_token(visit: Visit) -> None:
    cookie, csrf = await visit.session("reader")
    assert (await visit.ask("POST", "/sign-out", form={"csrf": "x"}, cookie=cookie)).status == 403
    answer = await visit.ask("POST", "/sign-out", form={"csrf": csrf}, cookie=cookie)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert (await visit.ask("GET", "/starts", cookie=cookie, **HTML)).status == 303
    assert (await visit.ask("POST", "/sign-out", form={"csrf": ""})).status == 303, "nobody may leave, too"
