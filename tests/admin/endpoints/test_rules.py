"""The table of endpoints about rules: each calls its view with what it was given."""

import json
from types import SimpleNamespace
from typing import Any, cast

from proxy.admin.api import Call, Role
from proxy.admin.endpoints.rules import endpoints
from proxy.admin.shown.rules import TryCase
from proxy.admin.views.rules import RulesView
from proxy.gate.trial import CASE_BYTES
from tests.admin.views.asking import READER


class View:
    """Notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def ask(*what: Any) -> str:
            self.asked.append((name, *what))
            return name

        return ask


async def test_each_endpoint_asks_its_view() -> None:
    view = View()
    table = endpoints(cast(RulesView, view))
    body = TryCase(case="x")
    request = cast(Any, SimpleNamespace())
    call = Call(viewer=READER, path={}, query=None, body=body, request=request)
    assert [await one.handler(call) for one in table] == ["rules", "reload", "try_case"]
    assert view.asked == [("rules", READER), ("reload", READER), ("try_case", READER, body)]


def test_who_may_call_them() -> None:
    table = endpoints(cast(RulesView, View()))
    assert [(one.method, one.path, one.role) for one in table] == [
        ("GET", "/v1/rules", Role.READ),
        ("POST", "/v1/rules/reload", Role.WRITE),
        ("POST", "/v1/rules/try", Role.READ),
    ]
    assert [one.changes for one in table] == [False, True, True]


def test_the_longest_case_fits_however_it_is_written() -> None:
    (trying,) = [one for one in endpoints(cast(RulesView, View())) if one.path == "/v1/rules/try"]
    assert len(json.dumps({"case": "\x1f" * CASE_BYTES})) <= trying.body_bytes
