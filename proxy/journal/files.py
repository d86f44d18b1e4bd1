"""The calls to the disk that writing a journal makes: a port of its own, so that a test can make them slow or fail."""

import os
from pathlib import Path

# Never through a link: whoever can put one into the folder must not choose what is written to.
_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW
APPENDED = os.O_RDWR | os.O_CREAT | os.O_APPEND
# Only where nothing of this name is there yet.
NEW = APPENDED | os.O_EXCL


class Files:
    """The system's own calls. All of them raise OSError."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file for this user alone (mode 0600 where it is made); the descriptor."""
        return os.open(path, flags | _ALWAYS, 0o600)

    def write(self, file: int, data: bytes) -> int:
        """Write a part of `data`, maybe all of it; how many bytes that was."""
        return os.write(file, data)

    def sync(self, file: int) -> None:
        """What was written is on the disk when this returns (fsync(2))."""
        os.fsync(file)

    def truncate(self, file: int, size: int) -> None:
        """Cut an open file to `size` bytes."""
        os.ftruncate(file, size)

    def status(self, file: int) -> os.stat_result:
        """What an open file is."""
        return os.fstat(file)

    def named(self, path: Path) -> os.stat_result:
        """What has this name now, links not followed."""
        return path.lstat()

    def remove(self, path: Path) -> None:
        """Take a file out of its folder."""
        path.unlink()

    def close(self, file: int) -> None:
        """Give a descriptor back."""
        os.close(file)

    def sync_folder(self, folder: Path) -> None:
        """A new or removed name is only certain after a crash if its folder is on the disk too (fsync(2))."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_all(files: Files, file: int, data: bytes) -> None:
    """Write every byte. A full disk takes a part without an error first (write(2)). Raises OSError."""
    written = 0
    while written < len(data):
        written += files.write(file, data[written:] if written else data)


def append_lines(files: Files, path: Path, lines: bytes) -> None:
    """Append whole lines to a file beside the journal, made if missing: on the disk, as is its name, when this returns.
    After a line that a crash or a full disk cut short a new one begins. Raises OSError: a part may be there."""
    file = files.open(path, APPENDED)
    try:
        size = files.status(file).st_size
        whole = not size or os.pread(file, 1, size - 1) == b"\n"
        write_all(files, file, lines if whole else b"\n" + lines)
        files.sync(file)
        if not size:
            files.sync_folder(path.parent)
    finally:
        files.close(file)


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether both are of one and the same file."""
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
