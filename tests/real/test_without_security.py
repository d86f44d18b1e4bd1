"""A cluster without security, in process or in front of genuine nodes: users of our own, judged by role files."""

import base64
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.embedded.app import serve_embedded
from proxy.embedded.remote import RemoteNode
from proxy.journal.entry import Phase
from proxy.settings import IdentitySettings
from tests.identity.samples import PBKDF2, WORD, rules_by_roles
from tests.real.node import RealNode
from tests.real.versions import CannotRun, by_number
from tests.stack import Stack, in_front_of

JOB = {
    "source": {"index": ["flights"]},
    "dest": {"index": "flights-out"},
    "analysis": {"outlier_detection": {}},
}


@pytest.fixture(
    scope="module",
    params=[None, pytest.param("9.1.0", marks=pytest.mark.real)],
    ids=lambda number: number or "embedded",
)
def node(request: pytest.FixtureRequest) -> Iterator[RealNode | None]:
    """None for the index core in process, else a genuine node, which has no security of its own."""
    if request.param is None:
        yield None
        return
    try:
        found = RealNode.start(by_number(request.param).number)
    except CannotRun as reason:
        if os.environ.get("STARTGATE_REQUIRE_REAL") == "1":
            pytest.fail(f"Elasticsearch {request.param} cannot run here: {reason}", pytrace=False)
        pytest.skip(f"Elasticsearch {request.param} cannot run here: {reason}")
    with found:
        yield found


def basic(name: str, password: str = WORD) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


async def prepared(stack: Stack) -> None:
    """One source with documents, and a job over it. Nothing of a test before is left."""
    for index in ("flights", "flights-out"):
        await stack.call("DELETE", f"/{index}", direct=True)
    mappings = {"properties": {"delay": {"type": "integer"}, "carrier": {"type": "keyword"}}}
    await stack.ok("PUT", "/flights", {"settings": {"number_of_shards": 2}, "mappings": mappings})
    lines: list[dict[str, Any]] = []
    for number in range(30):
        lines += [{"index": {"_index": "flights"}}, {"delay": number, "carrier": "ABC"[number % 3]}]
    await stack.ok("POST", "/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
    await stack.ok("PUT", "/_ml/data_frame/analytics/outliers", JOB)


@pytest.fixture
async def stack(node: RealNode | None, tmp_path: Path) -> AsyncIterator[Stack]:
    """ann is an analyst of the role files; eve has a password and no role."""
    (tmp_path / "users").write_text(f"ann:{PBKDF2}\neve:{PBKDF2}\n")
    (tmp_path / "users_roles").write_text("analyst:ann\n")
    identity = IdentitySettings(users_file=str(tmp_path / "users"), users_roles_file=str(tmp_path / "users_roles"))
    rules = rules_by_roles(tmp_path)
    backend = RemoteNode(node.url) if node is not None else None
    async with (
        serve_embedded(backend=backend, security=False) as cluster,
        in_front_of(cluster, tmp_path, rules=rules, service=False, identity=identity) as found,
    ):
        await prepared(found)
        yield found


async def exists(stack: Stack) -> bool:
    return (await stack.call("GET", "/flights-out", direct=True)).status == 200


async def test_whoever_holds_enough_by_role_files_starts(stack: Stack) -> None:
    answer = await stack.start("outliers", basic("ann"))
    assert answer.status == 200, answer.body
    assert await exists(stack)
    found = (await stack.ok("GET", "/flights-out?flat_settings=true"))["flights-out"]
    assert found["settings"]["index.number_of_shards"] == "2"
    assert found["mappings"]["properties"]["carrier"] == {"type": "keyword"}
    assert (await stack.ended("outliers"))["state"] == "stopped"
    intent = stack.recorded(answer.receipt).records[Phase.INTENT]
    assert "startgate_users" in json.dumps(intent)
    assert not any("/_security" in call.target for call in stack.cluster.calls)


async def test_whoever_does_not_hold_enough_starts_nothing(stack: Stack) -> None:
    answer = await stack.start("outliers", basic("eve"))
    assert answer.status == 403
    assert "eve" in answer.reason
    assert not await exists(stack)


@pytest.mark.parametrize("auth", [basic("ann", "wrong"), basic("nobody"), "ApiKey YTpi"])
async def test_nobody_starts_anything(stack: Stack, auth: str) -> None:
    answer = await stack.start("outliers", auth)
    assert answer.status == 401
    assert not await exists(stack)


async def test_without_identities_every_start_is_refused_with_the_way_out(
    node: RealNode | None, tmp_path: Path
) -> None:
    backend = RemoteNode(node.url) if node is not None else None
    async with (
        serve_embedded(backend=backend, security=False) as cluster,
        in_front_of(cluster, tmp_path, service=False) as stack,
    ):
        await prepared(stack)
        answer = await stack.start("outliers", basic("ann"))
        assert answer.status == 403
        assert "the cluster has no security" in answer.reason
        assert "identity in startgate.yml" in answer.reason
        assert not await exists(stack)
