"""Prepares what docker-compose.yml needs, once: certificates before the cluster starts, and then the cluster.

    setup.py certificates --folder /certs
    setup.py cluster --node https://elasticsearch:9200 --ca /certs/ca.crt --folder /secrets

Run again, it changes nothing that is good already. The passwords come from the environment (ELASTIC_PASSWORD,
KIBANA_PASSWORD), as do the index patterns of the service credential (SOURCES, DESTINATIONS).
"""

import argparse
import base64
import datetime
import ipaddress
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 825
# The users of the images: whoever is to read a key, and nobody else.
ELASTICSEARCH, STARTGATE = 1000, 10001
# Who is called what, and whose the key is. One certificate serves all nodes, and one all Startgates.
SERVERS = {
    "elasticsearch": (ELASTICSEARCH, ("elasticsearch", "es01", "es02", "es03", "localhost")),
    "startgate": (STARTGATE, ("startgate", "startgate-a", "startgate-b", "localhost")),
}
KEY_NAME = "startgate"
KEY_FILE = "startgate-api-key"
# Elasticsearch takes a minute to start; after the health check it answers at once.
PATIENCE_S = 120


def main() -> None:
    """The two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    certificates = steps.add_parser("certificates")
    certificates.add_argument("--folder", type=Path, required=True)
    cluster = steps.add_parser("cluster")
    cluster.add_argument("--node", required=True)
    cluster.add_argument("--ca", type=Path)
    cluster.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    if asked.step == "certificates":
        make_certificates(asked.folder)
    else:
        prepare(Cluster(asked.node, asked.ca, needed("ELASTIC_PASSWORD")), asked.folder)


def needed(name: str) -> str:
    """A variable that has no default."""
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"{name} is not set: choose one in .env")
    return value


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate for each server. The authority's key is not kept: nobody can make more by it."""
    if (folder / "ca.crt").exists():
        print("certificates are there")
        return
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = certificate("Startgate compose", authority_key, "Startgate compose", authority_key, names=None)
    for server, (uid, names) in SERVERS.items():
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(server, key, "Startgate compose", authority_key, names=names)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write(folder / f"{server}.key", pem, 0o400, uid)
        write(folder / f"{server}.crt", made.public_bytes(serialization.Encoding.PEM), 0o444, uid)
    # Last: where it is, all are.
    write(folder / "ca.crt", authority.public_bytes(serialization.Encoding.PEM), 0o444, 0)
    print(f"certificates made, good for {DAYS} days")


def certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    names: tuple[str, ...] | None,
) -> x509.Certificate:
    """A certificate of a server with these names, or of an authority where there are none."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of containers are the host's, but those of clients are their own.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=0 if names is None else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if names is None:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    else:
        alternatives = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        # Nodes are clients of each other.
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def write(path: Path, content: bytes, mode: int, uid: int) -> None:
    """A whole file or none, for one user to read."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(content)
    beside.chmod(mode)
    if os.geteuid() == 0:
        os.chown(beside, uid, 0)
    beside.replace(path)


class Cluster:
    """Calls of the cluster, as `elastic` or with an API key."""

    def __init__(self, node: str, ca: Path | None, password: str) -> None:
        self._node = node
        self._context = ssl.create_default_context(cafile=ca) if ca else None
        self._elastic = "Basic " + base64.b64encode(f"elastic:{password}".encode()).decode()

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:  # noqa: ANN401 -- decoded JSON
        """Status and content of the answer."""
        request = urllib.request.Request(  # noqa: S310 -- the operator names the node
            self._node + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": self._elastic if key is None else f"ApiKey {key}",
            },
        )
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=30) as answer:  # noqa: S310 -- as above
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {"error": text.decode(errors="replace")}

    def done(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 -- decoded JSON
        """The content of an answer that has to be good."""
        status, content = self.call(method, path, body)
        if status >= 300:
            sys.exit(f"{method} {path}: {status} {json.dumps(content.get('error'))}")
        return content

    def wait(self) -> None:
        """Until the cluster knows who `elastic` is: its security index may take some seconds."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                status, content = self.call("GET", "/_security/_authenticate")
            except OSError as failure:
                status, content = 0, {"error": str(failure)}
            if status == 200:
                return
            if status == 401:
                sys.exit("the cluster does not take ELASTIC_PASSWORD: it was set to another when its data was made")
            if time.monotonic() > until:
                sys.exit(f"the cluster does not answer: {status} {content.get('error')}")
            time.sleep(1)


def prepare(cluster: Cluster, folder: Path) -> None:
    """Kibana's password, and an API key for Startgate in a file that only Startgate can read."""
    cluster.wait()
    cluster.done("POST", "/_security/user/kibana_system/_password", {"password": needed("KIBANA_PASSWORD")})
    print("kibana_system has its password")
    path = folder / KEY_FILE
    if path.exists() and cluster.call("GET", "/_security/_authenticate", key=path.read_text().strip())[0] == 200:
        print("the service credential is there")
        return
    known = cluster.done("GET", "/_security/privilege/_builtin")["cluster"]
    made = cluster.done("POST", "/_security/api_key", service_key(known))
    encoded = made.get("encoded") or base64.b64encode(f"{made['id']}:{made['api_key']}".encode()).decode()
    write(path, f"{encoded}\n".encode(), 0o400, STARTGATE)
    print(f"the service credential was made: API key {made['id']}")


def service_key(known: list[str]) -> dict[str, Any]:
    """The least that does: docs/service-credential.md. `known` are the cluster privileges that the release has."""
    cluster = [one for one in ("monitor", "monitor_ml", "read_security") if one in known]
    if "read_security" not in cluster:
        print("this release has no privilege read_security: owners cannot be looked up, and Kibana's starts are denied")
    return {
        "name": KEY_NAME,
        "role_descriptors": {
            KEY_NAME: {
                "cluster": cluster,
                "indices": [
                    {"names": patterns("SOURCES"), "privileges": ["read", "view_index_metadata"]},
                    {
                        "names": patterns("DESTINATIONS"),
                        "privileges": ["read", "create_index", "manage", "delete_index"],
                    },
                ],
            }
        },
    }


def patterns(variable: str) -> list[str]:
    """Index patterns, with commas between them."""
    return [one.strip() for one in needed(variable).split(",") if one.strip()]


if __name__ == "__main__":
    main()
