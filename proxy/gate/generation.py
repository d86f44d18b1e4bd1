"""Which generation of rule files lies on the disk, and taking one of them whole.

Files are changed by editors, by copying, by renaming a new one over the old, and by swapping a link, as Kubernetes does
with a mounted ConfigMap. A generation is only taken where all of it was the same before and after it was read, and no
process had a file of it open for writing. See docs/decisions/088-how-rules-are-reloaded.md.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import signal
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy.errors import Fault, RulesError
from proxy.gate.standing import RuleText
from proxy.rules import Rules

# More than a rule file may have (`rules.source.MAX_BYTES`): what lies behind is refused anyway, and not looked at.
LOOKED_AT_BYTES = 2 * 1024 * 1024
# Of all files together: what is held in memory for whoever wants to see what was read.
KEPT_BYTES = 8 * 1024 * 1024
# How long a generation that keeps changing is waited for, and how often it is tried meanwhile.
PATIENCE_S = 2.0
PAUSE_S = 0.05
# Contents are read at every so many-eth look even if nothing says that they changed: some file systems keep times to
# the second, and network ones tell of a change late.
FULL_LOOK = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a generation came to: `rules`, or the `faults` that keep it from being used. `digest` names it; `more` are
    files elsewhere that belong to it; `texts` is what was read, where there are rules."""

    digest: str
    rules: Rules | None
    faults: tuple[Fault, ...] = ()
    more: tuple[str, ...] = ()
    texts: tuple[RuleText, ...] = field(default=(), repr=False)

    @property
    def named(self) -> set[str]:
        """The files that it tells of: those that were read, or in which something is wrong."""
        if self.rules is not None:
            return set(named_by(self.rules))
        return {fault.where for fault in self.faults if fault.where.startswith("/")}


def named_by(rules: Rules) -> tuple[str, ...]:
    """The rule files of rules, and the role files that they name."""
    folders = {Path(file).parent for file in rules.files}
    return (*rules.files, *(str(folder / file) for folder in folders for file in rules.role_files))


def files_of(path: Path, more: Iterable[str] = ()) -> list[Path]:
    """Every file that decides what the rules at `path` are, or whether they are good: rule files and cases, those in
    folders below too, and `more`, which other rule files name. Names that begin with a dot are left alone."""
    found = {Path(name) for name in more}
    if _is_folder(path):
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found |= {Path(folder, name) for name in names if _counts(name)}
    else:
        found.add(path)
        with contextlib.suppress(OSError):
            found |= {entry for entry in path.parent.iterdir() if entry.name.endswith("_test.yml")}
    return sorted(found)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a folder above it that may not be searched
        return False


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.endswith((".yml", ".yaml"))


def digest(path: Path, more: Iterable[str] = ()) -> str:
    """A hash over names and contents of all files; what cannot be read counts with the reason."""
    total = hashlib.sha256()
    for file in files_of(path, more):
        content = _content(file)
        total.update(f"{file}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return total.hexdigest()


def _content(file: Path) -> bytes:
    try:
        # A pipe that somebody put there must not be waited for.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return b"no file"
            return stream.read(LOOKED_AT_BYTES)
    except OSError as failure:
        return f"error {failure.errno}".encode()


def signature(path: Path, more: Iterable[str] = ()) -> tuple[object, ...]:
    """What the system says of all files without their being read: a change of it means that something happened."""
    return tuple(_signature(file) for file in files_of(path, more))


def _signature(file: Path) -> tuple[object, ...]:
    try:
        found = file.stat()
    except OSError as failure:
        return (str(file), failure.errno)
    return (str(file), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def being_written(files: Iterable[Path]) -> list[Path]:
    """Those files that some process has open for writing, as far as the system tells.

    Half a file can be a valid file with fewer rules in it. It tells on local file systems, of one's own files.
    """
    return [file for file in files if _is_being_written(file)]


def _is_being_written(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A read lease is refused with EAGAIN while somebody has the file open for writing (fcntl(2), F_SETLEASE). Who
        # opens it just now has the holder told by a signal; SIGIO, which that is by itself, would end the process.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as failure:
        return failure.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def take(path: Path, read: Callable[[], Rules], more: Iterable[str] = ()) -> Taken:
    """One whole generation, as `read` reads it. Waits up to two seconds for one that does not change meanwhile.

    `read` raises RulesError where the files are no good, or a case says that they are not. `more` are files beside
    `path` that were of the rules before. Raises nothing: a generation that cannot be taken has faults.
    """
    known = set(more)
    until = time.monotonic() + PATIENCE_S
    while True:
        before, written = digest(path, known), being_written(files_of(path, known))
        if not written:
            taken = _read(path, read, before)
            texts = () if taken.rules is None else tuple(_texts(taken.rules))
            # What rule files name elsewhere is only known once they are read, and was then not looked at before.
            if taken.named <= {*known, *map(str, files_of(path))} and digest(path, known) == before:
                return replace(taken, more=tuple(sorted(known)), texts=texts)
            known |= taken.named
        if time.monotonic() > until:
            faults = tuple(_moving(path, written))
            return Taken(digest=before, rules=None, faults=faults, more=tuple(sorted(known)))
        time.sleep(PAUSE_S)


def _read(path: Path, read: Callable[[], Rules], name: str) -> Taken:
    try:
        if odd := [file for file in files_of(path) if file.exists() and not file.is_file()]:
            return Taken(digest=name, rules=None, faults=tuple(Fault(str(file), "is no regular file") for file in odd))
        return Taken(digest=name, rules=read())
    except RulesError as error:
        return Taken(digest=name, rules=None, faults=error.faults)
    except OSError as failure:
        fault = Fault(str(path), f"cannot be read: {failure.strerror or failure}")
        return Taken(digest=name, rules=None, faults=(fault,))


def _texts(rules: Rules) -> Iterator[RuleText]:
    """What its files say. They were read a moment ago, as UTF-8; that they are still the same is for others to see."""
    left = KEPT_BYTES
    for name in named_by(rules):
        content = _content(Path(name))
        left -= len(content)
        text = content.decode("utf-8-sig", errors="replace") if left >= 0 else ""
        yield RuleText(path=name, text=text, left_out=left < 0)


def _moving(path: Path, written: list[Path]) -> Iterator[Fault]:
    if not written:
        yield Fault(str(path), f"did not stay the same for as long as reading it takes (tried for {PATIENCE_S:g} s)")
    for file in written:
        yield Fault(str(file), "is open for writing in some process, so it may be half written; close it")


class Watch:
    """Says when there is a generation to take that was not tried before. Not for several threads at once."""

    def __init__(self, path: Path, tried: str) -> None:
        self.tried = tried
        self._path = path
        self._looks = 0
        self._signature: tuple[object, ...] | None = None
        self._pending: str | None = None

    def due(self, more: Iterable[str] = ()) -> bool:
        """Look once. True where the files are another generation than `tried`, the same at this look and the one
        before, and nobody is writing to them; call it again after a pause in any case, and set `tried` when they were.
        """
        more = tuple(more)
        self._looks += 1
        now = signature(self._path, more)
        if now == self._signature and self._looks % FULL_LOOK:
            return False
        found = digest(self._path, more)
        if found == self.tried:
            self._signature, self._pending = now, None
            return False
        still = found == self._pending and not being_written(files_of(self._path, more))
        # Looked at closely again at the next look, until it keeps still.
        self._signature, self._pending = (now if still else None), found
        return still
