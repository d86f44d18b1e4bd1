"""Pictures of a run as SVG, without a library: lines over time, with the faults as bands behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 900, 260, 60, 28, 34
# Told apart by people who do not see red and green (Okabe and Ito).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_TICKS = 5
# From seconds and value to a point of the picture.
_Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Band:
    """Something that was under way, in seconds since the beginning."""

    began: float
    ended: float
    name: str


def lines(title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]], bands: Sequence[Band]) -> str:
    """Each series as a line of (seconds, value) from 0 up; a band tells its name where a pointer rests."""
    last = max((at for points in series.values() for at, _ in points), default=1.0) or 1.0
    top = max((value for points in series.values() for _, value in points), default=1.0) or 1.0
    inner = _WIDTH - _LEFT - 10, _HEIGHT - _TOP - _BOTTOM

    def place(at: float, value: float) -> tuple[float, float]:
        return _LEFT + inner[0] * min(at / last, 1.0), _TOP + inner[1] * (1 - value / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="{escape(title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="16" font-size="13">{escape(title)}</text>',
        *(_band(place, band, last) for band in bands),
        *_axes(place, last, top, unit),
    ]
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        parts.append(
            f'<text x="{_WIDTH - 12}" y="{16 + 12 * number}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _band(place: _Place, band: Band, last: float) -> str:
    left, top = place(band.began, 0)[0], _TOP
    width = max(place(min(band.ended, last), 0)[0] - left, 1.0)
    height = _HEIGHT - _TOP - _BOTTOM
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" fill="#999999" fill-opacity="0.25">'
        f"<title>{escape(band.name)}</title></rect>"
    )


def _axes(place: _Place, last: float, top: float, unit: str) -> list[str]:
    parts = [f'<text x="4" y="16">{escape(unit)}</text>']
    for step in range(_TICKS + 1):
        x, y = place(last * step / _TICKS, top * step / _TICKS)
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * step / _TICKS:.4g}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        minutes = last * step / _TICKS / 60
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{minutes:.1f} min</text>')
    return parts
