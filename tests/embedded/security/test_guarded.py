"""A backend as one subject sees it: what is handed on, and what is not."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.backend import Answer, Call
from proxy.embedded.failure import Failure
from proxy.embedded.security.guarded import Guarded
from proxy.embedded.security.identity import NATIVE, RESERVED, Subject
from proxy.embedded.security.narrow import narrow
from proxy.embedded.security.store import Security

EXISTING: dict[str, list[dict[str, Any]]] = {
    "indices": [{"name": "a1"}, {"name": "a2"}, {"name": "b1"}],
    "aliases": [{"name": "a-alias", "indices": ["b1"]}],
    "data_streams": [],
}


class Recorder:
    """Remembers targets and answers nothing but names."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    async def call(self, call: Call) -> Answer:
        if call.target.startswith("/_resolve/index/*?"):
            return Answer(status=200, body=json.dumps(EXISTING).encode())
        self.targets.append(call.target)
        return Answer(status=200)

    async def close(self) -> None:
        raise AssertionError("a view must not close what it looks at")


@pytest.fixture
def backend() -> Recorder:
    return Recorder()


@pytest.fixture
def guarded(backend: Recorder) -> Guarded:
    security = Security()
    grants = [{"names": ["a*"], "privileges": ["read", "index", "view_index_metadata"]}]
    security.add_role("r", {"cluster": ["monitor"], "indices": grants})
    return Guarded(backend, security, Subject(user=security.add_user("bob", "secret", ["r"]), realm=NATIVE))


@pytest.mark.parametrize(
    ("method", "target", "passed"),
    [
        ("GET", "/", "/"),
        ("GET", "/a1/_search?q=x%20y", "/a1/_search?q=x%20y"),
        ("GET", "/%611/_search", "/%611/_search"),
        ("GET", "/a*/_search", "/a*/_search"),
        ("GET", "/_search?size=0", "/a-alias,a1,a2/_search?size=0"),
        ("GET", "/*/_mapping", "/a-alias,a1,a2/_mapping"),
        ("GET", "/b*/_search", "/*,-*/_search"),
        ("GET", "/a1,b1/_search?ignore_unavailable=true", "/a1/_search?ignore_unavailable=true"),
        ("GET", "/_resolve/index/*", "/_resolve/index/a-alias,a1,a2"),
        ("PUT", "/a9/_doc/1%2F2", "/a9/_doc/1%2F2"),
        ("GET", "/*/_settings/index.number*", "/a-alias,a1,a2/_settings/index.number*"),
    ],
)
async def test_passed_on(guarded: Guarded, backend: Recorder, method: str, target: str, passed: str) -> None:
    await guarded.call(Call(method=method, target=target))
    assert backend.targets == [passed]


@pytest.mark.parametrize(
    ("method", "target", "body", "text"),
    [
        ("GET", "/b1/_search", b"", "on indices [b1]"),
        ("GET", "/a1,b1/_search", b"", "on indices [b1]"),
        ("PUT", "/a9", b"", "[create_index,manage,all]"),
        ("PUT", "/b9/_doc/1", b"", "on indices [b9]"),
        ("POST", "/_bulk", b'{"index":{"_index":"b1"}}\n{}\n', "action [indices:data/write/index]"),
        ("PUT", "/_cluster/settings", b"", "action [cluster:admin/settings/update]"),
        ("GET", "/_what/is/this", b"", "action [cluster:admin/unmapped]"),
        ("PATCH", "/a1", b"", "action [cluster:admin/unmapped]"),
    ],
)
async def test_refused(guarded: Guarded, backend: Recorder, method: str, target: str, body: bytes, text: str) -> None:
    with pytest.raises(Failure) as caught:
        await guarded.call(Call(method=method, target=target, body=body))
    assert caught.value.status == 403
    assert text in caught.value.reason
    assert not backend.targets


async def test_bulk_on_what_is_allowed(guarded: Guarded, backend: Recorder) -> None:
    await guarded.call(Call(method="POST", target="/a1/_bulk", body=b'{"index":{}}\n{}\n'))
    assert backend.targets == ["/a1/_bulk"]


async def test_closing_a_view_closes_nothing(guarded: Guarded) -> None:
    await guarded.close()


async def test_what_is_not_known_is_for_those_who_hold_everything(backend: Recorder) -> None:
    security = Security()
    elastic = Subject(user=security.users[RESERVED, "elastic"], realm=RESERVED)
    await Guarded(backend, security, elastic).call(Call(method="GET", target="/_what/is/this?x"))
    assert backend.targets == ["/_what/is/this?x"]


names = st.sampled_from(["a1", "a2", "b1", "a-alias", "c9"])
parts = names | st.sampled_from(["*", "a*", "*1", "_all", "-a1", "-*", "b*", "a1*", "*-alias"])


@given(st.lists(parts, min_size=1, max_size=4), st.sampled_from(["_search", "_mapping", "_field_caps", "_count"]))
def test_no_expression_reaches_what_is_not_allowed(expression: list[str], call: str) -> None:
    """Whatever is asked for, the target that is handed on names nothing that the subject may not touch."""

    async def passed() -> list[str]:
        backend = Recorder()
        security = Security()
        grants = [{"names": ["a*"], "privileges": ["read", "view_index_metadata"]}]
        security.add_role("r", {"indices": grants})
        bob = Subject(user=security.add_user("bob", "secret", ["r"]), realm=NATIVE)
        with contextlib.suppress(Failure):
            await Guarded(backend, security, bob).call(Call(method="GET", target=f"/{','.join(expression)}/{call}"))
        return backend.targets

    for target in asyncio.run(passed()):
        asked = target.removeprefix("/").removesuffix(f"/{call}").split(",")
        reached = narrow(asked, [entry["name"] for kind in EXISTING.values() for entry in kind], lambda _: True)
        assert all(name.startswith(("a", "*", "-")) for name in reached.names), (expression, target)
