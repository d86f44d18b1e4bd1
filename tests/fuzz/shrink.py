"""Making a failing input small: first fewer parts, then fewer bytes, as long as it still fails."""

from collections.abc import Awaitable, Callable

from tests.fuzz.case import Case

Fails = Callable[[Case], Awaitable[bool]]


async def shrink(case: Case, fails: Fails, tries: int = 400) -> Case:
    """The smallest input found with at most `tries` calls of `fails`, which `case` itself satisfies."""
    left = tries
    whole = Case((case.data,), case.sound)
    if len(case.parts) > 1:
        left -= 1
        if await fails(whole):
            case = whole
    size = max(1, len(case.data) // 2)
    while size:
        at, shrunk = 0, False
        while at < len(case.data) and left > 0:
            left -= 1
            smaller = _without(case, at, at + size)
            if smaller.data and await fails(smaller):
                case, shrunk = smaller, True
            else:
                at += size
        if left <= 0:
            break
        if not (shrunk and size == 1):
            size //= 2
    return case


def _without(case: Case, begin: int, end: int) -> Case:
    """`case` without the bytes from `begin` to `end`, counted over all parts; empty parts vanish."""
    kept, at = [], 0
    for part in case.parts:
        kept.append(part[: max(0, begin - at)] + part[max(0, end - at) :])
        at += len(part)
    # What its bodies held may now be outside of them.
    return Case(tuple(part for part in kept if part))
