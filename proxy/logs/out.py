"""Where lines go: standard error, or a file that is appended to.

A line is one write, so that lines of several processes never mix: Linux appends one `write` to a file as a whole, and
one of at most PIPE_BUF bytes to a pipe (pipe(7)). Nothing is buffered here: what a process said is out when it dies.
"""

import os
import stat
from typing import Final

STDERR: Final = 2
# pipe(7): what is longer may mix with what others write.
PIPE_BYTES: Final = 4096
# Of a line elsewhere; a socket, such as journald's, takes so much at once (unix_stream_sendmsg).
LINE_BYTES: Final = 32 * 1024
# Collectors run as another user of the same group.
_MODE: Final = 0o640


class Out:
    """One place. `most` is how many bytes a line may have there; `lost` counts those that found no place."""

    def __init__(self, path: str | None = None) -> None:
        """`path` None is standard error. Raises OSError where the file cannot be opened."""
        self._path = path
        self._fd = STDERR if path is None else _opened(path)
        self._torn = False
        self.most = _most(self._fd)
        self.lost = 0
        self.why = ""

    def write(self, line: bytes) -> bool:
        """Write a line, or several with their ends. Raises nothing: whether it was written."""
        if self._torn:
            line = b"\n" + line
        try:
            rest = line[os.write(self._fd, line) :]
            # A disk that is almost full takes a part.
            self._torn = bool(rest)
            if rest:
                os.write(self._fd, rest)
                self._torn = False
        except OSError as failure:
            self.lost += 1
            self.why = failure.strerror or str(failure)
            return False
        return True

    def reopen(self) -> None:
        """Go on in a new file of the same path: the old one was moved away. Raises OSError; the old one stays then."""
        if self._path is None:
            return
        fresh = _opened(self._path)
        # Under the same number, at once: another thread may be about to write, and a number that was given free could
        # be a client's socket by then.
        os.dup2(fresh, self._fd, inheritable=False)
        os.close(fresh)
        self.most = _most(self._fd)

    def close(self) -> None:
        """Give the file free; standard error stays."""
        if self._path is not None:
            os.close(self._fd)


def _opened(path: str) -> int:
    # A named pipe without a reader would hold up the process here, and one whose reader stands still with each line,
    # and clients with it: so it is a fault here, and lines that are lost there. Files know no such wait (fifo(7)).
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK, _MODE)


def _most(fd: int) -> int:
    try:
        return PIPE_BYTES if stat.S_ISFIFO(os.fstat(fd).st_mode) else LINE_BYTES
    except OSError:
        # Closed by whoever started the process: nothing can be written, and that is counted.
        return PIPE_BYTES
