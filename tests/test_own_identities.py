"""A cluster without security: TLS to a true edge worker, a true gate, users of our own; only the cluster is made up."""

import asyncio
import base64
import functools
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import trustme
from click.testing import CliRunner

from proxy.cli import main
from proxy.edge.door import Entrance
from proxy.edge.worker import run as run_edge
from proxy.errors import RulesError
from proxy.gate import app
from proxy.gate.app import run as run_gate
from proxy.gate.rules_in_force import Source
from proxy.identity.conflicts import identity_conflicts
from proxy.journal.read import starts
from proxy.orders import GateOrder
from proxy.settings import (
    CertificateNames,
    EdgeLimits,
    EdgeSettings,
    GateLimits,
    GateSettings,
    IdentityLimits,
    IdentitySettings,
    ListenTls,
    TrustedHeader,
)
from proxy.tls import listener_context
from tests.gate.fakes import TARGET, FakeCluster
from tests.identity.samples import PBKDF2, WORD, rules_by_roles


@dataclass
class Place:
    """All of it, running. `cluster` notes what reached it."""

    cluster: FakeCluster
    base: str
    trust: str
    clients: trustme.CA
    settings: GateSettings

    async def start(self, *, user: str = "", password: str = WORD, shows: str = "", **headers: str) -> tuple[int, Any]:
        """A start by `user` with a password, or by whom the certificate `shows`."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.trust)
        if shows:
            self.clients.issue_cert(f"{shows}@example.com", common_name=shows).configure_cert(context)
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.base + TARGET, headers=named, ssl=context, server_hostname="localhost") as answer,
        ):
            return answer.status, json.loads(await answer.read())

    def sent(self) -> dict[str, str]:
        """The headers of the last start that reached the cluster."""
        return {name.lower(): value for name, value in self.cluster.forwarded[-1][1]}


def identity(folder: Path) -> IdentitySettings:
    (folder / "users").write_text(f"ann:{PBKDF2}\neve:{PBKDF2}\n")
    (folder / "users_roles").write_text("analyst:ann,carl\n")
    return IdentitySettings(
        users_file=str(folder / "users"),
        users_roles_file=str(folder / "users_roles"),
        certificates=CertificateNames(username="cn"),
        header=TrustedHeader(name="X-User", peers=("127.0.0.1/32",), forward=False),
    )


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    authority, clients = trustme.CA(), trustme.CA()
    served = authority.issue_cert("localhost")
    files: dict[str, Any] = {name: str(tmp_path / name) for name in ("certificate", "key", "client_ca")}
    served.cert_chain_pems[0].write_to_path(files["certificate"])
    served.private_key_pem.write_to_path(files["key"])
    clients.cert_pem.write_to_path(files["client_ca"])
    cluster = FakeCluster([])
    monkeypatch.setattr(app, "Gateway", lambda *_, **__: cluster)
    settings = GateSettings(
        socket=str(tmp_path / "gate.sock"),
        nodes=("http://127.0.0.1:9",),
        rules=str(rules_by_roles(tmp_path)),
        journal=str(tmp_path / "journal"),
        limits=GateLimits(drain_s=2, follow_up_poll_s=0.01),
        identity=identity(tmp_path),
    )
    stop, gate_ready, edge_ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
    gate = asyncio.ensure_future(run_gate(settings, stop, gate_ready.set, asyncio.Event()))
    listener = socket.create_server(("127.0.0.1", 0))
    tls = listener_context(ListenTls(**files, client_certificates="optional"))
    edge_settings = EdgeSettings(
        nodes=("http://127.0.0.1:9",), gate_socket=settings.socket, limits=EdgeLimits(drain_s=1)
    )
    edge = asyncio.ensure_future(run_edge(edge_settings, [Entrance(listener, tls)], stop, edge_ready.set))
    async with asyncio.timeout(20):
        await gate_ready.wait()
        await edge_ready.wait()
    base = f"https://127.0.0.1:{listener.getsockname()[1]}"
    yield Place(cluster, base, authority.cert_pem.bytes().decode(), clients, settings)
    stop.set()
    await asyncio.gather(gate, edge)


async def test_a_user_with_a_role_starts_and_the_cluster_sees_no_password(place: Place) -> None:
    assert (await place.start(user="ann"))[0] == 200
    assert "authorization" not in place.sent()
    assert not [call for call in place.cluster.calls if call.startswith(("identify", "held"))]
    (record,) = starts(Path(place.settings.journal))
    assert WORD not in json.dumps(record.records)
    outcome = json.dumps(record.records)
    assert "startgate_users" in outcome


async def test_a_user_without_a_role_does_not(place: Place) -> None:
    status, told = await place.start(user="eve")
    assert status == 403
    assert "eve" in told["error"]["reason"]
    assert place.cluster.forwarded == []


async def test_nobody_and_the_wrong_password_do_not(place: Place) -> None:
    assert (await place.start())[0] == 401
    assert (await place.start(user="ann", password="wrong"))[0] == 401
    assert (await place.start(user="ann", es_security_runas_user="eve"))[0] == 403
    assert place.cluster.calls == []
    # Of what one peer tries without credentials the first is recorded, and the others are counted.
    assert len(starts(Path(place.settings.journal))) == 1


async def test_a_certificate_names_the_user(place: Place) -> None:
    assert (await place.start(shows="carl"))[0] == 200
    assert (await place.start(shows="eve"))[0] == 403
    assert (await place.start(shows="carl", user="ann"))[0] == 403


async def test_the_edge_tells_what_tls_verified_and_clients_cannot(place: Place) -> None:
    claim = base64.b64encode(b'{"subject":[[["commonName","carl"]]],"names":[]}').decode()
    assert (await place.start(X_Startgate_Tls_Subject=claim))[0] == 401


async def test_a_front_names_the_user_and_its_header_stays_here(place: Place) -> None:
    assert (await place.start(X_User="ann"))[0] == 200
    assert "x-user" not in place.sent()
    assert (await place.start(X_User="eve"))[0] == 403
    assert (await place.start(X_User="ann", user="eve"))[0] == 403


async def test_rules_that_do_not_go_with_it_are_not_served(tmp_path: Path) -> None:
    settings = GateSettings(
        socket=str(tmp_path / "gate.sock"),
        nodes=("http://127.0.0.1:9",),
        rules=str(Path(__file__).parent.parent / "rules"),
        journal=str(tmp_path / "journal"),
        identity=identity(tmp_path),
    )
    with pytest.raises(RulesError, match="authority is cluster"):
        await run_gate(settings, asyncio.Event(), lambda: None, asyncio.Event())


def test_rules_that_do_not_go_with_it_are_not_taken_at_a_reload(tmp_path: Path) -> None:
    conflicts = functools.partial(identity_conflicts, identity(tmp_path))
    good = Source(path=rules_by_roles(tmp_path), conflicts=conflicts)
    shipped = Source(path=Path(__file__).parent.parent / "rules" / "start.yml", conflicts=conflicts)
    assert good.take()[0].rules is not None
    taken, _ = shipped.take()
    assert taken.rules is None
    assert "authority is cluster" in taken.faults[0].message


def test_what_the_supervisor_tells_the_gate_arrives_whole(tmp_path: Path) -> None:
    whole = IdentitySettings(
        users_file="/u",
        users_roles_file="/r",
        certificates=CertificateNames(users=(("CN=a", "ann"),)),
        header=TrustedHeader(name="X", peers=("::1/128",), roles_header="Y", forward=False),
        limits=IdentityLimits(cache_s=0.0),
    )
    settings = GateSettings(socket="s", nodes=(), rules="", journal="", identity=whole)
    order = GateOrder(name="gate", settings=settings)
    assert msgspec.json.decode(msgspec.json.encode(order), type=GateOrder) == order


def test_check_tells_rules_that_do_not_go_with_it(tmp_path: Path) -> None:
    identity(tmp_path)
    config = tmp_path / "startgate.yml"
    rules = rules_by_roles(tmp_path)
    config.write_text(f"identity: {{users_file: users}}\nrules: {rules}\njournal: {{path: {tmp_path}}}\n")
    asked = ["check", "--config", str(config)]
    good = CliRunner().invoke(main, asked)
    assert good.exit_code == 0, good.output
    shipped = Path(__file__).parent.parent / "rules" / "start.yml"
    wrong = CliRunner().invoke(main, [*asked, "--rules", str(shipped)])
    assert wrong.exit_code == 2
    assert "authority is cluster, and identity" in wrong.output
