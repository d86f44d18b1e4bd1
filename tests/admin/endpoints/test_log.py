"""`/v1/log`, through to a gate's control socket."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from proxy.admin.api import ApiError, Call, Role, Viewer
from proxy.admin.endpoints.log import Level, endpoints
from proxy.control.client import Control
from proxy.logs import setup
from proxy.logs.settings import Levels
from tests.control.test_levels import Records, as_before, controlled

__all__ = ["as_before"]
ROOT = Viewer(name="root", realm="native1", role=Role.WRITE)


async def asked(path: Path, method: str, body: object = None) -> Any:
    [one] = [each for each in endpoints(Control(path)) if each.method == method]
    assert one.role is Role.WRITE
    request = make_mocked_request(method, "/v1/log")
    return await one.handler(Call(viewer=ROOT, path={}, query=None, body=body, request=request))


async def test_levels_are_shown_and_changed_on_record(tmp_path: Path) -> None:
    records = Records()
    async with controlled(tmp_path, records) as path:
        assert await asked(path, "GET") == Levels()
        assert (await asked(path, "PUT", Level(level="debug", logger="proxy.edge"))).each == {"proxy.edge": "debug"}
    [record] = records.kept
    assert record["startgate"]["admin"]["by"].startswith("root (native1), by way of user ")


async def test_what_there_is_not_is_refused(tmp_path: Path) -> None:
    async with controlled(tmp_path, Records()) as path:
        with pytest.raises(ApiError) as caught:
            await asked(path, "PUT", Level(level="loud"))
    assert caught.value.status == 422


async def test_nothing_changes_without_a_record(tmp_path: Path) -> None:
    records = Records()
    records.full = True
    async with controlled(tmp_path, records) as path:
        with pytest.raises(ApiError) as caught:
            await asked(path, "PUT", Level(level="debug"))
    assert caught.value.status == 503
    assert setup.current_levels() == Levels()
    with pytest.raises(ApiError) as gone:
        await asked(tmp_path / "nobody.sock", "GET")
    assert gone.value.status == 503
