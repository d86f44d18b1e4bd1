"""Writes the files: all, or none. They are written beside, looked at, and only then moved to their places."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from proxy.errors import ConfigError, Fault
from proxy.starter.model import PRIVATE, Made

# Short: sockets are looked for below it, and their paths may not be long.
PREFIX = ".sg-"
# A folder with secrets is its owner's alone.
_SECRETS = "secrets"


def find_room(folder: Path, *, force: bool) -> None:
    """Finds out whether files can be put into the folder; `force`: among others, in whose place some may come.

    Raises:
        ConfigError: it is no folder, has something in it, cannot be written, or there is none that it could be made in.
    """
    where = str(folder)
    if not folder.exists():
        parent = folder.absolute().parent
        if not parent.is_dir():
            raise ConfigError([Fault(where, f"{parent} does not exist; the last folder of the path alone is made")])
        folder = parent
    elif not folder.is_dir():
        raise ConfigError([Fault(where, "is there, and is no folder")])
    elif (held := sorted(one.name for one in folder.iterdir())) and not force:
        shown = ", ".join(held[:5]) + (", …" if len(held) > 5 else "")
        text = f"is not empty ({shown}); --force puts the files among them, and writes over those of the same name"
        raise ConfigError([Fault(where, text)])
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError([Fault(where, f"{folder} cannot be written: permission denied")])


def place(folder: Path, made: Sequence[Made], check: Callable[[Path], None]) -> list[str]:
    """Puts the files into the folder, which is made where it is missing, and returns the paths of those written:
    secrets that are there stay. `check` looks at all of them, in a folder of its own, before anything is moved.

    Raises:
        OSError: something cannot be written; whatever `check` raises. Everything is then as it was.
    """
    with _beside(folder) as temporary:
        new = temporary / "new"
        _write(new, folder, made)
        check(new)
        if not folder.exists():
            new.rename(folder)
            return [one.path for one in made]
        written = [one for one in made if not (one.keep and (folder / one.path).exists())]
        _move(new, folder, temporary / "old", written)
        return [one.path for one in written]


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same file system, which goes again."""
    home = folder.absolute() if folder.exists() else folder.absolute().parent
    temporary = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(new: Path, folder: Path, made: Sequence[Made]) -> None:
    new.mkdir(mode=0o755)
    for one in made:
        target = new / one.path
        _folder(target.parent)
        there = folder / one.path
        # What is kept is looked at with the rest.
        content = there.read_bytes() if one.keep and there.exists() else one.content
        # Never with more rights than it ends with, not even for a moment.
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, one.mode), "wb") as file:  # noqa: PTH123 -- a mode
            file.write(content)


def _folder(path: Path) -> None:
    path.mkdir(mode=PRIVATE if path.name == _SECRETS else 0o755, parents=True, exist_ok=True)


def _move(new: Path, folder: Path, old: Path, made: Sequence[Made]) -> None:
    """Each file to its place, and what is there to `old`; where one cannot be moved, all go back."""
    moved: list[tuple[Path, Path | None]] = []
    try:
        for number, one in enumerate(made):
            target, before = folder / one.path, None
            _folder(target.parent)
            if target.exists():
                old.mkdir(exist_ok=True)
                before = old / str(number)
                target.rename(before)
            moved.append((target, before))
            (new / one.path).rename(target)
    except OSError:
        for target, before in reversed(moved):
            target.unlink(missing_ok=True)
            if before is not None:
                before.rename(target)
            with contextlib.suppress(OSError):
                # Folders that were made for it, unless something is in them. That of all is not empty: this is in it.
                target.parent.rmdir()
        raise
