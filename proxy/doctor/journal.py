"""The journal's folder and the disk below it: whose it is, how long the disk takes, how much room is left, and whether
the journal's end is sound."""

import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.doctor.host import Host
from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.errors import JournalError
from proxy.journal.folder import check_folder, check_regular, journal_files
from proxy.journal.tail import end_of_last_line, read_tail
from proxy.settings import JournalSettings

# About what a record holds, and as many as tell a slow disk from a slow moment.
RECORD_BYTES: Final = 2048
WRITES: Final = 21
# A disk that is made for this takes a millisecond or two; each start waits for two of them.
SLOW_S: Final = 0.02
# Files that the journal still can make; one is made a day, and a checkpoint file and marks beside it.
INODES: Final = 1000
# What a power failure or the end of a container takes away, and what cannot promise that a record is on a disk.
VOLATILE: Final = {"tmpfs", "ramfs", "overlay"}
# How blanks and backslashes are written there.
_OCTAL: Final = re.compile(r"\\(\d{3})")
REMOTE: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"}


def examine(path: Path, settings: JournalSettings, host: Host) -> list[Finding]:
    """All that can be said of the folder at `path`."""
    folder = _folder(path)
    existing = path if path.is_dir() else path.parent
    if folder.state == "fail" or not existing.is_dir():
        why = "the folder cannot be used"
        return [folder, *(skip(name, why) for name in ("journal-disk", "journal-space", "journal-end"))]
    return [folder, disk(existing, host), space(existing, settings), end(path)]


def _folder(path: Path) -> Finding:
    if not path.exists():
        parent = path.parent
        if os.access(parent, os.W_OK | os.X_OK):
            return ok("journal-folder", f"{path} is made by the first `startgate serve`")
        return fail("journal-folder", f"{path} cannot be made in {parent}", f"make {parent}, writable for Startgate")
    try:
        owner = path.stat().st_uid
        told = check_folder(path)
    except OSError as failure:
        return fail("journal-folder", f"{path}: {failure.strerror or failure}", "it must be Startgate's own folder")
    if owner != os.geteuid():
        seen = f"{path} belongs to the user {owner}, and this runs as {os.geteuid()}"
        return warn("journal-folder", seen, "run the doctor as the user that runs `startgate serve`")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return fail("journal-folder", f"{path} cannot be written", f"chmod 700 {path}")
    if told:
        return warn("journal-folder", told[0], f"chmod 700 {path}")
    return ok("journal-folder", f"{path}, its owner's alone")


@dataclass(frozen=True, slots=True)
class _Took:
    """How long writes took until they were on the disk, in seconds."""

    median: float
    longest: float


def disk(folder: Path, host: Host) -> Finding:
    """How long a record takes to be on the disk, and what kind of a disk that is."""
    kind = file_system(folder, host)
    try:
        took = _measured(folder)
    except OSError as failure:
        why = failure.strerror or str(failure)
        return fail("journal-disk", f"{folder} cannot be written: {why}", "mend the disk: no start can be recorded")
    seen = f"{kind or 'file system'}: a record is on the disk in {_ms(took.median)}, {_ms(took.longest)} at the longest"
    if kind in VOLATILE:
        what = "a container's own layer" if kind == "overlay" else "memory"
        return warn("journal-disk", f"{seen}; this is {what}", "name a folder on a disk, or a volume: journal.path")
    if kind in REMOTE:
        return warn("journal-disk", f"{seen}; it is on another machine", "a disk of this machine: journal.path")
    if took.median > SLOW_S:
        return warn("journal-disk", seen, "a faster disk, or one of its own: each start waits for two records")
    return ok("journal-disk", seen)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _measured(folder: Path) -> _Took:
    """Raises OSError where nothing can be written."""
    record = b"x" * RECORD_BYTES
    took: list[float] = []
    # Without a name, where the system can: nothing is left behind even by a kill.
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(WRITES):
            begun = time.perf_counter()
            os.write(file.fileno(), record)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return _Took(statistics.median(took), max(took))


def file_system(folder: Path, host: Host) -> str:
    """The kind of file system that a folder is on, as Linux calls it; empty where that is not known."""
    wanted, best, kind = folder.resolve(), -1, ""
    for line in host.text("proc/self/mountinfo").splitlines():
        # proc(5): the fifth field is the place, and behind a lone hyphen comes the kind.
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) < 5 or not kinds:
            continue
        place = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        depth = len(place.parts)
        if wanted.is_relative_to(place) and depth >= best:
            best, kind = depth, kinds[0]
    return kind


def space(folder: Path, settings: JournalSettings) -> Finding:
    """Whether there is room for the files that come."""
    try:
        told = os.statvfs(folder)
    except OSError as failure:
        return skip("journal-space", f"not known: {failure.strerror}")
    return judged_space(told.f_bavail * told.f_frsize, told.f_favail, told.f_files, settings)


def judged_space(free: int, inodes: int, inodes_in_all: int, settings: JournalSettings) -> Finding:
    """`free` bytes and `inodes` are what is left; a file system that counts no inodes has none in all."""
    size = settings.rotate_size_bytes
    seen = f"{free / 2**30:.1f} GiB free; a file of the journal has {size / 2**20:.0f} MiB at most"
    grow = "a larger disk, or journal.retain for files that are shipped"
    if free < size:
        return fail("journal-space", seen, f"{grow}; what cannot be recorded is refused")
    if free < 4 * size:
        return warn("journal-space", seen, grow)
    if inodes_in_all and inodes < INODES:
        return warn("journal-space", f"{inodes} inodes are left", grow)
    return ok("journal-space", seen)


def end(path: Path) -> Finding:
    """Whether the last record is whole, and is what was written."""
    try:
        files = journal_files(path) if path.is_dir() else []
        check_regular(files)
        if not files:
            return ok("journal-end", "there is nothing yet")
        tail = read_tail(files)
        torn = _torn(files[-1])
    except OSError as failure:
        return fail("journal-end", f"{failure.filename or path}: {failure.strerror or failure}", "make it readable")
    except JournalError as failure:
        return fail("journal-end", str(failure), "`startgate audit verify` says what else is wrong")
    seq = "without a number" if tail.chain is None else f"number {tail.chain.seq}"
    seen = f"{len(files)} file{'s' if len(files) > 1 else ''}; the last record is {seq}"
    if torn:
        return ok("journal-end", f"{seen}; {torn} bytes behind it are no whole record yet")
    return ok("journal-end", seen, "" if tail.chain else "`startgate audit verify` looks at all of it")


def _torn(path: Path) -> int:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return size - end_of_last_line(file.fileno(), size)
