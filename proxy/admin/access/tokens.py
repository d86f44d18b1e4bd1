"""Bearer tokens, read from their files again when those change."""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.admin.api import Role, Viewer
from proxy.settings import AdminToken

logger = logging.getLogger(__name__)

REALM: Final = "startgate:token"
ROLES: Final = {"read": Role.READ, "write": Role.WRITE}
# A token that was taken away is to count no longer; a look costs a system call for each file.
LOOK_S: Final = 1.0
# As configuration asks for (`config.admin`).
LEAST_CHARS: Final = 32
FILE_BYTES: Final = 16 * 1024

_Seen = tuple[int, int, int, int] | None


@dataclass(slots=True)
class _Held:
    token: AdminToken
    seen: _Seen = None
    digest: bytes = b""


class Tokens:
    """The tokens of a configuration. What cannot be read is no token: the log says so, once for each change."""

    def __init__(self, tokens: Sequence[AdminToken], clock: Callable[[], float] = time.monotonic) -> None:
        self._held = [_Held(one) for one in tokens]
        self._clock = clock
        self._looked_s: float | None = None

    async def viewer(self, secret: str) -> Viewer | None:
        """Whose token this is; None for nobody's."""
        await self._look()
        digest, found = _digest(secret), None
        # All are compared, in a time that does not depend on how much of one is right.
        for one in self._held:
            if hmac.compare_digest(one.digest, digest):
                found = one.token
        return None if found is None else Viewer(name=found.name, realm=REALM, role=ROLES[found.role], mark=digest)

    async def has(self, viewer: Viewer) -> bool:
        """Whether the token that a viewer has shown is still one."""
        await self._look()
        return any(one.token.name == viewer.name and hmac.compare_digest(one.digest, viewer.mark) for one in self._held)

    async def _look(self) -> None:
        now_s = self._clock()
        if self._looked_s is not None and now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        if self._held:
            # In a thread: a network file system that is away would hold up everything else.
            await asyncio.to_thread(self._read)

    def _read(self) -> None:
        for one in self._held:
            seen = _seen(one.token.file)
            if seen != one.seen or seen is None:
                one.seen, one.digest = seen, _read(one.token, told=one.seen != seen or bool(one.digest))


def _read(token: AdminToken, *, told: bool) -> bytes:
    """The digest of what the file holds, one that nothing has where that is no token."""
    try:
        with Path(token.file).open("rb") as file:
            word = file.read(FILE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as failure:
        if told:
            logger.error("admin: the token %s cannot be read: %s", token.name, failure)
        return b""
    if len(word) < LEAST_CHARS or "\n" in word:
        logger.error("admin: %s holds no token of %d characters at least", token.file, LEAST_CHARS)
        return b""
    return _digest(word)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _seen(path: str) -> _Seen:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
