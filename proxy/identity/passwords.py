"""Whether a password is right: asked in threads, few and with a bounded queue, and remembered for a short time.

What is remembered is a keyed hash over name, stored hash and password, under a key that lives in this process alone:
nobody can read a password out of it, and a user whose line in the file changes is verified anew. Only right passwords
are remembered. A name that does not exist is compared with the hash of somebody who does, and refused whatever comes of
it: the time that it takes tells nothing.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from proxy.errors import Refusal
from proxy.identity.guesses import Guesses
from proxy.identity.hashes import StoredHash
from proxy.settings import IdentityLimits

# 32 bytes each, and what a dictionary needs around them: 2 MB.
REMEMBERED = 10_000


class Passwords:
    """One for a process. `clock` gives seconds that never go back."""

    def __init__(self, limits: IdentityLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[bool]] = {}
        self._guesses = Guesses(limits.failures, limits.failures_window_s)
        self._threads = ThreadPoolExecutor(max_workers=limits.threads, thread_name_prefix="password")

    async def verify(self, name: str, password: bytes, users: Mapping[str, StoredHash], peer: str) -> bool:
        """Whether this is the password of a user who is in the file. `peer` is who is charged for a failure.

        Raises:
            Refusal: 429, this peer has failed too often, or more wait than may.
        """
        known = name in users
        stored = users[name] if known else self._stand_in(name, users)
        key = self._key(name, stored, password)
        if known and self._remembers(key):
            return True
        running = self._under_way.get(key)
        if running is None:
            charged_s = self._admit(peer)
            running = asyncio.get_running_loop().run_in_executor(self._threads, stored.matches, password)
            self._under_way[key] = running
            if running.done():
                # From Python 3.14 on what a quick thread has ended is known at once, and callbacks would come later.
                self._ended(running, key, known, peer, charged_s)
            else:
                running.add_done_callback(lambda done: self._ended(done, key, known, peer, charged_s))
        # Who goes away must not end what others wait for.
        matches = await asyncio.shield(running)
        if not (matches and known):
            return False
        if self._limits.cache_s:
            self._remember(key)
        return True

    def close(self) -> None:
        """Verify no more; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _admit(self, peer: str) -> float:
        if len(self._under_way) >= self._limits.waiting:
            text = "too many authentications are under way (limits.identity.waiting); try again"
            raise Refusal(429, "es_rejected_execution_exception", text, headers=(("Retry-After", "1"),))
        now_s = self._clock()
        self._guesses.charge(peer, now_s)
        return now_s

    def _ended(self, done: asyncio.Future[bool], key: bytes, known: bool, peer: str, charged_s: float) -> None:
        del self._under_way[key]
        # A stand-in's password proves nothing, and costs what any failure costs.
        if known and not done.cancelled() and done.exception() is None and done.result():
            self._guesses.refund(peer, charged_s)

    def _key(self, name: str, stored: StoredHash, password: bytes) -> bytes:
        made = hashlib.blake2b(key=self._secret, digest_size=32)
        for piece in (name.encode(), stored.text.encode(), password):
            made.update(len(piece).to_bytes(8, "big") + piece)
        return made.digest()

    def _stand_in(self, name: str, users: Mapping[str, StoredHash]) -> StoredHash:
        """The same for a name each time, so that an unknown one looks like a known one also in this."""
        hashes = list(users.values())
        digest = hashlib.blake2b(name.encode(), key=self._secret, digest_size=8).digest()
        return hashes[int.from_bytes(digest, "big") % len(hashes)]

    def _remembers(self, key: bytes) -> bool:
        until = self._right.get(key)
        return until is not None and self._clock() < until

    def _remember(self, key: bytes) -> None:
        self._right[key] = self._clock() + self._limits.cache_s
        self._right.move_to_end(key)
        if len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
