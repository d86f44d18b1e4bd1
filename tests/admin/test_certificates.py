"""When certificates are over."""

import datetime
from pathlib import Path

import pytest
import trustme

from proxy.admin import certificates as module
from proxy.admin.certificates import Certificates, first_end

SOON = datetime.datetime(2031, 5, 1, tzinfo=datetime.UTC)
LATER = datetime.datetime(2035, 5, 1, tzinfo=datetime.UTC)


def issued(authority: trustme.CA, end: datetime.datetime) -> bytes:
    """A certificate that is over then, as PEM."""
    blobs = authority.issue_cert("localhost", not_after=end).cert_chain_pems
    return blobs[0].bytes()


def test_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    authority = trustme.CA()
    (tmp_path / "chain.pem").write_bytes(issued(authority, LATER) + issued(authority, SOON))
    assert first_end(tmp_path / "chain.pem") == SOON.timestamp()


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\n", None])
def test_what_holds_none_has_no_end(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "odd.pem").write_bytes(content)
    assert first_end(tmp_path / "odd.pem") is None


async def test_files_are_read_again_but_not_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, file = trustme.CA(), tmp_path / "one.pem"
    file.write_bytes(issued(authority, SOON))
    looked = Certificates([str(file), str(file), str(tmp_path / "missing.pem")])
    assert await looked.ends() == {str(file): SOON.timestamp()}
    file.write_bytes(issued(authority, LATER))
    assert await looked.ends() == {str(file): SOON.timestamp()}
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    assert await looked.ends() == {str(file): LATER.timestamp()}
