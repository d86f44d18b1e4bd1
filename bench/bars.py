"""A figure beside what it must hold, as the tables of the benchmarks tell it."""


def held(value: float, bar: float, *, least: bool = False) -> str:
    """`holds` or `MISSED`: whether `value` is at most `bar`, or with `least` at least."""
    return "holds" if (value >= bar if least else value <= bar) else "MISSED"


def beside(value: float, bar: float, *, least: bool = False, digits: int = 2) -> str:
    """The bar for a cell of a table, and whether `value` holds it; all of it told to so many digits."""
    return f"{'>=' if least else '<='} {bar:.{digits}f} {held(round(value, digits), bar, least=least)}"
