"""Tokens follow their files."""

from pathlib import Path

import pytest

from proxy.admin.access.tokens import LOOK_S, REALM, Tokens
from proxy.admin.api import Role, Viewer
from tests.admin.access.test_sessions import Clock
from tests.admin.visiting import TOKENS
from tests.admin.visiting import tokens as written


async def test_a_token_has_a_name_and_a_role(tmp_path: Path) -> None:
    tokens = Tokens(written(tmp_path))
    assert await tokens.viewer(TOKENS["scraper"]) == Viewer(name="scraper", realm=REALM, role=Role.READ)
    assert await tokens.viewer(TOKENS["operator"]) == Viewer(name="operator", realm=REALM, role=Role.WRITE)


@pytest.mark.parametrize("shown", ["", "r" * 39, "r" * 41, "R" * 40, "\ud800", "r" * 40 + "\n"])
async def test_nothing_else_is_one(tmp_path: Path, shown: str) -> None:
    assert await Tokens(written(tmp_path)).viewer(shown) is None


async def test_a_new_one_counts_and_the_old_one_no_longer(tmp_path: Path) -> None:
    clock = Clock()
    tokens = Tokens(written(tmp_path), clock)
    viewer = await tokens.viewer(TOKENS["scraper"])
    assert viewer is not None
    (tmp_path / "scraper.token").write_text("n" * 32 + "\n")
    clock.now_s += LOOK_S
    assert await tokens.viewer(TOKENS["scraper"]) is None
    new = await tokens.viewer("n" * 32)
    assert new == viewer
    assert await tokens.has(new)
    assert not await tokens.has(viewer), "what was begun with the old one ends"


@pytest.mark.parametrize("text", [None, b"short", b"\xff" * 40, b"a" * 32 + b"\n" + b"b" * 32])
async def test_a_file_that_holds_none_lets_nobody_in(
    tmp_path: Path, text: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    tokens = Tokens(written(tmp_path), clock)
    viewer = await tokens.viewer(TOKENS["scraper"])
    assert viewer is not None
    path = tmp_path / "scraper.token"
    path.unlink() if text is None else path.write_bytes(text)
    for _ in range(3):
        clock.now_s += LOOK_S
        assert await tokens.viewer(TOKENS["scraper"]) is None
        assert not await tokens.has(viewer)
    assert "scraper" in caplog.text
    assert len(caplog.records) == 1, "said once"
    assert await tokens.viewer("") is None


async def test_without_any_nobody_has_one() -> None:
    assert await Tokens(()).viewer("") is None
