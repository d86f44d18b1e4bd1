"""How often somebody may fail to sign in, by address and by name. Both tables are bounded."""

import hashlib
from unicodedata import normalize

from proxy.admin.api import ApiError
from proxy.errors import Refusal
from proxy.identity.guesses import Guesses, peer_group
from proxy.settings import AdminLimits

UNDER_NAME = "too many failed sign-ins under this user name"
FROM_ADDRESS = "too many failed sign-ins from this address"


class Failures:
    """An attempt is charged before it is made, so that those under way count, and given back if it was right. Times are
    of a clock that never goes back."""

    def __init__(self, limits: AdminLimits) -> None:
        self._addresses = Guesses(limits.sign_in_failures, limits.sign_in_window_s)
        self._names = Guesses(limits.sign_in_failures_per_user, limits.sign_in_window_s)

    def charge(self, peer: str, name: str, now_s: float) -> None:
        """One attempt from `peer` (`ip:port`) under `name`, which may be empty. Raises ApiError 429: too many failed.
        Whether there is a user of that name is not told by it: any name is counted."""
        group = peer_group(peer)
        try:
            self._addresses.charge(group, now_s)
        except Refusal as refusal:
            raise _too_many(FROM_ADDRESS, refusal) from None
        if not name:
            return
        try:
            self._names.charge(_kept(name), now_s)
        except Refusal as refusal:
            self._addresses.refund(group, now_s)
            raise _too_many(UNDER_NAME, refusal) from None

    def refund(self, peer: str, name: str, charged_s: float) -> None:
        """The attempt that was charged then was no failure."""
        self._addresses.refund(peer_group(peer), charged_s)
        if name:
            self._names.refund(_kept(name), charged_s)


def _too_many(what: str, refusal: Refusal) -> ApiError:
    headers = dict(refusal.headers)
    hint = f"try again in {headers['Retry-After']} s"
    return ApiError(429, what, hint=hint, headers=headers)


def _kept(name: str) -> str:
    # A name may be long, and a password that was typed into the wrong field. Directories behind a cluster take `Anna`
    # for `anna`, so that these are guesses at one.
    return hashlib.sha256(normalize("NFKC", name).casefold().strip().encode(errors="replace")).hexdigest()
