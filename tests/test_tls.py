"""TLS contexts from files: good ones work in a real handshake, broken ones are faults that name the file."""

import asyncio
import contextlib
import hashlib
import shutil
import ssl
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls
from proxy.tls import certificate_names, cluster_context, listener_context


class Files:
    """An authority, and a certificate of it for localhost, as PEM files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        one = self.authority.issue_cert("localhost")
        self.ca, self.certificate, self.key = (str(folder / name) for name in ("ca.pem", "chain.pem", "key.pem"))
        self.authority.cert_pem.write_to_path(self.ca)
        one.private_key_pem.write_to_path(self.key)
        for blob in one.cert_chain_pems:
            blob.write_to_path(self.certificate, append=True)

    def text(self, name: str, text: str) -> str:
        """A file with this text."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def shakes_hands(files: Files, tls: ClusterTls, host: str = "localhost") -> bool:
    listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=listening)
    port = server.sockets[0].getsockname()[1]
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=cluster_context(tls), server_hostname=host)
    except ssl.SSLCertVerificationError:
        return False
    else:
        writer.close()
        return True
    finally:
        server.close()


@pytest.mark.parametrize(
    ("verify", "known", "host", "good"),
    [
        ("full", True, "localhost", True),
        ("full", True, "elsewhere", False),
        ("full", False, "localhost", False),
        ("certificate", True, "elsewhere", True),
        ("certificate", False, "localhost", False),
        ("unsafe_none", False, "elsewhere", True),
    ],
)
async def test_certificates_are_checked_as_far_as_asked(
    files: Files, verify: str, known: bool, host: str, good: bool
) -> None:
    assert await shakes_hands(files, ClusterTls(ca=files.ca if known else None, verify=verify), host) is good


def fault(tls: ListenTls | ClusterTls) -> tuple[str, str]:
    """Where the one fault is, and what it says."""
    with pytest.raises(ConfigError) as told:
        listener_context(tls) if isinstance(tls, ListenTls) else cluster_context(tls)
    (only,) = told.value.faults
    return only.where, only.message


def test_contexts_refuse_old_versions(files: Files) -> None:
    listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
    assert listening.minimum_version == cluster_context(ClusterTls()).minimum_version == ssl.TLSVersion.TLSv1_2


def test_certificate_and_key_may_be_in_one_file(files: Files) -> None:
    both = files.text("both.pem", Path(files.key).read_text() + Path(files.certificate).read_text())
    listener_context(ListenTls(certificate=both, key=both))


TORN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no CA certificate in PEM form (no certificate or crl found)"),
        ("hello", "holds no CA certificate in PEM form (no certificate or crl found)"),
        (TORN, "holds no CA certificate in PEM form"),
    ],
)
def test_authorities_that_cannot_be_used_are_faults(files: Files, held: str | None, why: str) -> None:
    path = str(files.folder / "nowhere.pem") if held is None else files.text("no.pem", held)
    where, message = fault(ClusterTls(ca=path))
    assert where == path
    assert message.startswith(why)
    assert "_ssl.c" not in message


def test_a_file_that_goes_while_it_is_read_is_a_fault(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.tls._unreadable", lambda path: None)
    gone = str(files.folder / "gone.pem")
    assert fault(ClusterTls(ca=gone))[0] == gone
    with pytest.raises(ConfigError) as caught:
        certificate_names(gone)
    assert caught.value.faults[0].where == gone


def test_a_folder_is_no_file_of_authorities(files: Files) -> None:
    assert fault(ClusterTls(ca=str(files.folder))) == (str(files.folder), "cannot be read: Is a directory")


def test_an_unknown_mode_is_refused_and_not_taken_for_a_weaker_one() -> None:
    where, message = fault(ClusterTls(verify="certificat"))
    assert where == "cluster.tls.verify"
    assert "did you mean 'certificate'" in message
    assert "allowed: full, certificate, fingerprint, unsafe_none" in message


def test_missing_files_are_all_told(files: Files) -> None:
    with pytest.raises(ConfigError) as told:
        listener_context(ListenTls(certificate=str(files.folder / "no.pem"), key=str(files.folder)))
    assert [str(one) for one in told.value.faults] == [
        f"{files.folder}: cannot be read: Is a directory",
        f"{files.folder / 'no.pem'}: cannot be read: No such file or directory",
    ]


def test_the_file_that_is_to_blame_is_named(files: Files) -> None:
    (files.folder / "other").mkdir()
    other = Files(files.folder / "other").key
    broken, torn, empty = files.text("no.pem", "hello"), files.text("torn.pem", TORN), files.text("empty.pem", "")
    no_certificate, no_key = "holds no certificate in PEM form", "holds no private key in PEM form"
    for certificate, key, named, why in [
        (broken, files.key, broken, no_certificate),
        (torn, files.key, torn, no_certificate),
        (files.key, files.certificate, files.key, no_certificate),
        (files.certificate, broken, broken, no_key),
        (files.certificate, empty, empty, no_key),
        (files.certificate, files.certificate, files.certificate, no_key),
        (files.certificate, other, other, f"is not the key of the certificate in {files.certificate}"),
    ]:
        assert fault(ListenTls(certificate=certificate, key=key)) == (named, why)


LOAD = """
import sys
from proxy.settings import ListenTls
from proxy.tls import listener_context
listener_context(ListenTls(certificate=sys.argv[1], key=sys.argv[2]))
"""


def test_a_key_with_a_pass_phrase_is_a_fault_and_no_question(files: Files) -> None:
    """OpenSSL would ask for it on the terminal, and a process without one would wait there for ever."""
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    held = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    locked = files.text("locked.pem", held.decode())
    where, message = fault(ListenTls(certificate=files.certificate, key=locked))
    assert (where, message.partition(";")[0]) == (locked, "is protected by a pass phrase")
    told = subprocess.run(
        [sys.executable, "-c", LOAD, files.certificate, locked],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
    )
    assert "is protected by a pass phrase" in told.stderr
    assert "ConfigError" in told.stderr


def revoked(issuer: trustme.CA, gone: Sequence[trustme.LeafCert], until: datetime) -> bytes:
    """A CRL (PEM) of an authority."""
    key = serialization.load_pem_private_key(issuer.private_key_pem.bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = x509.CertificateRevocationListBuilder(
        issuer_name=x509.load_pem_x509_certificate(issuer.cert_pem.bytes()).subject,
        last_update=datetime(2020, 1, 1, tzinfo=UTC),
        next_update=until,
    )
    for one in gone:
        number = x509.load_pem_x509_certificate(one.cert_chain_pems[0].bytes()).serial_number
        entry = x509.RevokedCertificateBuilder(number, datetime(2020, 1, 1, tzinfo=UTC))
        made = made.add_revoked_certificate(entry.build())
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Clients(Files):
    """Files of a listener that asks for certificates, and a client's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.issuer = trustme.CA()
        self.client_ca = str(folder / "clients.pem")
        self.issuer.cert_pem.write_to_path(self.client_ca)
        self.crl: str | None = None

    def revoke(
        self,
        *gone: trustme.LeafCert,
        issuer: trustme.CA | None = None,
        until: datetime = datetime(2100, 1, 1, tzinfo=UTC),
    ) -> None:
        """From now on the listener knows a list of these."""
        self.crl = self.text("crl.pem", revoked(issuer or self.issuer, gone, until).decode())

    def listening(self, mode: str) -> ssl.SSLContext:
        """The listener's context."""
        return listener_context(
            ListenTls(
                certificate=self.certificate,
                key=self.key,
                client_ca=self.client_ca,
                client_certificates=mode,
                client_crl=self.crl,
            )
        )

    async def shown(self, mode: str, shows: trustme.LeafCert | None) -> dict[str, Any] | None:
        """What the listener sees of the client's certificate; None where it lets nobody in."""
        seen: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(writer.get_extra_info("peercert"))
            writer.write(b"x")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self.listening(mode))
        asking = cluster_context(ClusterTls(ca=self.ca))
        if shows is not None:
            shows.configure_cert(asking)
        port = server.sockets[0].getsockname()[1]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname="localhost")
            answered = await reader.read()
            writer.close()
        except (ssl.SSLError, ConnectionError):
            answered = b""
        finally:
            server.close()
        return (seen.result() or {}) if answered else None


@pytest.mark.parametrize("mode", ["required", "optional"])
async def test_a_clients_certificate_is_checked(tmp_path: Path, mode: str) -> None:
    clients = Clients(tmp_path)
    good = clients.issuer.issue_cert("ann@example.com", common_name="ann")
    seen = await clients.shown(mode, good)
    assert seen is not None
    assert ((("commonName", "ann"),)) in seen["subject"]
    assert ("email", "ann@example.com") in seen["subjectAltName"]
    assert await clients.shown(mode, trustme.CA().issue_cert("ann@example.com", common_name="ann")) is None
    past = datetime(2020, 1, 1, tzinfo=UTC)
    assert await clients.shown(mode, clients.issuer.issue_cert("ann@example.com", not_after=past)) is None


async def test_a_client_without_a_certificate_comes_in_only_where_it_is_optional(tmp_path: Path) -> None:
    clients = Clients(tmp_path)
    assert await clients.shown("required", None) is None
    assert await clients.shown("optional", None) == {}


class TestRevocation:
    """`client_crl`: what an authority has taken back."""

    @pytest.mark.parametrize("mode", ["required", "optional"])
    async def test_what_is_on_a_list_is_not_let_in(self, tmp_path: Path, mode: str) -> None:
        clients = Clients(tmp_path)
        good, bad = (clients.issuer.issue_cert(f"{name}@example.com", common_name=name) for name in ("ann", "bob"))
        clients.revoke(bad)
        assert await clients.shown(mode, good)
        assert await clients.shown(mode, bad) is None
        assert (await clients.shown("optional", None), await clients.shown("required", None)) == ({}, None)

    async def test_a_list_that_is_over_or_not_there_shuts_out(self, tmp_path: Path) -> None:
        clients = Clients(tmp_path)
        good = clients.issuer.issue_cert("ann@example.com", common_name="ann")
        clients.revoke(until=datetime(2020, 1, 2, tzinfo=UTC))
        assert await clients.shown("required", good) is None
        clients.revoke(issuer=trustme.CA())
        assert await clients.shown("required", good) is None
        clients.revoke()
        assert await clients.shown("required", good)

    def test_a_file_of_lists_holds_nothing_else(self, tmp_path: Path) -> None:
        clients = Clients(tmp_path)
        clients.revoke()
        assert clients.crl is not None
        tls = ListenTls(certificate=clients.certificate, key=clients.key, client_ca=clients.client_ca)
        mixed = clients.text("mixed.pem", Path(clients.crl).read_text() + Path(clients.ca).read_text())
        for path, why in (
            (mixed, "must hold nothing else"),
            (clients.client_ca, "must hold nothing else"),
            (clients.text("empty.pem", ""), "holds no CRL in PEM form"),
            (clients.key, "holds no CRL in PEM form"),
            (str(tmp_path / "nowhere.pem"), "cannot be read"),
        ):
            where, message = fault(replace(tls, client_crl=path))
            assert (where, why in message) == (path, True)


def test_no_session_outlives_a_certificate(tmp_path: Path) -> None:
    context = Clients(tmp_path).listening("required")
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_TICKET


def test_faults_of_the_clients_authorities(files: Files) -> None:
    tls = ListenTls(certificate=files.certificate, key=files.key, client_ca=files.text("no.pem", "hello"))
    where, message = fault(tls)
    assert (where, message.partition(" (")[0]) == (tls.client_ca, "holds no CA certificate in PEM form")
    where, message = fault(replace(tls, client_ca=str(files.folder / "gone.pem")))
    assert message == "cannot be read: No such file or directory"
    where, message = fault(replace(tls, client_ca=files.ca, client_certificates="requird"))
    assert where == "listen.tls.client_certificates"
    assert "did you mean 'required'" in message


async def told_by(listening: ssl.SSLContext, asking: ssl.SSLContext, host: str | None = "localhost") -> ssl.SSLObject:
    """The client's side of a handshake that went well; raises as the client sees it."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=listening)
    port = server.sockets[0].getsockname()[1]
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname=host or "")
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        writer.close()
        return spoken
    finally:
        server.close()
        await asyncio.sleep(0.01)


def digest(files: Files) -> str:
    """The fingerprint of a certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(files.certificate).read_text())).hexdigest()


class TestFingerprints:
    """Of the nodes' own certificates."""

    @pytest.mark.parametrize("verify", ["full", "certificate", "fingerprint"])
    async def test_no_other_certificate_will_do(self, files: Files, verify: str) -> None:
        ca = None if verify == "fingerprint" else files.ca
        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        for known, good in [((digest(files),), True), (("0" * 64, digest(files)), True), (("0" * 64,), False)]:
            asking = cluster_context(ClusterTls(ca=ca, verify=verify, fingerprints=known))
            if good:
                await told_by(listening, asking)
            else:
                with pytest.raises(ssl.SSLCertVerificationError, match=f"its SHA-256 fingerprint is {digest(files)}"):
                    await told_by(listening, asking)

    async def test_beside_a_chain_both_are_checked(self, files: Files) -> None:
        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            await told_by(listening, cluster_context(ClusterTls(fingerprints=(digest(files),))))

    async def test_a_name_is_no_matter_for_a_fingerprint_alone(self, files: Files) -> None:
        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        asking = cluster_context(ClusterTls(verify="fingerprint", fingerprints=(digest(files),)))
        await told_by(listening, asking, "elsewhere")

    async def test_the_libraries_of_the_gate_check_them(self, files: Files) -> None:
        async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=listening)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for known, good in [(digest(files), True), ("0" * 64, False)]:
            context = cluster_context(ClusterTls(ca=files.ca, fingerprints=(known,), server_name="localhost"))
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
                if good:
                    async with session.get(url) as answer:
                        assert answer.status == 200
                else:
                    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="fingerprint"):
                        await session.get(url)
        server.close()
        await asyncio.sleep(0.01)

    def test_none_at_all_is_a_fault(self) -> None:
        assert fault(ClusterTls(verify="fingerprint"))[0] == "cluster.tls.fingerprint"


async def test_another_name_is_asked_for_and_checked(files: Files) -> None:
    listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
    await told_by(listening, cluster_context(ClusterTls(ca=files.ca, server_name="localhost")), "10.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await told_by(listening, cluster_context(ClusterTls(ca=files.ca, server_name="elsewhere")), "localhost")


async def test_nodes_are_shown_a_certificate(tmp_path: Path) -> None:
    clients = Clients(tmp_path)
    mine = clients.issuer.issue_cert("gate@example.org", common_name="startgate")
    held = tmp_path / "mine.pem"
    mine.private_key_and_cert_chain_pem.write_to_path(str(held))
    seen: list[Any] = []

    def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peercert"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=clients.listening("required"))
    asking = cluster_context(ClusterTls(ca=clients.ca, certificate=str(held), key=str(held)))
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname="localhost")
    assert await reader.read() == b""
    writer.close()
    server.close()
    await asyncio.sleep(0.01)
    assert (("commonName", "startgate"),) in seen[0]["subject"]


@pytest.mark.parametrize(
    ("listens", "asks", "spoken"),
    [
        (("1.2", "1.3"), ("1.2", "1.3"), "TLSv1.3"),
        (("1.2", "1.2"), ("1.2", "1.3"), "TLSv1.2"),
        (("1.2", "1.3"), ("1.2", "1.2"), "TLSv1.2"),
        (("1.3", "1.3"), ("1.2", "1.2"), None),
        (("1.2", "1.2"), ("1.3", "1.3"), None),
    ],
)
async def test_versions(files: Files, listens: tuple[str, str], asks: tuple[str, str], spoken: str | None) -> None:
    listening = listener_context(
        ListenTls(certificate=files.certificate, key=files.key, min_version=listens[0], max_version=listens[1])
    )
    asking = cluster_context(ClusterTls(ca=files.ca, min_version=asks[0], max_version=asks[1]))
    if spoken is None:
        with pytest.raises(OSError):  # noqa: PT011 -- an alert, or the reset that overtook it
            await told_by(listening, asking)
    else:
        made = await told_by(listening, asking)
        assert made.version() == spoken
        assert made.selected_alpn_protocol() == "http/1.1"


def test_faults_of_versions(files: Files) -> None:
    tls = ListenTls(certificate=files.certificate, key=files.key)
    assert fault(replace(tls, min_version="1.1"))[0] == "listen.tls.min_version"
    assert fault(replace(tls, min_version="1.3", max_version="1.2"))[0] == "listen.tls.min_version"
    assert fault(ClusterTls(max_version="2"))[0] == "cluster.tls.max_version"


def test_weak_ciphers_are_not_offered(files: Files) -> None:
    offered = listener_context(ListenTls(certificate=files.certificate, key=files.key)).get_ciphers()
    assert offered
    assert {one["aead"] for one in offered} == {True}
    assert all(one["name"].startswith(("TLS_", "ECDHE-")) for one in offered)


class TestNames:
    """Several certificates on one address."""

    @pytest.fixture
    def listening(self, files: Files) -> ssl.SSLContext:
        """A listener for localhost, *.example.org and www.example.org."""
        more = []
        for number, names in enumerate([("*.example.org", "example.net"), ("www.example.org", "localhost")]):
            one = files.authority.issue_cert(*names)
            path = str(files.folder / f"more{number}.pem")
            one.private_key_and_cert_chain_pem.write_to_path(path)
            more.append((path, path))
        return listener_context(ListenTls(certificate=files.certificate, key=files.key, more=tuple(more)))

    @pytest.mark.parametrize(
        ("asked", "shown"),
        [
            ("localhost", "localhost"),
            ("a.example.org", "*.example.org"),
            ("A.Example.ORG", "*.example.org"),
            ("www.example.org", "www.example.org"),
            ("example.net", "*.example.org"),
            ("a.b.example.org", "localhost"),
            ("example.org", "localhost"),
            ("nowhere", "localhost"),
            (None, "localhost"),
        ],
    )
    async def test_the_certificate_for_the_name(
        self, files: Files, listening: ssl.SSLContext, asked: str | None, shown: str
    ) -> None:
        asking = cluster_context(ClusterTls(ca=files.ca, verify="certificate"))
        made = await told_by(listening, asking, asked)
        peercert: dict[str, Any] = dict(made.getpeercert() or {})
        assert peercert["subjectAltName"][0] == ("DNS", shown)

    def test_the_file_of_a_further_one_is_named(self, files: Files) -> None:
        tls = ListenTls(certificate=files.certificate, key=files.key, more=((files.certificate, files.certificate),))
        assert fault(tls) == (files.certificate, "holds no private key in PEM form")

    async def test_clients_are_checked_whatever_they_ask_for(self, tmp_path: Path) -> None:
        clients = Clients(tmp_path)
        other = str(tmp_path / "other.pem")
        clients.authority.issue_cert("other.example").private_key_and_cert_chain_pem.write_to_path(other)
        listening = listener_context(
            ListenTls(
                certificate=clients.certificate, key=clients.key, more=((other, other),), client_ca=clients.client_ca
            )
        )
        seen: list[bool] = []

        def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(True)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=listening)
        port = server.sockets[0].getsockname()[1]
        for name in ("localhost", "other.example"):
            asking = cluster_context(ClusterTls(ca=clients.ca))
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname=name)
                assert await reader.read() == b""
                writer.close()
        assert seen == []
        for name in ("localhost", "other.example"):
            asking = cluster_context(ClusterTls(ca=clients.ca))
            clients.issuer.issue_cert("ann@example.org").configure_cert(asking)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname=name)
            assert await reader.read() == b""
            writer.close()
        assert seen == [True, True]
        server.close()
        await asyncio.sleep(0.01)

    def test_a_certificate_without_names_has_none(self, files: Files) -> None:
        assert certificate_names(files.certificate) == ["localhost"]
        assert certificate_names(files.ca) == []


def resumed(context: ssl.SSLContext, asking: ssl.SSLContext) -> bool:
    """Whether a client's second handshake is an abbreviated one."""
    session: ssl.SSLSession | None = None
    reused = []
    for _ in range(2):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(to_server, to_client, server_side=True)
        client = asking.wrap_bio(to_client, to_server, server_hostname="localhost", session=session)
        for _ in range(6):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        server.write(b"x")
        # Tickets of TLS 1.3 come behind the handshake, and are read with the first data.
        assert client.read(1) == b"x"
        session = client.session
        reused.append(client.session_reused)
        # In order: before Python 3.13 a session whose connection only breaks off is forgotten.
        for _ in range(3):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLError):
                    side.unwrap()
    assert reused[0] is False
    return bool(reused[1])


class TestResumption:
    """Sessions that are taken up again."""

    @pytest.mark.parametrize("version", ["1.2", "1.3"])
    def test_a_second_handshake_is_short(self, files: Files, version: str) -> None:
        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        assert resumed(listening, cluster_context(ClusterTls(ca=files.ca, max_version=version)))

    @pytest.mark.parametrize("version", ["1.2", "1.3"])
    def test_not_where_certificates_of_clients_are_asked_for(self, tmp_path: Path, version: str) -> None:
        clients = Clients(tmp_path)
        asking = cluster_context(ClusterTls(ca=clients.ca, max_version=version))
        clients.issuer.issue_cert("ann@example.org").configure_cert(asking)
        assert not resumed(clients.listening("required"), asking)
        assert not resumed(clients.listening("optional"), asking)

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    async def test_as_openssl_sees_it(self, files: Files, version: str) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello\n")
            await writer.drain()
            await reader.read()
            writer.close()

        listening = listener_context(ListenTls(certificate=files.certificate, key=files.key))
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=listening)
        at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = []
        for use in ("-sess_out", "-sess_in"):
            process = await asyncio.create_subprocess_exec(
                *("openssl", "s_client", "-connect", at, "-servername", "localhost", "-CAfile", files.ca, version),
                *(use, str(files.folder / "session"), "-verify_return_error", "-alpn", "http/1.1"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            async with asyncio.timeout(20):
                said = b""
                # The ticket of TLS 1.3 has come once the first data has.
                while b"hello\n" not in said:
                    piece = await process.stdout.read(65536)
                    assert piece, said
                    said += piece
                process.stdin.close()
                said += await process.stdout.read()
                await process.wait()
            told.append(said)
        server.close()
        await asyncio.sleep(0.01)
        assert b"\nNew, TLSv1." in told[0]
        assert b"\nReused, TLSv1." in told[1]
        assert b"ALPN protocol: http/1.1" in told[1]
