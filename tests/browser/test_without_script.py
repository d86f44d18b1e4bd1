"""Without script all pages show what they have, and all forms do what they say."""

import pytest
from playwright.sync_api import expect

from proxy.demo.data import BEN, JOB
from proxy.demo.place import ADMIN
from tests.browser.conftest import Enter, sign_in
from tests.browser.site import NEW_JOB, Site

pytestmark = pytest.mark.slow


def test_all_pages_show_their_content(enter: Enter, site: Site) -> None:
    visitor = enter(java_script_enabled=False)
    wanted = {
        "/starts": "#starts tbody td >> text=denied",
        f"/starts/{site.receipts['granted']}": ".timeline li >> text=answered",
        "/plan": f"tbody th >> text={JOB}",
        f"/plan/{NEW_JOB}": "tbody >> text=number_of_shards",
        "/rules": ".line >> text=manage_ml",
        "/traffic": "tbody th >> text=gate",
        "/journal": "tbody th >> text=starts-",
    }
    for path, what in wanted.items():
        page = visitor.open(path)
        expect(page.locator(what).first).to_be_attached()
        # What would come by itself is not offered.
        expect(page.locator(".live")).to_be_hidden() if page.locator(".live").count() else None


def test_forms_work(enter: Enter, site: Site) -> None:
    visitor = enter(None, java_script_enabled=False)
    sign_in(visitor, ADMIN)
    page = visitor.page
    expect(page).to_have_url(site.page + "/starts")
    page.get_by_label("User", exact=True).fill(BEN.name)
    page.get_by_role("button", name="Filter").click()
    assert set(page.locator("td[data-label=User]").all_inner_texts()) == {BEN.name}
    visitor.open("/rules")
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator("#tried .badge").first).to_have_text("allowed")
    visitor.open("/journal")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verification")).to_contain_text(ADMIN.name)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
