"""Certificates made for a test."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pem:
    """PEM files: an authority, a certificate for 127.0.0.1 with its key, and a key that belongs to neither."""

    ca: Path
    certificate: Path
    key: Path
    other_key: Path
