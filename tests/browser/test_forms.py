"""What somebody does in a page: filter, verify, download, try a case, have the rules read again."""

import pytest
from playwright.sync_api import expect

from proxy.demo.data import DESTINATION, JOB, MIXED_JOB
from tests.browser.conftest import Enter
from tests.browser.site import RITA, Site

pytestmark = pytest.mark.slow

FILTERS = [
    ("User", "be*", "User", "ben"),
    ("Job", MIXED_JOB, "Job", MIXED_JOB),
    ("Index", "flights-archive", "Job", MIXED_JOB),
    ("Index", DESTINATION, "Job", JOB),
    ("Since", "1h", "", ""),
    ("Until", "2020-01-01T00:00:00Z", "", None),
    ("Until", "2h", "", None),
]


@pytest.mark.parametrize(("field", "text", "column", "wanted"), FILTERS)
def test_filter(field: str, text: str, column: str, wanted: str | None, enter: Enter) -> None:
    page = enter(RITA).open("/starts")
    page.get_by_label(field, exact=True).fill(text)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    expect(page.get_by_label(field, exact=True)).to_have_value(text)
    rows = page.locator("#starts tbody tr")
    if wanted is None:
        expect(rows).to_have_text("No start matches.")
    elif column:
        assert set(page.locator(f"#starts tbody [data-label={column}]").all_inner_texts()) == {wanted}
    else:
        assert rows.count() >= 4


def test_filter_by_verdict_and_clear(enter: Enter) -> None:
    page = enter(RITA).open("/starts")
    held = page.locator("#matching").inner_text()
    page.get_by_label("Verdict").select_option("denied")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".count")).to_contain_text("match")
    assert set(page.locator("#starts tbody td[data-label=Verdict]").all_inner_texts()) == {"denied"}
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#matching")).to_have_text(held)


def test_older_starts_are_a_page_away(enter: Enter) -> None:
    page = enter(RITA).open("/starts?size=2")
    first = page.locator("#starts tbody tr").first.get_attribute("data-receipt")
    page.get_by_role("link", name="Older starts").click()
    expect(page.locator("#starts tbody tr").first).not_to_have_attribute("data-receipt", str(first))


def test_the_chain_is_verified(enter: Enter) -> None:
    page = enter().open("/journal")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verification .badge")).to_have_text("sound")
    expect(page.locator("#verification")).to_contain_text("for elastic")
    expect(page.get_by_role("button", name="Verify now")).to_be_enabled()


def test_records_are_downloaded(enter: Enter) -> None:
    page = enter(RITA).open("/journal")
    form = page.get_by_role("form", name="Download records")
    form.get_by_label("Form").select_option("csv")
    form.get_by_label("User").fill("ben")
    with page.expect_download() as told:
        form.get_by_role("button", name="Download").click()
    lines = told.value.path().read_text().splitlines()
    assert told.value.suggested_filename.endswith(".csv")
    assert len(lines) >= 2
    assert all("ben" in line for line in lines[1:])


def test_a_case_that_is_none_is_shown_with_its_place(enter: Enter) -> None:
    visitor = enter(RITA)
    page = visitor.open("/rules")
    page.get_by_label("Case (YAML)").fill("version: 1\ncasess: []\n")
    page.get_by_role("button", name="Judge it").click()
    tried = page.locator("#tried")
    expect(tried).to_have_attribute("role", "alert")
    expect(tried).to_contain_text("casess")
    expect(page.get_by_label("Case (YAML)")).to_have_value("version: 1\ncasess: []\n")
    visitor.forgive("status of 422", "status of 400")


def test_a_case_is_judged_by_the_rules_in_force(enter: Enter) -> None:
    page = enter(RITA).open("/rules")
    case = page.get_by_label("Case (YAML)")
    case.fill(case.input_value().replace("[manage_ml]", "[monitor]"))
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator("#tried h3 .badge")).to_have_text("denied")
    expect(page.locator("#tried")).to_contain_text("manage_ml")
    expect(page.locator("#tried")).to_be_in_viewport()


def test_a_broken_file_of_rules_is_told_of_and_changes_nothing(enter: Enter, site: Site) -> None:
    visitor = enter()
    page = visitor.open("/rules")
    revision = page.locator(".facts code").first.inner_text()
    path = site.rules / "start.yml"
    sound = path.read_text()
    path.write_text(sound.replace("subjects: [data]", "subjects: [datum]"))
    try:
        page.get_by_role("button", name="Read the files again").click()
        expect(page.locator("#faults")).to_be_visible()
        expect(page.locator("section.notice")).to_contain_text("datum")
        expect(page.locator(".facts code").first).to_have_text(revision)
        # Everybody who may see it is told on every page.
        expect(enter(RITA).open("/starts").locator(".banner")).to_contain_text("rules")
    finally:
        path.write_text(sound)
    page.get_by_role("button", name="Read the files again").click()
    expect(page.locator("#faults")).to_have_count(0)
    expect(page.locator(".banner")).to_have_count(0)
