"""Certificates for receivers of the tests."""

import ssl
from pathlib import Path

import trustme

from proxy.settings import ClusterTls


class Authority:
    """An authority with a server's certificate for `localhost`, and files for the sink's side."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.ca = folder / "ca.pem"
        self.certificate = folder / "client.pem"
        self.key = folder / "client.key"
        self._ca.cert_pem.write_to_path(str(self.ca))
        client = self._ca.issue_cert("client@example.org")
        client.cert_chain_pems[0].write_to_path(str(self.certificate))
        client.private_key_pem.write_to_path(str(self.key))

    def server(self, *names: str, client: bool = False) -> ssl.SSLContext:
        """The context of a server with these names; `client`: it asks for a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*(names or ("localhost",))).configure_cert(context)
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def trusted(self, *, client: bool = False) -> ClusterTls:
        """What the sink is told."""
        if client:
            return ClusterTls(ca=str(self.ca), certificate=str(self.certificate), key=str(self.key))
        return ClusterTls(ca=str(self.ca))
