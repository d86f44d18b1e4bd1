"""Putting a new text in place of a file at once: whoever reads meanwhile reads the old one or the new one, whole."""

import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) in place of the file at `path`, or of the one that it links to; its mode and its group
    stay, and its owner where that may be: what a service reads as its group it can read afterwards, whoever ran this.

    Raises OSError; then the old file is there as before.
    """
    target = path.resolve()
    was = target.stat()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _given_to(Path(name), was)
        Path(name).chmod(was.st_mode & 0o7777)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _given_to(path: Path, was: os.stat_result) -> None:
    try:
        os.chown(path, was.st_uid, was.st_gid)
    except PermissionError:
        # Only root gives files away; a group is given by whoever is in it.
        os.chown(path, -1, was.st_gid)
