"""What every answer says to browsers."""

from pathlib import Path

import pytest

from proxy.admin.access.headers import CSP, HEADERS
from tests.admin.visiting import Visit, visiting

PATHS = (
    "/v1/session",
    "/v1/nothing",
    "/sign-in",
    "/starts",
    "/metrics",
    "/health/live",
    "/v1/starts/feed",
    "/static/x",
)


def test_the_policy_takes_nothing_from_elsewhere() -> None:
    assert CSP.startswith("default-src 'none'")
    assert not any(word in CSP for word in ("unsafe", "*", "http:", "https:", "nonce"))


async def test_every_answer_has_them(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        for path in PATHS:
            for method in ("GET", "HEAD", "DELETE"):
                await _has_them(visit, method, path)


async def _has_them(visit: Visit, method: str, path: str) -> None:
    answer = await visit.ask(method, path, Accept="text/html")
    told = {name: answer.headers.get(name) for name in HEADERS}
    assert told == dict(HEADERS), (method, path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers


async def test_a_stream_has_them_too(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        answer = await visit.ask("GET", "/v1/journal/export", user="reader")
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Security-Policy"] == CSP


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
async def test_files_may_be_kept_for_ever(tmp_path: Path, name: str) -> None:
    async with visiting(tmp_path) as visit:
        page = (await visit.ask("GET", "/sign-in")).body.decode()
        path = next(one for one in page.split('"') if one.startswith("/static/") and one.endswith(name))
        answer = await visit.ask("GET", path)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
