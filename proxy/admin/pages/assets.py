"""What browsers load beside a page: read once, and named by its content, so that a browser may keep it for ever.

A page of the next version names the next version's style; there is no way to get an old one with it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent.parent / "static"
PREFIX: Final = "/static/"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    "": "text/plain; charset=utf-8",
}
DIGEST_CHARS: Final = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its content, its type, and the path that it is served at."""

    body: bytes
    content_type: str
    path: str


class Assets:
    """All files of a folder. Raises OSError where they cannot be read, KeyError where one has a type that is not
    served."""

    def __init__(self, folder: Path = STATIC) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self._by_name = {path.relative_to(folder).as_posix(): _read(path, folder) for path in files}
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Where a file is served (`page.css`). Raises KeyError: there is none of that name."""
        return self._by_name[name].path

    def at(self, path: str) -> Asset | None:
        """The file that is served at a path; None where there is none."""
        return self._by_path.get(path)


def _read(path: Path, folder: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:DIGEST_CHARS]
    return Asset(body, TYPES[path.suffix], f"{PREFIX}{digest}/{path.relative_to(folder).as_posix()}")
