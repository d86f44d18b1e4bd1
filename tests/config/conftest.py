"""What the tests of the configuration share."""

import pytest
import trustme

from tests.config.pem import Pem


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    """Certificates on the disk."""
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    issued, other = authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")
    made = Pem(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem", folder / "other.pem")
    authority.cert_pem.write_to_path(made.ca)
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    issued.private_key_pem.write_to_path(made.key)
    other.private_key_pem.write_to_path(made.other_key)
    return made
