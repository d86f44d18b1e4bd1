"""Certificates of every kind of wrong."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from proxy.doctor import certificates
from proxy.doctor.model import Finding, State
from proxy.settings import AdminPort, ClusterTls, Listen, ListenTls
from tests.doctor.cluster import Patient, serving

NONE = ClusterTls()


def issued(folder: Path, authority: trustme.CA, *names: str, ends: datetime | None = None) -> ListenTls:
    one = authority.issue_cert(*names, not_after=ends)
    certificate, key = folder / "own.pem", folder / "own.key"
    certificate.write_bytes(b"".join(part.bytes() for part in one.cert_chain_pems))
    one.private_key_pem.write_to_path(key)
    return ListenTls(certificate=str(certificate), key=str(key))


def judged(tls: ListenTls, host: str = "127.0.0.1") -> list[Finding]:
    return certificates.own([Listen(host=host, port=9443, tls=tls)], None, NONE)


def test_without_tls_there_is_nothing_to_look_at() -> None:
    (found,) = certificates.own([Listen(host="127.0.0.1", port=9400)], None, NONE)
    assert (found.state, found.advice) == (State.OK, "")


def test_a_good_one(tmp_path: Path) -> None:
    tls = issued(tmp_path, trustme.CA(), "127.0.0.1", "es.example.org", "*.wild.example.org")
    for host in ("127.0.0.1", "0.0.0.0", "es.example.org", "a.wild.example.org"):
        (found,) = judged(tls, host)
        assert found.state is State.OK, found


def test_it_is_for_another_name(tmp_path: Path) -> None:
    (found,) = judged(issued(tmp_path, trustme.CA(), "es.example.org"), "10.0.0.1")
    assert (found.state, "is for es.example.org, and not for 10.0.0.1" in found.seen) == (State.WARN, True)


@pytest.mark.parametrize(("left_days", "state"), [(-1, State.FAIL), (29, State.WARN), (31, State.OK)])
def test_its_end(tmp_path: Path, left_days: int, state: State) -> None:
    ends = datetime.now(UTC) + timedelta(days=left_days)
    found = judged(issued(tmp_path, trustme.CA(), "127.0.0.1", ends=ends))
    assert [one.state for one in found] == [state]


def test_the_key_is_anothers(tmp_path: Path) -> None:
    tls = issued(tmp_path, trustme.CA(), "127.0.0.1")
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(tls.key)
    (found,) = judged(tls)
    assert (found.state, "is not the key of the certificate" in found.seen) == (State.FAIL, True)


def _swapped(parts: list[bytes], _: bytes) -> bytes:
    return b"".join([parts[0], *reversed(parts[1:])])


def _of_a_stranger(parts: list[bytes], stranger: bytes) -> bytes:
    return parts[0] + stranger


@pytest.mark.parametrize("spoil", [_swapped, _of_a_stranger])
def test_the_chain_is_none(tmp_path: Path, spoil: Callable[[list[bytes], bytes], bytes]) -> None:
    leaf_of = trustme.CA().create_child_ca().create_child_ca()
    one = leaf_of.issue_cert("127.0.0.1")
    parts = [part.bytes() for part in one.cert_chain_pems]
    assert len(parts) > 2
    tls = issued(tmp_path, leaf_of, "127.0.0.1")
    one.private_key_pem.write_to_path(tls.key)
    Path(tls.certificate).write_bytes(b"".join(parts))
    assert [found.state for found in judged(tls)] == [State.OK]
    Path(tls.certificate).write_bytes(spoil(parts, trustme.CA().cert_pem.bytes()))
    assert "was not issued by what follows it" in judged(tls)[0].seen


def test_names_in_the_subject_alone_are_none(tmp_path: Path) -> None:
    tls = issued(tmp_path, trustme.CA(), "127.0.0.1")
    root = trustme.CA()
    root.cert_pem.write_to_path(tls.certificate)
    root.private_key_pem.write_to_path(tls.key)
    (found,) = judged(tls)
    assert (found.state, "names no host" in found.seen) == (State.WARN, True)


def test_the_admin_port_counts_too(tmp_path: Path) -> None:
    tls = issued(tmp_path, trustme.CA(), "es.example.org")
    admin = AdminPort(host="10.0.0.1", port=9402, tls=tls)
    (found,) = certificates.own([], admin, NONE)
    assert "not for 10.0.0.1" in found.seen


def test_a_file_that_is_gone_is_told_and_no_crash(tmp_path: Path) -> None:
    tls = ListenTls(certificate=str(tmp_path / "no.pem"), key=str(tmp_path / "no.key"))
    assert {one.state for one in judged(tls)} == {State.FAIL}


@pytest.mark.parametrize(("left_days", "state"), [(29, State.WARN), (31, State.OK)])
async def test_what_nodes_show(tmp_path: Path, left_days: int, state: State) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ends = datetime.now(UTC) + timedelta(days=left_days)
    authority.issue_cert("127.0.0.1", not_after=ends).configure_cert(context)
    tls = ClusterTls(ca=str(tmp_path / "ca.pem"))
    async with serving(Patient(), context) as patient:
        (found,) = await certificates.of_nodes((patient.url,), tls)
        weak = await certificates.of_nodes((patient.url,), ClusterTls(verify="unsafe_none"))
        (strange,) = await certificates.of_nodes((patient.url,), NONE)
    assert found.state is state
    assert "anybody may pose as the cluster" in weak[-1].seen
    assert strange.state is State.SKIP


async def test_nodes_without_tls() -> None:
    (found,) = await certificates.of_nodes(("http://127.0.0.1:9",), NONE)
    assert (found.state, found.advice) == (State.OK, "the cluster's traffic is not encrypted")
