"""Every view, in light and dark, on a desk and on a phone: it fits, can be read by all, and asks nobody else."""

import pytest
from playwright.sync_api import expect

from proxy.demo.data import ANNA, MIXED_JOB
from proxy.demo.place import ADMIN
from tests.browser import chromium
from tests.browser.chromium import PHONE
from tests.browser.conftest import Enter
from tests.browser.site import NEW_JOB, Site

pytestmark = pytest.mark.slow

# Each view by its name; `{…}` is the receipt of that start.
VIEWS = {
    "starts": "/starts",
    "starts-filtered": "/starts?user=ben&verdict=denied",
    "start-granted": "/starts/{granted}",
    "start-denied": "/starts/{denied}",
    "jobs": "/plan",
    "plan": f"/plan/{NEW_JOB}",
    "plan-conflicts": f"/plan/{MIXED_JOB}",
    "rules": "/rules",
    "traffic": "/traffic",
    "journal": "/journal",
}
# What only some may see, or nobody: the address of a page that there is none of.
ODD = {
    "sign-in": (None, "/sign-in"),
    "sign-in-needed": (None, "/starts?user=ann"),
    "not-found": (ADMIN, "/nothing"),
    "no-such-start": (ADMIN, "/starts/nothing"),
    "forbidden": (ANNA, "/journal"),
    "wrong-query": (ADMIN, "/starts?since=yesterday"),
}
HEADINGS = {
    "sign-in": "Sign in",
    "sign-in-needed": "Sign in",
    "not-found": "404 Not Found",
    "no-such-start": "404 Not Found",
    "forbidden": "403 Forbidden",
    "wrong-query": "400 Bad Request",
}
# An error is answered with its status, of which the browser tells in its console.
STATUSES = ("status of 404", "status of 403", "status of 400")


def look(visitor: chromium.Visitor, path: str, axe: str) -> None:
    """Opens a page and looks at it in both colours and both sizes."""
    page = visitor.open(path)
    expect(page.locator("h1")).to_have_count(1)
    visitor.forgive(*STATUSES)
    assert chromium.judge(page, axe) == []
    assert chromium.overflow(page) == []
    page.emulate_media(color_scheme="dark")
    assert chromium.judge(page, axe, "color-contrast") == []
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert chromium.overflow(page) == []
    assert chromium.judge(page, axe) == []
    assert visitor.forbidden() == []


@pytest.mark.parametrize("view", VIEWS)
def test_view(view: str, enter: Enter, site: Site, axe: str) -> None:
    look(enter(), VIEWS[view].format_map(site.receipts), axe)


@pytest.mark.parametrize("view", ODD)
def test_page_of_trouble(view: str, enter: Enter, axe: str) -> None:
    who, path = ODD[view]
    visitor = enter(who)
    look(visitor, path, axe)
    expect(visitor.page.locator("h1")).to_have_text(HEADINGS[view])


def test_all_details_fit_when_they_are_opened(enter: Enter, site: Site, axe: str) -> None:
    visitor = enter(size=PHONE)
    for path in (f"/starts/{site.receipts['conflict']}", f"/plan/{NEW_JOB}"):
        page = visitor.open(path)
        for summary in page.locator("summary").all():
            summary.click()
        assert page.locator("details:not([open])").count() == 0
        assert chromium.overflow(page) == []
        assert chromium.judge(page, axe) == []


def test_conflicts_stand_side_by_side(enter: Enter) -> None:
    page = enter().open(f"/plan/{MIXED_JOB}")
    sides = page.locator(".conflict").first.locator(".sides > div")
    expect(sides).to_have_count(2)
    left, right = sides.nth(0).bounding_box(), sides.nth(1).bounding_box()
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]


def test_plots_are_drawn(enter: Enter) -> None:
    visitor = enter()
    page = visitor.open("/traffic")
    expect(page.locator(".live-text")).to_have_text("every 5 s")
    figures = page.locator("figure")
    assert figures.count() >= 4
    for number in range(figures.count()):
        canvas = figures.nth(number).locator("canvas, .none")
        expect(canvas).to_have_count(1)
    assert page.locator("canvas").count() >= 2
    # Each legend has a text of its own, and none is longer than a plot.
    for legend in page.locator(".u-legend").all():
        box = legend.bounding_box()
        assert box
        assert box["height"] <= 90


def test_a_line_that_a_reason_names_is_shown(enter: Enter, site: Site) -> None:
    visitor = enter()
    page = visitor.open(f"/starts/{site.receipts['denied']}")
    link = page.locator(".judgements a").first
    href = link.get_attribute("href") or ""
    with page.expect_navigation():
        link.click()
    target = page.locator(f"[id='{href.partition('#')[2]}']")
    expect(target).to_be_visible()
    expect(target).to_be_in_viewport()
