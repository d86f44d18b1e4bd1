"""All of it without a mouse: where one stands can be seen, in the order of the page, and every form can be used."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from proxy.demo.data import ANNA, MIXED_JOB
from tests.browser.conftest import Enter
from tests.browser.site import Site

pytestmark = pytest.mark.slow

MOST = 200
# Where one stands: which of all elements in the order of the page, whether it can be seen, and by which line.
HERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {
    at: [...document.querySelectorAll("*")].indexOf(one),
    what: one.outerHTML.slice(0, 100),
    seen: box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    line: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""


def walk(page: Page) -> list[dict[str, Any]]:
    """Every stop of the tabulator key, from the top of the page to its end."""
    stops: list[dict[str, Any]] = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        # Beyond the last one there is the browser's own, and then the first again.
        if here is None or (stops and here["at"] == stops[0]["at"]):
            return stops
        stops.append(here)
    raise AssertionError(f"no end after {MOST} stops")


@pytest.mark.parametrize(
    "path", ["/starts", "/starts/{denied}", f"/plan/{MIXED_JOB}", "/rules", "/traffic", "/journal"]
)
def test_stops_are_in_order_and_can_be_seen(path: str, enter: Enter, site: Site) -> None:
    page = enter().open(path.format_map(site.receipts))
    stops = walk(page)
    assert "Skip to the content" in stops[0]["what"]
    assert [one["at"] for one in stops] == sorted(one["at"] for one in stops)
    assert [one["what"] for one in stops if not (one["seen"] and one["line"])] == []
    reached = {one["at"] for one in stops}
    wanted = page.evaluate(
        """() => { const all = [...document.querySelectorAll("*")];
        return all.filter((one) => one.matches("a[href], button:not(:disabled), input:not([type=hidden]), select, "
          + "textarea, summary, [tabindex='0']") && one.checkVisibility()).map((one) => all.indexOf(one)); }"""
    )
    assert set(wanted) <= reached


def test_the_first_stop_leads_past_the_navigation(enter: Enter) -> None:
    page = enter().open("/starts")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_signing_in_and_out(enter: Enter, site: Site) -> None:
    page = enter(None).open("/sign-in")
    page.get_by_label("User name").focus()
    page.keyboard.type(ANNA.name)
    page.keyboard.press("Tab")
    page.keyboard.type(ANNA.password)
    page.keyboard.press("Enter")
    expect(page).to_have_url(site.page + "/starts")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_filtering_and_opening_a_start(enter: Enter) -> None:
    page = enter().open("/starts")
    page.get_by_label("User").focus()
    page.keyboard.type("ben")
    page.keyboard.press("Enter")
    expect(page.get_by_label("User")).to_have_value("ben")
    page.locator("#starts tbody a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Start of")


def test_holding_what_comes_by_itself(enter: Enter) -> None:
    for path, on in (("/starts", "new starts appear here"), ("/traffic", "every 5 s")):
        page = enter().open(path)
        expect(page.locator(".live-text")).to_have_text(on)
        button = page.get_by_role("button", name="Live")
        button.focus()
        page.keyboard.press("Space")
        expect(button).to_have_attribute("aria-pressed", "false")
        expect(page.locator(".live-text")).to_have_text("paused")
        page.keyboard.press("Space")
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".live-text")).to_have_text(on)


def test_a_case_is_tried(enter: Enter) -> None:
    page = enter().open("/rules")
    page.get_by_label("Case (YAML)").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#tried .badge").first).to_have_text("allowed")
