"""All that is served, by role."""

from pathlib import Path

import pytest

from proxy.admin.api import Role
from proxy.admin.surface import described
from tests.admin.visiting import visiting

READS = [path for path, methods in described()["paths"].items() if "get" in methods]
ROLES = {"owner": Role.OWN, "reader": Role.READ, "writer": Role.WRITE}


@pytest.mark.parametrize("user", ["", *ROLES])
async def test_everybody_sees_what_their_role_may(tmp_path: Path, user: str) -> None:
    role = ROLES.get(user, Role.ANYBODY)
    async with visiting(tmp_path) as visit:
        for path, methods in described()["paths"].items():
            for method, told in methods.items():
                if path.endswith("/feed") or (method, path) == ("post", "/v1/session"):
                    continue
                needed = Role[told["description"].split("`")[1].upper()]
                answer = await visit.ask(method.upper(), path.replace("{", "").replace("}", ""), user=user)
                if role >= needed:
                    assert answer.status not in (401, 500), (method, path, answer.body)
                    assert answer.status != 403 or b"takes the role" not in answer.body
                else:
                    assert answer.status == (403 if user else 401), (method, path)


@pytest.mark.parametrize("path", ["/starts", "/plan", "/rules", "/traffic", "/journal"])
async def test_pages_are_for_viewers(tmp_path: Path, path: str) -> None:
    async with visiting(tmp_path) as visit:
        nobody = await visit.ask("GET", path, accept="text/html")
        assert (nobody.status, nobody.headers["Location"]) == (303, f"/sign-in?next=%2F{path[1:]}")
        whoever = await visit.ask("GET", path, accept="text/html", user="owner")
        assert whoever.status == (200 if path in ("/starts", "/plan") else 403)
        assert whoever.headers["Content-Type"].startswith("text/html")
