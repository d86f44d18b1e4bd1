"""Debian's Chromium, and what it has to say about a page."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Playwright

from tests.real import cache
from tests.real.versions import CannotRun

HERE = Path(__file__).resolve().parent
NAMES = ("chromium", "chromium-browser", "google-chrome-stable")
# Playwright's own Chromium is not installed by any of our files; Debian's gets its security fixes from Debian.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE_MS = 30_000
DESKTOP, PHONE = (1280, 800), (390, 844)
# Runs before any script of a page: what the policy of the page forbade is kept, to be asked for.
NOTES = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.forbidden.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
Scheme = Literal["light", "dark"]


def program() -> str:
    """Where Chromium is. Raises CannotRun: this machine has none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise CannotRun("there is no Chromium: apt-get install chromium, or name it in CHROMIUM")
    return found


def launched(playwright: Playwright) -> Browser:
    """A browser without windows. Raises CannotRun."""
    return playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS))


def axe() -> str:
    """The source of axe-core, fetched by its lock. Raises CannotRun."""
    files = [HERE / "axe" / name for name in ("package.json", "package-lock.json")]

    def make(draft: Path) -> None:
        for path in files:
            shutil.copy(path, draft)
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        cache.command(["npm", "ci", *flags, "--prefix", draft], "fetching axe-core")

    version = json.loads(files[0].read_text())["dependencies"]["axe-core"]
    folder = cache.folder(f"axe-core-{version}", make)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


# Without `slots`: Playwright keeps something of its own in the object whose methods it is given.
@dataclass
class Visitor:
    """Somebody with a browser of their own (cookies, colours, size), and all that went wrong in it."""

    context: BrowserContext
    origin: str
    page: Page
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Opens a page of ours."""
        self.page.goto(self.origin + path)
        return self.page

    def another(self) -> Page:
        """A second page beside the first, watched as that."""
        page = self.context.new_page()
        self.watch(page)
        return page

    def watch(self, page: Page) -> None:
        """Notes whatever a page does that it should not."""
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("dialog", self._asked_for)
        page.on("request", lambda request: self._asked(request.url))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))

    def _told(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} ({message.location.get('url')})")

    def _asked_for(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:")):
            self.faults.append(f"asked another origin: {url}")

    def _failed(self, url: str, why: str | None) -> None:
        # What is left half loaded by going elsewhere is no fault: feeds, and what a page asked for by itself.
        if why != "net::ERR_ABORTED":
            self.faults.append(f"failed: {url}: {why}")

    def forgive(self, *parts: str) -> None:
        """Takes away the faults that hold one of `parts`: those that a test wants."""
        self.faults = [one for one in self.faults if not any(part in one for part in parts)]

    def forbidden(self) -> list[str]:
        """What the policy of the open page did not let it do."""
        return list(self.page.evaluate("window.forbidden"))


@contextmanager
def visitor(browser: Browser, origin: str, *, size: tuple[int, int] = DESKTOP, **more: Any) -> Iterator[Visitor]:
    """Somebody with a browser of their own. `more` are Playwright's options of a context. What went wrong and was not
    forgiven fails the test."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", **more)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(NOTES)
    try:
        found = Visitor(context, origin, context.new_page())
        found.watch(found.page)
        yield found
        assert found.faults == [], found.faults
    finally:
        context.close()


def overflow(page: Page) -> list[str]:
    """What makes the page itself wider than the window; what scrolls within a box of its own does not."""
    script = """() => {
      const wide = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= wide) return [];
      const over = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > wide);
      return ["the page", ...over.slice(0, 5).map((one) => one.outerHTML.slice(0, 120))];
    }"""
    return list(page.evaluate(script))


def judge(page: Page, source: str, *rules: str) -> list[str]:
    """What axe finds in the page as it is, worst first; with `rules` these alone. `source` is axe's own."""
    # Not `page.evaluate`, which has the page evaluate a text: the policy of ours forbids it.
    session = page.context.new_cdp_session(page)
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    told = """(found) => JSON.stringify(found.violations.map((one) =>
      `${one.impact} ${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`))"""
    load = "" if page.evaluate("'axe' in window") else source
    try:
        answer = session.send(
            "Runtime.evaluate",
            {
                "expression": f"{load}; axe.run(document, {json.dumps(options)}).then({told})",
                "awaitPromise": True,
            },
        )
    finally:
        session.detach()
    return list(json.loads(answer["result"]["value"]))
