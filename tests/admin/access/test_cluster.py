"""Who somebody is and what they may do, as a cluster says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from proxy.admin.access import proof
from proxy.admin.access.cluster import WITHOUT_SECURITY, WRONG, Realm
from proxy.admin.access.proof import Proof
from proxy.admin.api import ApiError, Role, Viewer
from proxy.cluster.transport import Transport
from proxy.embedded.app import Cluster, serve_embedded
from proxy.settings import AccessRule, AdminAccess, ClusterTls
from tests.admin.visiting import ROLES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asking(url: str, access: AdminAccess | None = None, limit_s: float = 30.0) -> AsyncIterator[Realm]:
    transport = Transport((url,), ClusterTls(), 30.0)
    try:
        yield Realm(transport, access or AdminAccess(), limit_s)
    finally:
        await transport.close()


async def viewer(url: str, shown: Proof, access: AdminAccess | None = None) -> Viewer:
    async with asking(url, access) as realm:
        return await realm.viewer(shown)


async def refused(url: str, shown: Proof, access: AdminAccess | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await viewer(url, shown, access)
    return caught.value


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with serve_embedded() as made:
        for name, role in ROLES.items():
            made.add_role(name, role)
            made.add_user(name, name * 2, [name])
        yield made


@pytest.mark.parametrize(("name", "role"), [("owner", Role.OWN), ("reader", Role.READ), ("writer", Role.WRITE)])
async def test_privileges_make_a_role(cluster: Cluster, name: str, role: Role) -> None:
    found = await viewer(cluster.url, proof.basic(name, name * 2))
    assert (found.name, found.role) == (name, role)
    assert found.authorization == proof.basic(name, name * 2).secret
    assert str(found.authorization) not in repr(found)


@pytest.mark.parametrize(
    ("access", "role"),
    [
        (AdminAccess(read=AccessRule(roles=("reader",))), Role.READ),
        (AdminAccess(write=AccessRule(roles=("x", "reader"))), Role.WRITE),
        (AdminAccess(read=AccessRule(cluster=("manage_security", "manage_ml"))), Role.OWN),
        (AdminAccess(read=AccessRule(), write=AccessRule()), Role.OWN),
        (AdminAccess(read=AccessRule(cluster=("all",), roles=("reader",))), Role.READ),
    ],
)
async def test_access_says_which(cluster: Cluster, access: AdminAccess, role: Role) -> None:
    assert (await viewer(cluster.url, proof.basic("reader", "readerreader"), access)).role is role


async def test_an_api_key_has_what_it_has(cluster: Cluster) -> None:
    whole = cluster.add_api_key("all", owner="writer")
    narrow = cluster.add_api_key("narrow", {"r": {"cluster": ["monitor"]}}, owner="writer")
    assert (await viewer(cluster.url, proof.api_key(whole))).role is Role.WRITE
    assert (await viewer(cluster.url, proof.api_key(narrow))).role is Role.OWN


@pytest.mark.parametrize("name", ["writer", "nobody"])
async def test_wrong_is_wrong_whoever_it_is(cluster: Cluster, name: str) -> None:
    error = await refused(cluster.url, proof.basic(name, "wrong"))
    assert (error.status, error.reason) == (401, WRONG)


async def test_others_may_be_kept_out(cluster: Cluster) -> None:
    error = await refused(cluster.url, proof.basic("owner", "ownerowner"), AdminAccess(own=False))
    assert error.status == 403
    assert "owner is known to the cluster, and may see nothing here" in error.reason


async def test_a_cluster_without_security_knows_nobody() -> None:
    async with serve_embedded(security=False) as open_one:
        error = await refused(open_one.url, proof.basic("ann", "x"))
    assert (error.status, error.reason) == (403, WITHOUT_SECURITY)


async def test_a_cluster_that_is_away_is_told() -> None:
    error = await refused("http://127.0.0.1:9", proof.basic("ann", "x"))
    assert error.status == 503
    assert "the cluster does not answer" in error.reason


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, {"error": {"type": "security_exception", "reason": "license is non-compliant"}}, (403, "non-compliant")),
        (429, {"error": "busy"}, (503, "the cluster does not answer")),
        (500, {"error": "x"}, (503, "the cluster does not answer")),
        (200, {}, (503, "the answer lacks")),
        (200, {"username": 1}, (503, "")),
        (404, {"error": "no handler"}, (403, "no security")),
    ],
)
async def test_odd_answers_let_nobody_in(status: int, body: object, told: tuple[int, str]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with answering(answer) as url:
        error = await refused(url, proof.basic("ann", "x"))
    assert error.status == told[0]
    assert told[1] in error.reason


async def test_one_that_takes_too_long_is_away() -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with answering(never) as url, asking(url, limit_s=0.05) as realm:
        with pytest.raises(ApiError, match=r"no answer within 0\.05 s"):
            await realm.viewer(proof.basic("ann", "x"))
