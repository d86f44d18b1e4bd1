"""Journals that are read into an index, for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.admin.api import Role, Viewer
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.journal.entry import Phase
from tests.journal.making import encode, record

READ = Viewer(name="op", realm="native1", role=Role.READ)
WRITE = Viewer(name="root", realm="native1", role=Role.WRITE)
ANNA = Viewer(name="anna", realm="native1", role=Role.OWN)
NOBODY = Viewer(name="", realm="", role=Role.ANYBODY)


def read_all(reader: Reader, index: Index) -> list[str]:
    """Look until there is no more; the receipts that are held, newest first."""
    while True:
        changes = reader.look()
        index.apply(changes)
        if not changes.more:
            return receipts(index)


def receipts(index: Index) -> list[str]:
    """What is held, newest first."""
    return [entry.row.receipt for entry in reversed(index.entries)]


def held(folder: Path, kept: int = 1000) -> tuple[Reader, Index]:
    """A folder that was read."""
    reader, index = Reader(folder, kept), Index()
    read_all(reader, index)
    return reader, index


def append(path: Path, *records: Mapping[str, Any]) -> None:
    """Write records behind what a file has."""
    with path.open("ab") as file:
        file.writelines(map(encode, records))


def who(name: str, realm: str = "native1", **more: Any) -> dict[str, Any]:
    """An identity as records have it."""
    return {"name": name, "roles": ["r"], "realm": {"name": realm, "type": "native"}, **more}


def denied(receipt: str, **ours: Any) -> dict[str, Any]:
    """The record of a start that the rules denied."""
    return record(receipt, verdict={"allowed": False, "reasons": [{"kind": "source", "text": "no read"}]}, **ours)


def intent(receipt: str, **ours: Any) -> dict[str, Any]:
    """The record before the effects of a start."""
    return record(receipt, Phase.INTENT, "unknown", **ours)
