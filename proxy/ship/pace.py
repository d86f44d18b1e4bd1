"""How long to wait after a failure. Pure: chance is an argument."""

# Enough doublings for any limit, few enough for a float.
_DOUBLINGS = 60


def pause_s(failures: int, first_s: float, longest_s: float, chance: float) -> float:
    """The pause after so many failures in a row (at least one): twice as long each time, up to the longest.

    `chance` (0 to 1) takes up to half of it away, so that gates that failed together do not come back together.
    """
    whole = min(first_s * 2.0 ** min(failures - 1, _DOUBLINGS), longest_s)
    return whole * (1.0 - chance / 2.0)
