"""What the deployments are tried beside: a cluster, certificates for 127.0.0.1, and the pages that tell of them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def embedded() -> Iterator[str]:
    """The address of an embedded cluster."""
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "embedded", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        yield process.stdout.readline().split("ready: ")[1].split(";")[0]
    finally:
        process.terminate()
        process.communicate()


def certificate(ca: Path, certificate: Path, key: Path) -> None:
    """Makes an authority, and a certificate of it for this machine."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(ca)
    made.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))


def page(name: str) -> str:
    """A page of the documents."""
    return (ROOT / "docs" / name).read_text()


def block(text: str, heading: str, begin: str) -> str:
    """The indented block under a heading of a page that begins so, without its indent."""
    part = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = [
        re.sub(r"^    ", "", found, flags=re.MULTILINE) for found in re.findall(r"(?:^    .*\n)+", part, re.MULTILINE)
    ]
    (found,) = (one for one in blocks if one.startswith(begin))
    return found
