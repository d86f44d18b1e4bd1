"""`python -m tests.browser.screens`: takes the pictures of the views, in light and dark, into `docs/screens`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from proxy.demo.data import MIXED_JOB
from proxy.demo.place import ADMIN
from tests.browser import chromium
from tests.browser.chromium import Scheme
from tests.browser.conftest import sign_in
from tests.browser.site import NEW_JOB, Site

SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
VIEWS = {
    "starts": "/starts",
    "start": "/starts/{granted}",
    "denied": "/starts/{denied}",
    "plan": f"/plan/{NEW_JOB}",
    "conflicts": f"/plan/{MIXED_JOB}#conflicts",
    "rules": "/rules",
    "traffic": "/traffic",
    "journal": "/journal",
}


def take(browser: Browser, site: Site, scheme: Scheme) -> None:
    """Takes all of them in one colour."""
    with chromium.visitor(browser, site.page, color_scheme=scheme) as visitor:
        page = visitor.open("/sign-in")
        page.screenshot(path=SCREENS / f"sign-in-{scheme}.png")
        sign_in(visitor, ADMIN)
        for name, path in VIEWS.items():
            page = visitor.open(path.format_map(site.receipts))
            if name == "traffic":
                expect(page.locator(".live-text")).to_have_text("every 5 s")
            page.screenshot(path=SCREENS / f"{name}-{scheme}.png")


def main() -> None:
    """Takes all of them."""
    SCREENS.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="startgate-screens-") as folder,
        sync_playwright() as playwright,
        chromium.launched(playwright) as browser,
        Site(Path(folder)) as site,
    ):
        for scheme in SCHEMES:
            take(browser, site, scheme)


if __name__ == "__main__":
    main()
