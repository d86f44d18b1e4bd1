"""TLS contexts from files: good ones work in a real handshake, broken ones are faults that name the file."""

import asyncio
import ssl
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls
from proxy.tls import cluster_context, listener_context


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


class Clients(Files):
    """Files of a listener that asks for certificates, and a client's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.issuer = trustme.CA()
        self.client_ca = str(folder / "clients.pem")
        self.issuer.cert_pem.write_to_path(self.client_ca)

    def listening(self, mode: str) -> ssl.SSLContext:
        """The listener's context."""
        return listener_context(
            ListenTls(certificate=self.certificate, key=self.key, client_ca=self.client_ca, client_certificates=mode)
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
