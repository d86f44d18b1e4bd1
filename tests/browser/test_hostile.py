"""Whatever somebody calls a job, a user or an index: a page shows it as text, and nothing of it runs."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from proxy.demo.place import ADMIN
from tests.browser import chromium
from tests.browser.beside import Beside
from tests.browser.chromium import PHONE, Visitor
from tests.browser.conftest import Enter
from tests.browser.hostile import TEXTS, TOKEN, Place, place, receipt
from tests.browser.site import COMMENT, FIELD, HOSTILE_JOB, Site

pytestmark = pytest.mark.slow

# Elements that no list of starts has of its own; what a text made would be one of them.
FOREIGN = "main script, main img, main iframe, main object, main b, main [onerror], main [onload], main [autofocus]"


@pytest.fixture(scope="module")
def hostile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Beside[Place], Visitor]]:
    """The place, and somebody who is signed in there."""
    folder = tmp_path_factory.mktemp("hostile")
    with ExitStack() as around:
        beside = around.enter_context(Beside(lambda: place(folder)))
        url = beside.made.visit.url
        visitor = around.enter_context(chromium.visitor(browser, url))
        page = visitor.open("/sign-in")
        page.get_by_text("Or with a token").click()
        page.get_by_label("Token", exact=True).fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("h1")).to_have_text("Starts")
        yield beside, visitor


def inert(page: Page, visitor: Visitor) -> None:
    """Nothing of the page came from a text."""
    assert page.locator(FOREIGN).count() == 0
    assert page.locator("h1").count() == 1
    assert visitor.forbidden() == []
    assert visitor.faults == []


def test_a_list_of_them(hostile: tuple[Beside[Place], Visitor]) -> None:
    _, visitor = hostile
    page = visitor.open("/starts?size=100")
    expect(page.locator("#starts tbody tr[data-receipt]")).to_have_count(len(TEXTS) + 1)
    for number, text in enumerate(TEXTS):
        row = page.locator(f"tr[data-receipt='{receipt(number)}']")
        # HTML has no NUL, and one kind of line end.
        wanted = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
        assert row.locator("th a").evaluate("(one) => one.textContent")[:100] == wanted[:100]
    inert(page, visitor)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert chromium.overflow(page) == []


def test_each_of_them_opened(hostile: tuple[Beside[Place], Visitor]) -> None:
    _, visitor = hostile
    for number in range(len(TEXTS)):
        page = visitor.open(f"/starts/{receipt(number)}")
        assert chromium.overflow(page) == [], TEXTS[number]
        inert(page, visitor)


def test_those_that_come_in_by_themselves(hostile: tuple[Beside[Place], Visitor]) -> None:
    beside, visitor = hostile
    page = visitor.open("/starts?size=10")
    expect(page.locator(".live-text")).to_have_text("new starts appear here")
    for number, text in enumerate(TEXTS):
        beside.run(beside.made.add(receipt(1000 + number), text))
    for number, text in enumerate(TEXTS):
        row = page.locator(f"tr[data-receipt='{receipt(1000 + number)}']")
        expect(row).to_have_count(1)
        link = row.locator("th a")
        # By script a text is put in as it is.
        assert link.evaluate("(one) => one.textContent")[:100] == text[:100]
        assert link.get_attribute("href") == f"/starts/{receipt(1000 + number)}"
    inert(page, visitor)


def test_as_what_is_asked_for(hostile: tuple[Beside[Place], Visitor]) -> None:
    _, visitor = hostile
    page = visitor.open("/starts")
    for text in ("<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "</textarea><svg/onload=alert(1)>"):
        page.get_by_label("Job").fill(text)
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_label("Job")).to_have_value(text)
        expect(page.locator("#starts tbody tr[data-receipt]").first).to_be_visible()
        expect(page.locator(".live-text")).to_have_text("new starts appear here")
        inert(page, visitor)


def test_fields_of_indices_and_files_of_rules(enter: Enter, site: Site) -> None:
    visitor = enter(ADMIN)
    page = visitor.open(f"/plan/{HOSTILE_JOB}")
    expect(page.locator(".conflict h3")).to_have_text(FIELD)
    inert(page, visitor)
    inert(visitor.open(f"/starts/{site.receipts['hostile']}"), visitor)
    page = visitor.open("/rules")
    expect(page.locator(".line").last).to_contain_text(COMMENT.strip())
    inert(page, visitor)


def test_a_case_and_a_path(enter: Enter) -> None:
    visitor = enter(ADMIN)
    page = visitor.open("/rules")
    page.get_by_label("Case (YAML)").fill("version: 1\n'</textarea><script>alert(1)</script>': 1\n")
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator("#tried")).to_contain_text("<script>")
    visitor.forgive("status of 422", "status of 400")
    inert(page, visitor)
    page = visitor.open("/%3Cimg%20src=x%20onerror=alert(1)%3E")
    visitor.forgive("status of 404")
    inert(page, visitor)
