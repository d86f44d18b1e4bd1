"""`/v1/journal`: how it stands, and downloads that are whole or visibly not."""

from pathlib import Path

import aiohttp
import msgspec
import pytest

from proxy.admin.api import Role
from proxy.admin.endpoints.journal import EXPORT_ACT, VERIFY_ACT, endpoints
from proxy.admin.shown.journal import Journal, Verification
from proxy.admin.views.journal import JournalView
from tests.admin.endpoints.calling import calling
from tests.admin.views.reading import READ, WRITE, denied
from tests.journal.making import encode, write


async def test_all_of_it_and_a_check(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied("a"))])
    view = JournalView(tmp_path, None, dict)
    async with calling(endpoints(view), WRITE) as client:
        async with client.post("/v1/journal/verify") as response:
            assert msgspec.json.decode(await response.read(), type=Verification).by == "root"
        async with client.get("/v1/journal") as response:
            found = msgspec.json.decode(await response.read(), type=Journal)
    assert [one.name for one in found.files] == ["starts-000001.jsonl"]
    await view.close()


@pytest.mark.parametrize(("form", "kind"), [("jsonl", "application/x-ndjson"), ("csv", "text/csv; charset=utf-8")])
async def test_a_download(tmp_path: Path, form: str, kind: str) -> None:
    write(tmp_path, [encode(denied("a"))])
    async with (
        calling(endpoints(JournalView(tmp_path, None, dict)), READ) as client,
        client.get(f"/v1/journal/export?form={form}") as response,
    ):
        assert response.headers["Content-Type"] == kind
        assert response.headers["Content-Disposition"] == f'attachment; filename="startgate-journal.{form}"'
        assert b"a" in await response.read()


async def test_a_download_that_breaks_off_does_not_look_whole(tmp_path: Path) -> None:
    async with calling(endpoints(JournalView(tmp_path / "none", None, dict)), READ) as client:
        with pytest.raises(aiohttp.ClientError):
            async with client.get("/v1/journal/export") as response:
                await response.read()
        async with client.get("/v1/journal/export?form=xml") as response:
            assert response.status == 400


def test_what_is_recorded(tmp_path: Path) -> None:
    table = {one.path: one for one in endpoints(JournalView(tmp_path, None, dict))}
    assert {path: (one.role, one.act) for path, one in table.items()} == {
        "/v1/journal": (Role.READ, ""),
        "/v1/journal/verify": (Role.WRITE, VERIFY_ACT),
        "/v1/journal/export": (Role.READ, EXPORT_ACT),
    }
