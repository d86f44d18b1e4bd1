"""The site of the documents: every document is a page, links between files are links between pages, nothing is foreign.

The build itself, with mkdocs' own look at every link and anchor, is `make docs`.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.site import check
from tools.site.pages import PAGES, outside, relinked, without_place

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))


class _Loader(yaml.SafeLoader):
    """Passes over the tags that name functions of Markdown's extensions."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)
SITE: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)  # noqa: S506, TID251 -- a safe loader


def leaves(nav: object) -> list[str]:
    """Every page that a navigation leads to."""
    match nav:
        case str():
            return [nav]
        case dict():
            return leaves(list(nav.values()))
        case list():
            return [page for one in nav for page in leaves(one)]
    raise AssertionError(f"not a page: {nav}")


def test_the_navigation_leads_to_pages_that_exist_each_once() -> None:
    pages = leaves(SITE["nav"])
    assert len(set(pages)) == len(pages)
    assert [page for page in pages if page not in {*DOCUMENTS, *PAGES.values()}] == []


def test_what_has_no_place_is_found() -> None:
    nav = [{"A": ["a.md", {"B": "b.md"}]}]
    assert without_place(["a.md", "b.md", "c.md", "decisions/001-x.md"], nav) == ["c.md"]


def test_pages_from_outside_have_their_texts() -> None:
    made = outside(ROOT)
    assert set(made) == set(PAGES.values())
    assert "workers:" in made["example.md"]
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert f"]({path.name})" in made["decisions/index.md"]


@pytest.mark.parametrize(
    ("source", "page", "link", "wanted"),
    [
        ("docs/tls.md", "tls.md", "[a](wire.md#x)", "[a](wire.md#x)"),
        ("docs/tls.md", "tls.md", "[a](../README.md#rules)", "[a](readme.md#rules)"),
        ("README.md", "readme.md", "[a](docs/tls.md)", "[a](tls.md)"),
        ("README.md", "readme.md", "[a](docs/decisions)", "[a](decisions/index.md)"),
        ("README.md", "readme.md", "[a](bench/README.md)", "[a](bench.md)"),
        ("docs/decisions/001-x.md", "decisions/001-x.md", "[a](../tls.md)", "[a](../tls.md)"),
        ("docs/reference/index.md", "reference/index.md", "[a](../../startgate.example.yml)", "[a](../example.md)"),
        ("docs/tls.md", "tls.md", "[a](../proxy/tls.py)", "a"),
        ("docs/tls.md", "tls.md", "[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("docs/tls.md", "tls.md", "[a](#here)", "[a](#here)"),
    ],
)
def test_links_between_files_become_links_between_pages(source: str, page: str, link: str, wanted: str) -> None:
    assert relinked(f"see {link}.", source, page) == f"see {wanted}."


def test_a_page_that_fetches_from_elsewhere_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = '<link rel="canonical" href="https://x.org/"><a href="https://x.org/">x</a><script src="a.js"></script>'
    (tmp_path / "good.html").write_text(good)
    assert check.main(tmp_path) == 0
    (tmp_path / "bad.html").write_text('<img src="//x.org/a.png"><link rel="stylesheet" href="https://x.org/a.css">')
    assert check.main(tmp_path) == 1
    told = capsys.readouterr().out
    assert "bad.html: //x.org/a.png" in told
    assert "bad.html: https://x.org/a.css" in told


def test_nothing_built_is_not_sound(tmp_path: Path) -> None:
    assert check.main(tmp_path) == 1


def test_drawings_are_our_own_and_fetch_nothing() -> None:
    drawings = sorted((ROOT / "docs" / "diagrams").glob("*.svg"))
    assert drawings
    for path in drawings:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|<script|href=", text)
        assert "<title>" in text


def test_the_site_is_strict_and_fetches_nothing() -> None:
    assert SITE["strict"] is True
    assert SITE["theme"]["font"] is False
    assert "extra_javascript" not in SITE
    assert "analytics" not in SITE.get("extra", {})
