"""What browsers load beside a page."""

import base64
import hashlib
from pathlib import Path

import pytest

from proxy.admin.pages.assets import STATIC, Assets


def test_a_file_is_served_under_the_hash_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("a{}")
    before = Assets(tmp_path).path("page.css")
    (tmp_path / "page.css").write_text("b{}")
    after = Assets(tmp_path)
    assert before != after.path("page.css")
    assert after.at(before) is None
    asset = after.at(after.path("page.css"))
    assert asset is not None
    assert (asset.body, asset.content_type) == (b"b{}", "text/css; charset=utf-8")


@pytest.mark.parametrize("path", ["/static/../assets.py", "/static/page.css", "/static/", "/static/%2e%2e/x", ""])
def test_nothing_else_is_served(path: str) -> None:
    assert Assets().at(path) is None


def test_a_type_that_no_browser_loads_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "page.exe").write_text("")
    with pytest.raises(KeyError):
        Assets(tmp_path)


def test_there_is_nothing_that_is_not_named() -> None:
    with pytest.raises(KeyError):
        Assets().path("page.jss")


# SHA-256 of the files of the npm package uplot 1.6.32, unchanged: docs/decisions/149.
SHIPPED = {
    "uPlot.iife.min.js": "GcjUxq2Ikpp59K5J1vcWFWbf0Lo9FcxJXpdPeH63jx8=",
    "uPlot.min.css": "32MMao1vjur/JktQ9zzlsRT2Rv/ZoLt08EmwoAE1+gQ=",
    "LICENSE": "j5iSKWmbT+LxoEMtDp7cM4qKkR4lDi0bAezXcKX1sb0=",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_library_for_plots_is_the_one_that_is_named(name: str) -> None:
    body = (STATIC / "vendor/uPlot-1.6.32" / name).read_bytes()
    assert base64.b64encode(hashlib.sha256(body).digest()).decode() == SHIPPED[name]
