"""Files that were made, put into a folder as they are."""

from collections.abc import Iterable
from pathlib import Path

from proxy.starter.model import Made

SHIPPED = Path(__file__).parents[2] / "rules"


def put(folder: Path, made: Iterable[Made]) -> Path:
    """The folder, with the files in it."""
    for one in made:
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content)
        path.chmod(one.mode)
    return folder
