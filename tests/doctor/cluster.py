"""A cluster for the doctor: it tells what a test says, path by path; and facts that are made of the same."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proxy.doctor.ask import Facts, Told
from proxy.settings import GateSettings

UUID = "u-1"
SERVICE = "ApiKey aWQ6d29ydA=="


def root(version: str = "9.1.0", uuid: str = UUID) -> dict[str, Any]:
    return {"name": "n1", "cluster_name": "c", "cluster_uuid": uuid, "version": {"number": version}}


def features(mode: str = "trial", *, ml: bool = True, security: bool = True, **licence: Any) -> dict[str, Any]:
    enabled = {"ml": ml, "security": security}
    return {
        "license": {"type": mode, "mode": mode, "status": "active", **licence},
        "features": {name: {"available": True, "enabled": on} for name, on in enabled.items()},
    }


def node(name: str = "n1", **more: Any) -> dict[str, Any]:
    address = {"bound_address": ["127.0.0.1:9200"], "publish_address": "127.0.0.1:9200"}
    return {"name": name, "version": "9.1.0", "roles": ["data", "ml"], "http": address, **more}


def info(*nodes: Mapping[str, Any]) -> dict[str, Any]:
    return {"nodes": {str(number): one for number, one in enumerate(nodes or (node(),))}}


def who(**more: Any) -> dict[str, Any]:
    return {"username": "startgate", **more}


def told(content: object = None, status: int = 200, why: str = "", **times: Any) -> Told:
    return Told(status=status, content=content, why=why, **times)


def facts(**changed: Any) -> Facts:
    """What a cluster tells with which all is well, but for what is changed."""
    now = time.time()
    well: dict[str, Any] = {
        "roots": {"http://n1:9200": told(root())},
        "features": told(features()),
        "info": told(info()),
        "stats": told(stats(now), sent=now, got=now),
        "who": told(who()),
        "jobs": told({"data_frame_analytics": []}),
    }
    return Facts(**{**well, **changed})


def stats(when: float, name: str = "n1") -> dict[str, Any]:
    return {"nodes": {"1": {"name": name, "timestamp": int(when * 1000)}}}


@dataclass
class Patient:
    """The cluster as it answers: `answers` by path, of a body or a status with a body. `held` are the privileges of who
    asks, `monitor` or `read on flights`, None for whatever is asked. `asked` is what was asked, with bodies."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    held: frozenset[str] | None = frozenset()
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> GateSettings:
        """Those of a gate in front of it, with the service credential."""
        return GateSettings(socket="", nodes=(self.url,), rules="", journal="", service=SERVICE)


def _holds(patient: Patient, body: Mapping[str, Any]) -> dict[str, Any]:
    def has(text: str) -> bool:
        return patient.held is None or text in patient.held

    return {
        "cluster": {name: has(name) for name in body["cluster"]},
        "index": {
            name: {privilege: has(f"{privilege} on {name}") for privilege in entry["privileges"]}
            for entry in body["index"]
            for name in entry["names"]
        },
    }


def well() -> dict[str, Any]:
    """All that a cluster answers with which all is well."""
    return {
        "/": root(),
        "/_xpack": features(),
        "/_nodes/http,settings": info(),
        "/_security/_authenticate": who(),
        "/_ml/data_frame/analytics": {"data_frame_analytics": []},
    }


@asynccontextmanager
async def serving(patient: Patient, tls: ssl.SSLContext | None = None) -> AsyncIterator[Patient]:
    """Serve it on a port of the system's choice. What has no answer has no handler, as in Elasticsearch."""
    patient.answers = {**well(), **patient.answers}

    async def answer(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        patient.asked.append((request.method, request.path, body))
        status, found = 200, patient.answers.get(request.path)
        if isinstance(found, tuple):
            status, found = found
        elif request.path == "/_nodes/stats/process":
            found = found or stats(time.time())
        elif request.path == "/_security/user/_has_privileges":
            found = found or _holds(patient, body or {})
        elif found is None:
            status, found = 400, {"error": f"no handler found for uri [{request.path}]", "status": 400}
        return web.json_response(found, status=status, headers=patient.headers)

    async def without_date(_: web.Request, response: web.StreamResponse) -> None:
        # Elasticsearch sends none.
        if "Date" not in patient.headers:
            response.headers.popall("Date", None)

    app = web.Application()
    app.on_response_prepare.append(without_date)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    patient.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield patient
    finally:
        for _ in range(10):
            # What a client of this loop sent last is read in the next turns: a connection that is still being made
            # would else be nobody's to close.
            await asyncio.sleep(0)
        await runner.cleanup()


FORBIDDEN = (403, {"error": {"type": "security_exception", "reason": "action is unauthorized"}, "status": 403})
UNKNOWN = (401, {"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401})
