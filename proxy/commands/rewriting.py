"""Putting a new text in place of a file at once: whoever reads meanwhile reads the old one or the new one, whole."""

import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) in place of the file at `path`, or of the one that it links to; its mode stays.

    Raises OSError; then the old file is there as before.
    """
    target = path.resolve()
    mode = target.stat().st_mode & 0o7777
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
