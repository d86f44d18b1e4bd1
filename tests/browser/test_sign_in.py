"""Coming in, and being sent out again."""

import pytest
from playwright.sync_api import expect

from proxy.demo.data import ANNA, BEN, Person
from proxy.demo.place import ADMIN
from tests.browser.chromium import Visitor
from tests.browser.conftest import Enter, sign_in
from tests.browser.site import GUESSES, LENA, RITA, Site

pytestmark = pytest.mark.slow

# What a browser tells of an answer that a test wants.
REFUSED, TOO_MANY = "status of 401", "status of 429"
ALL = ["Starts", "Plan", "Rules", "Traffic", "Journal"]


def links(visitor: Visitor) -> list[str]:
    """The entries of the navigation."""
    return visitor.page.locator("nav a").all_inner_texts()


def test_a_wrong_password_is_told_and_the_name_stays(enter: Enter) -> None:
    visitor = enter(None)
    sign_in(visitor, Person(name="anna", password="guessed", what="", role={}))
    page = visitor.page
    expect(page.get_by_role("alert")).to_contain_text("these credentials are not right")
    expect(page.get_by_label("User name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_have_value("")
    assert "nav" not in page.content().partition("<main")[0].replace("navigation", "")
    visitor.forgive(REFUSED)


def test_who_guesses_too_often_is_told_to_wait(enter: Enter) -> None:
    visitor = enter(None)
    for _ in range(GUESSES + 1):
        sign_in(visitor, Person(name="mallory", password="guessed", what="", role={}))
    alert = visitor.page.get_by_role("alert")
    expect(alert).to_contain_text("too many failed sign-ins under this user name")
    expect(alert).to_contain_text("try again in")
    visitor.forgive(REFUSED, TOO_MANY)


@pytest.mark.parametrize(
    ("who", "told", "may"),
    [(ANNA, "sees own starts", ALL[:2]), (RITA, "reads", ALL), (ADMIN, "reads and changes", ALL)],
    ids=["own", "read", "write"],
)
def test_each_sees_what_they_may(who: Person, told: str, may: list[str], enter: Enter) -> None:
    visitor = enter(who)
    page = visitor.open("/")
    expect(page.locator(".who .role")).to_have_text(told)
    assert links(visitor) == may
    users = set(page.locator("td[data-label=User]").all_inner_texts())
    if may != ALL:
        assert users == {who.name}
        return
    assert users >= {ANNA.name, BEN.name}
    writes = int(who is ADMIN)
    visitor.open("/rules")
    expect(page.get_by_role("button", name="Read the files again")).to_have_count(writes)
    visitor.open("/journal")
    expect(page.get_by_role("button", name="Verify now")).to_have_count(writes)


def test_signing_in_leads_to_what_was_asked_for(enter: Enter) -> None:
    visitor = enter(None)
    sign_in(visitor, ANNA, "/starts?verdict=granted")
    expect(visitor.page).to_have_url(visitor.origin + "/starts?verdict=granted")
    expect(visitor.page.get_by_label("Verdict")).to_have_value("granted")


def test_a_session_that_ends_while_a_page_is_open(enter: Enter, site: Site) -> None:
    visitor = enter(LENA)
    page = visitor.open("/starts?user=ben")
    live = page.locator(".live-text")
    expect(live).to_have_text("new starts appear here")
    elsewhere = visitor.another()
    elsewhere.goto(site.page + "/starts")
    elsewhere.get_by_role("button", name="Sign out").click()
    expect(elsewhere.locator("h1")).to_have_text("Sign in")
    # The feed ends, and when the browser asks for it again, it is told that it may not.
    expect(live).to_have_text("ended; load the page again")
    page.get_by_role("link", name="Plan").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.get_by_label("User name").fill(LENA.name)
    page.get_by_label("Password").fill(LENA.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(site.page + "/plan")
    visitor.forgive(REFUSED)
