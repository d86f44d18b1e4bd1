"""TLS contexts from files: good ones work in a real handshake, broken ones are faults that name the file."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls
from proxy.tls import cluster_context, listening_context


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
    listening = listening_context(ListenTls(certificate=files.certificate, key=files.key))
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


def fault(function: object, tls: object) -> str:
    with pytest.raises(ConfigError) as told:
        function(tls)  # type: ignore[operator]  # one of the two
    (only,) = told.value.faults
    return str(only)


def test_authorities_that_cannot_be_used_are_faults(files: Files) -> None:
    cases = {
        str(files.folder / "nowhere.pem"): "No such file or directory",
        files.text("empty.pem", ""): "",
        files.text("no.pem", "hello"): "",
        str(files.folder): "",
    }
    for path, why in cases.items():
        told = fault(cluster_context, ClusterTls(ca=path))
        assert told.startswith(f"{path}: cluster.tls.ca must name a PEM file of CA certificates: ")
        assert why in told


def test_certificate_and_key_that_cannot_be_used_are_faults(files: Files) -> None:
    missing, broken = str(files.folder / "nowhere.pem"), files.text("no.pem", "hello")
    (files.folder / "other").mkdir()
    other = Files(files.folder / "other").key
    together = "listen.tls must name a certificate chain and the key that belongs to it"
    readable = "listen.tls must name a readable PEM file"
    for certificate, key, named, wanted in [
        (missing, files.key, missing, f"{readable}: No such file or directory"),
        (files.certificate, missing, missing, f"{readable}: No such file or directory"),
        (str(files.folder), files.key, str(files.folder), f"{readable}: Is a directory"),
        (broken, files.key, broken, f"{together} ({files.key}): "),
        (files.certificate, broken, files.certificate, f"{together} ({broken}): "),
        (files.certificate, other, files.certificate, f"{together} ({other}): "),
    ]:
        told = fault(listening_context, ListenTls(certificate=certificate, key=key))
        assert told.startswith(f"{named}: {wanted}")


LOAD = """
import sys
from proxy.settings import ListenTls
from proxy.tls import listening_context
listening_context(ListenTls(certificate=sys.argv[1], key=sys.argv[2]))
"""


def test_a_key_with_a_password_is_a_fault_and_no_question(files: Files) -> None:
    """OpenSSL would ask for it on the terminal, and a process without one would wait there for ever."""
    locked = str(files.folder / "locked.pem")
    made = ["openssl", "pkey", "-in", files.key, "-aes256", "-passout", "pass:secret", "-out", locked]
    if subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("openssl is not there to lock a key")
    told = subprocess.run(
        [sys.executable, "-c", LOAD, files.certificate, locked],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
    )
    assert "the key has a password" in told.stderr
    assert "ConfigError" in told.stderr
    assert "the key has a password" in fault(listening_context, ListenTls(certificate=files.certificate, key=locked))
