"""An admin port before an embedded cluster, with a gate that takes records, for tests of who may come in."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from proxy.admin.app import run
from proxy.control.recording import Recording
from proxy.embedded.app import Cluster, basic, serve_embedded
from proxy.errors import JournalError
from proxy.settings import AdminAccess, AdminLimits, AdminPort, AdminSettings, AdminToken, ListenTls
from proxy.tasks import spawn
from tests.journal.making import encode, record

PATIENCE_S = 30.0
ROLES: Mapping[str, Any] = {
    "owner": {"cluster": ["monitor"], "indices": []},
    "reader": {"cluster": ["manage_security"], "indices": []},
    "writer": {"cluster": ["all"], "indices": []},
}
TOKENS = {"scraper": "r" * 40, "operator": "w" * 40}


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]

    @property
    def content(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Gate:
    """Takes records, or refuses to."""

    records: list[dict[str, Any]] = field(default_factory=list)
    full: bool = False

    async def append(self, record: dict[str, Any]) -> None:
        """As the journal's."""
        if self.full:
            raise JournalError("the disk is full")
        self.records.append(record)

    @property
    def acts(self) -> list[tuple[str, str, str]]:
        """Of each record: what, by whom, with which outcome."""
        return [
            (one["event"]["action"], one["startgate"]["admin"].get("by", ""), one["event"]["outcome"])
            for one in self.records
        ]


@dataclass(slots=True)
class Visit:
    """A running admin port."""

    port: int
    folder: Path
    cluster: Cluster
    gate: Gate
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def socket(self) -> Path:
        """Its Unix socket."""
        return self.folder / "admin.sock"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        form: Mapping[str, str] | None = None,
        user: str = "",
        cookie: str = "",
        local: bool = False,
        data: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """One request, as it is: no cookie is kept, no redirect followed. Underscores in names of headers stand for
        hyphens; `user` is sent with their password, which is the name twice."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user:
            sent["authorization"] = basic(user, user * 2)
        if cookie:
            sent["cookie"] = cookie
        if body is not None:
            data, sent["content-type"] = msgspec.json.encode(body), sent.get("content-type", "application/json")
        connector = aiohttp.UnixConnector(str(self.socket)) if local else None
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method,
                ("http://local" if local else self.url) + path,
                headers=sent,
                data=form if form is not None else data,
                allow_redirects=False,
                ssl=self.tls or True,
            ) as answer,
        ):
            return Answer(answer.status, await answer.read(), dict(answer.headers), dict(answer.cookies))

    async def session(self, user: str) -> tuple[str, str]:
        """Sign somebody in: the cookie as it is sent, and the token against forged requests."""
        answer = await self.ask("POST", "/v1/session", body={"username": user, "password": user * 2})
        assert answer.status == 200, answer.body
        [(name, morsel)] = answer.cookies.items()
        return f"{name}={morsel.value}", answer.content["csrf"]


@asynccontextmanager
async def visiting(
    folder: Path,
    *,
    access: AdminAccess | None = None,
    limits: AdminLimits | None = None,
    tls: tuple[ListenTls, ssl.SSLContext] | None = None,
    security: bool = True,
    hosts: tuple[str, ...] = (),
) -> AsyncIterator[Visit]:
    """An admin port for the users `owner`, `reader` and `writer`."""
    async with serve_embedded("127.0.0.1", 0, security=security) as cluster, recording(folder) as gate:
        if security:
            for name, role in ROLES.items():
                cluster.add_role(name, role)
                cluster.add_user(name, name * 2, [name])
        (folder / "journal").mkdir()
        (folder / "journal" / "starts-000001.jsonl").write_bytes(encode(record("r" * 32)))
        settings = AdminSettings(
            listen=AdminPort(
                host="127.0.0.1",
                port=0,
                socket=str(folder / "admin.sock"),
                tls=tls[0] if tls else None,
                hosts=hosts,
                access=access or AdminAccess(tokens=tokens(folder)),
                limits=limits or AdminLimits(),
            ),
            processes=("gate",),
            nodes=(cluster.url,),
            control=str(folder / "control.sock"),
            gate_socket=str(folder / "gate.sock"),
            journal=str(folder / "journal"),
        )
        async with _running(settings, folder) as port:
            yield Visit(port, folder, cluster, gate, tls[1] if tls else None)


def tokens(folder: Path) -> tuple[AdminToken, ...]:
    """A token for each role, in files."""
    made = []
    for (name, text), role in zip(TOKENS.items(), ("read", "write"), strict=True):
        path = folder / f"{name}.token"
        path.write_text(text)
        made.append(AdminToken(name=name, file=str(path), role=role))
    return tuple(made)


@asynccontextmanager
async def _running(settings: AdminSettings, folder: Path) -> AsyncIterator[int]:
    stop, ready, bound = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop().create_future()
    task = spawn(run(settings, folder / "metrics.sock", stop, ready.set, bound.set_result), name="admin")
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE_S)
        yield await asyncio.wait_for(bound, PATIENCE_S)
    finally:
        stop.set()
        await task


@asynccontextmanager
async def recording(folder: Path) -> AsyncIterator[Gate]:
    """A control socket that takes records, and nothing else."""
    gate = Gate()
    app = web.Application()
    app.router.add_routes(Recording(gate.append).routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "control.sock")).start()
    try:
        yield gate
    finally:
        await runner.cleanup()
