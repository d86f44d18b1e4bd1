"""Fixtures: one browser and one Startgate for all tests of this folder, and who looks at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from proxy.demo.data import Person
from proxy.demo.place import ADMIN
from tests.browser import chromium
from tests.browser.chromium import Visitor
from tests.browser.site import Site
from tests.real.conftest import require_real
from tests.real.versions import CannotRun

Enter = Callable[..., Visitor]


@contextmanager
def _or_skip() -> Iterator[None]:
    """What a machine lacks is a failure where all must run, else a skip."""
    try:
        yield
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"no page can be tried here: {reason}", pytrace=False)
        pytest.skip(f"no page can be tried here: {reason}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser."""
    # How long something takes proves nothing here.
    expect.set_options(timeout=chromium.PATIENCE_MS)
    with sync_playwright() as playwright:
        with _or_skip():
            found = chromium.launched(playwright)
        yield found
        found.close()


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core."""
    with _or_skip():
        return chromium.axe()


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A Startgate with some starts on record. The browser comes first: without one none is needed."""
    with Site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="package")
def sessions(browser: Browser, site: Site) -> Callable[[Person], StorageState]:
    """Signs somebody in, once, by the form; the cookies of that."""
    known: dict[str, StorageState] = {}

    def session(person: Person) -> StorageState:
        if person.name not in known:
            with chromium.visitor(browser, site.page) as visitor:
                sign_in(visitor, person)
                known[person.name] = visitor.context.storage_state()
        return known[person.name]

    return session


@pytest.fixture
def enter(browser: Browser, site: Site, sessions: Callable[[Person], StorageState]) -> Iterator[Enter]:
    """Comes in as somebody who is signed in: `enter()`, `enter(ANNA, size=PHONE)`; None is nobody."""
    with ExitStack() as around:

        def come(person: Person | None = ADMIN, **more: Any) -> Visitor:
            if person is not None:
                more["storage_state"] = sessions(person)
            return around.enter_context(chromium.visitor(browser, site.page, **more))

        yield come


def sign_in(visitor: Visitor, person: Person, path: str = "/sign-in") -> None:
    """Signs somebody in by the form, which `path` leads to."""
    page = visitor.open(path)
    page.get_by_label("User name").fill(person.name)
    page.get_by_label("Password").fill(person.password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()
