"""What a page does by itself."""

import pytest
from playwright.sync_api import expect

from proxy.demo import data
from proxy.demo.data import ANNA, BEN
from tests.browser.conftest import Enter
from tests.browser.site import Site

pytestmark = pytest.mark.slow

# When a row of the table came, by the clock that the test has, too.
STAMP = """
addEventListener("DOMContentLoaded", () => {
  window.came = {};
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes)
      if (node.dataset?.receipt) window.came[node.dataset.receipt] ??= Date.now();
  }).observe(document.querySelector("#starts tbody"), { childList: true });
});
"""


def test_starts_come_in_by_themselves(enter: Enter, site: Site) -> None:
    visitor = enter()
    visitor.context.add_init_script(STAMP)
    page = visitor.open("/starts")
    expect(page.locator(".live-text")).to_have_text("new starts appear here")
    before = int(page.locator("#matching").inner_text())
    waits = []
    for _ in range(3):
        reply = site.start(data.JOB, BEN)
        row = page.locator(f"tr[data-receipt='{reply.receipt}']")
        expect(row).to_have_count(1)
        expect(row.locator(".badge").first).to_have_text("denied")
        expect(row).to_have_class("fresh")
        waits.append(page.evaluate("(receipt) => window.came[receipt]", reply.receipt) - reply.at * 1000)
    # The newest first, and counted.
    expect(page.locator("#starts tbody tr").first).to_have_attribute("data-receipt", reply.receipt)
    expect(page.locator("#matching")).to_have_text(str(before + 3))
    print(f"\nA start is seen {max(waits):.0f} ms after its answer, at most ({[round(one) for one in waits]})")


def test_a_filter_holds_for_what_comes_in(enter: Enter, site: Site) -> None:
    page = enter().open("/starts?user=anna")
    expect(page.locator(".live-text")).to_have_text("new starts appear here")
    other, wanted = site.start(data.JOB, BEN), site.start(data.MIXED_JOB, ANNA)
    # Both go the same way, one after the other: where the second is, the first would be.
    expect(page.locator(f"tr[data-receipt='{wanted.receipt}']")).to_have_count(1)
    expect(page.locator(f"tr[data-receipt='{other.receipt}']")).to_have_count(0)


def test_who_holds_the_page_gets_what_was_missed_when_it_goes_on(enter: Enter, site: Site) -> None:
    page = enter().open("/starts")
    live = page.locator(".live-text")
    expect(live).to_have_text("new starts appear here")
    page.get_by_role("button", name="Live").click()
    missed = site.start(data.JOB, BEN)
    expect(page.locator(f"tr[data-receipt='{missed.receipt}']")).to_have_count(0)
    page.get_by_role("button", name="Live").click()
    expect(page.locator(f"tr[data-receipt='{missed.receipt}']")).to_have_count(1)


def test_a_job_is_followed_to_its_end(enter: Enter, site: Site) -> None:
    name = "flights-again"
    site.job(name, data.job(data.WINTER, destination="flights-outliers-again"))
    reply = site.start(name)
    assert reply.status == 200, reply
    listed = enter().open(f"/starts?job={name}")
    opened = enter(ANNA).open(f"/starts/{reply.receipt}")
    bars = opened.locator("[data-progress] progress")
    expect(bars.first).to_be_visible()
    expect(opened.locator("[data-progress] p").first).to_contain_text("stopped")
    assert {bar.evaluate("(one) => one.value") for bar in bars.all()} == {100}
    # The list is told of the end, too, without another line.
    row = listed.locator(f"tr[data-receipt='{reply.receipt}']")
    expect(row.locator("td[data-label=Ended]")).to_have_text("success")
    expect(row).to_have_count(1)


def test_figures_of_traffic_are_asked_for_again(enter: Enter, site: Site) -> None:
    page = enter().open("/traffic")
    tile = page.locator("[data-tile=requests]")
    expect(tile).not_to_have_text("")
    with page.expect_response("**/v1/traffic") as told:
        site.call("GET", "/")
    assert told.value.status == 200
