"""TLS both sides; broken files are named with what is wrong with them."""

import asyncio
import json
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from proxy.edge.tls import cluster_context, listener_context
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls
from tests.edge.rig import Rig, Wire, answer, echo, make_limits, server_tls

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def fault(tls: ListenTls | ClusterTls) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        listener_context(tls) if isinstance(tls, ListenTls) else cluster_context(tls)
    (one,) = caught.value.faults
    return one.where, one.message


class TestListener:
    """The certificate and key of a listening address."""

    def test_good_files(self, pem: Path) -> None:
        context = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        both = str(pem / "both.pem")
        listener_context(ListenTls(certificate=both, key=both))

    def test_missing_files_are_all_told(self, pem: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            listener_context(ListenTls(certificate=str(pem / "no.pem"), key=str(pem / "no.key")))
        assert [one.message for one in caught.value.faults] == ["cannot be read (No such file or directory)"] * 2

    def test_the_wrong_key(self, pem: Path) -> None:
        where, message = fault(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "other.key")))
        assert where == str(pem / "other.key")
        assert message == f"is not the key of the certificate in {pem / 'server.pem'}"

    def test_no_certificate(self, pem: Path, tmp_path: Path) -> None:
        (tmp_path / "x.pem").write_text("hello")
        where, message = fault(ListenTls(certificate=str(tmp_path / "x.pem"), key=str(pem / "server.key")))
        assert (where, message) == (str(tmp_path / "x.pem"), "holds no certificate in PEM form")

    def test_no_key(self, pem: Path, tmp_path: Path) -> None:
        (tmp_path / "x.key").write_text("hello")
        where, message = fault(ListenTls(certificate=str(pem / "server.pem"), key=str(tmp_path / "x.key")))
        assert where == str(tmp_path / "x.key")
        assert message.startswith("holds no private key in PEM form")

    def test_a_key_with_a_pass_phrase(self, pem: Path, tmp_path: Path) -> None:
        key = serialization.load_pem_private_key((pem / "server.key").read_bytes(), None)
        (tmp_path / "locked.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
        where, message = fault(ListenTls(certificate=str(pem / "server.pem"), key=str(tmp_path / "locked.key")))
        assert where == str(tmp_path / "locked.key")
        assert "pass phrase" in message


class TestCluster:
    """How nodes' certificates are checked."""

    def test_modes(self, pem: Path) -> None:
        ca = str(pem / "ca.pem")
        full, chain, none = (
            cluster_context(ClusterTls(ca=ca, verify=mode)) for mode in ("full", "certificate", "unsafe_none")
        )
        assert (full.check_hostname, full.verify_mode) == (True, ssl.CERT_REQUIRED)
        assert (chain.check_hostname, chain.verify_mode) == (False, ssl.CERT_REQUIRED)
        assert (none.check_hostname, none.verify_mode) == (False, ssl.CERT_NONE)
        assert cluster_context(ClusterTls()).verify_mode == ssl.CERT_REQUIRED

    def test_an_unknown_mode(self) -> None:
        where, message = fault(ClusterTls(verify="certificat"))
        assert where == "cluster.tls.verify"
        assert "did you mean 'certificate'" in message
        assert "allowed: full, certificate, unsafe_none" in message

    def test_a_missing_or_broken_ca(self, tmp_path: Path) -> None:
        assert fault(ClusterTls(ca=str(tmp_path / "no"))) == (
            str(tmp_path / "no"),
            "cannot be read (No such file or directory)",
        )
        (tmp_path / "ca.pem").write_text("hello")
        where, message = fault(ClusterTls(ca=str(tmp_path / "ca.pem")))
        assert where == str(tmp_path / "ca.pem")
        assert "no usable CA certificate" in message


class TestTraffic:
    """Requests over TLS on either side."""

    async def test_clients_over_tls(self, rig: Rig, pem: Path, authority: trustme.CA) -> None:
        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listen, client_tls=client_tls)
        client = await edge.connect()
        body = b"x" * 3_000_000
        for _ in range(2):
            await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert (await client.message()).body.endswith(body)
        await client.send(b"POST x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.message()).status == 400

    async def test_an_upload_over_tls_that_had_to_wait_leaves_the_connection_usable(
        self, rig: Rig, pem: Path, authority: trustme.CA
    ) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.head()
                await asyncio.sleep(0.1)
                await wire.reader.readexactly(400_000)
                await wire.send(answer(b"all"))

        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
        limits = make_limits(buffer_bytes=1024)
        edge = await rig.edge(await rig.upstream(script), listen_tls=listen, client_tls=client_tls, limits=limits)
        client = await edge.connect()
        for _ in range(3):
            head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
            client.writer.write(head + b"x" * 400_000)
            assert (await client.message()).body == b"all"

    @pytest.mark.parametrize(
        ("host", "verify", "trusted", "status"),
        [
            ("localhost", "full", True, 200),
            ("127.0.0.1", "full", True, 503),
            ("127.0.0.1", "certificate", True, 200),
            ("localhost", "full", False, 503),
            ("localhost", "certificate", False, 503),
            ("127.0.0.1", "unsafe_none", False, 200),
        ],
    )
    async def test_nodes_over_tls(
        self, rig: Rig, pem: Path, host: str, verify: str, trusted: bool, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        upstream = await rig.upstream(echo, tls=server_tls(pem))
        tls = ClusterTls(ca=str(pem / "ca.pem") if trusted else None, verify=verify)
        edge = await rig.edge(f"https://{host}:{upstream.port}", cluster_tls=tls)
        got = await edge.ask(GET)
        assert got.status == status
        if status == 503:
            assert json.loads(got.body)["error"]["reason"] == "no node of the cluster can be reached"
            assert "certificate verify failed" in caplog.text

    async def test_a_plain_request_to_a_tls_port_gets_no_plain_answer(self, rig: Rig, pem: Path) -> None:
        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listen)
        client = await edge.connect()
        await client.send(GET)
        assert b"HTTP" not in await client.ended()
