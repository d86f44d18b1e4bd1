"""Fixtures of the edge's tests: uvloop as in production, a certificate authority, and an edge that is torn down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
import uvloop

from tests.edge.rig import Rig


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on, for the tests of this folder."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """What starts edges and upstreams; everything it started ends with the test."""
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates of a test session."""
    return trustme.CA()


@pytest.fixture(scope="session")
def pem(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, server.pem, server.key (for localhost), both.pem and other.key."""
    folder = tmp_path_factory.mktemp("pem")
    server, other = authority.issue_cert("localhost"), authority.issue_cert("elsewhere")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    (folder / "server.pem").write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    server.private_key_pem.write_to_path(str(folder / "server.key"))
    other.private_key_pem.write_to_path(str(folder / "other.key"))
    return folder
