"""Files that were made, put into a folder as they are."""

import os
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


def rest_of(terminal: int) -> str:
    """All that is written to a terminal until the other side has gone; it is closed then."""
    heard = b""
    try:
        while part := os.read(terminal, 4096):
            heard += part
    except OSError:
        # What Linux answers where nobody has the other end any more.
        pass
    finally:
        os.close(terminal)
    return heard.decode()
