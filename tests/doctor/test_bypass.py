"""Ways round the gate."""

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from proxy.doctor import bypass
from proxy.doctor.ask import Asker
from proxy.doctor.model import State
from proxy.rules.compiled import Authority
from proxy.rules.load import load
from proxy.settings import ClusterTls
from tests.doctor.cluster import Patient, facts, info, node, serving, told

SHIPPED = Path(__file__).parents[2] / "rules"
WIDE = {"bound_address": ["[::1]:9200", "10.0.0.1:9200"], "publish_address": "es-1/10.0.0.1:9200"}


def test_intermediaries(tmp_path: Path) -> None:
    rules = load(SHIPPED)
    assert bypass.intermediaries(rules).state is State.OK
    assert bypass.intermediaries(replace(rules, trusted=())).state is State.WARN
    assert bypass.intermediaries(None).state is State.SKIP
    by_roles = replace(rules, trusted=(), authority=Authority.ROLES)
    assert bypass.intermediaries(by_roles).state is State.OK


async def test_nodes_on_loopback_only() -> None:
    async with serving(Patient()) as patient:
        asker = Asker(patient.settings)
        assert (await bypass.bypass(asker, facts(), (patient.url,))).state is State.OK
        assert (await bypass.bypass(asker, facts(info=told(status=403)), (patient.url,))).state is State.SKIP
        await asker.close()


async def test_nodes_that_listen_elsewhere() -> None:
    wide = facts(info=told(info(node(http=WIDE))))
    async with serving(Patient()) as patient:
        asker = Asker(patient.settings)
        near = await bypass.bypass(asker, wide, (patient.url,))
        far = await bypass.bypass(asker, wide, ("http://10.0.0.1:9200",))
        await asker.close()
    assert (near.state, near.seen) == (State.WARN, "n1 listens on 10.0.0.1:9200")
    assert "http.host: 127.0.0.1" in near.advice
    assert "NetworkPolicy" in far.advice


@pytest.mark.parametrize("asks", [True, False])
async def test_nodes_that_ask_for_certificates_are_no_way_round(tmp_path: Path, asks: bool) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("startgate").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if asks:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    own = str(tmp_path / "own.pem")
    async with serving(Patient(), context) as patient:
        tls = ClusterTls(ca=str(tmp_path / "ca.pem"), certificate=own, key=own)
        asker = Asker(replace(patient.settings, cluster_tls=tls))
        found = await bypass.bypass(asker, facts(info=told(info(node(http=WIDE)))), (patient.url,))
        await asker.close()
    assert found.state is (State.OK if asks else State.WARN)


async def test_as_a_client_sees_it() -> None:
    gone = "http://127.0.0.1:9"
    with socket.create_server(("127.0.0.1", 0)) as there:
        open_, shut = await bypass.as_client((f"http://127.0.0.1:{there.getsockname()[1]}", gone))
    assert (open_.state, open_.advice) == (State.FAIL, bypass.CLOSE)
    assert (shut.state, "cannot be reached" in shut.seen) == (State.OK, True)


def test_sniffing() -> None:
    wide = facts(info=told(info(node(http=WIDE))))
    assert bypass.sniffing(wide, "rewrite").state is State.OK
    found = bypass.sniffing(wide, "pass")
    assert (found.state, "es-1/10.0.0.1:9200" in found.seen) == (State.WARN, True)
    assert bypass.sniffing(facts(), "pass").state is State.OK
    assert bypass.sniffing(facts(info=told(status=403)), "pass").state is State.SKIP


@pytest.mark.parametrize(
    ("address", "host"),
    [("10.0.0.1:9200", "10.0.0.1"), ("[::1]:9200", "::1"), ("es-1/10.0.0.1:9200", "10.0.0.1"), ("es:1", "es")],
)
def test_hosts(address: str, host: str) -> None:
    assert bypass.host_of(address) == host
