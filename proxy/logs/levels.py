"""Which loggers there are, and how much each of them tells.

Only loggers of Startgate itself can be told to say more: at `debug` the libraries tell the bodies and URLs of calls,
and those hold what no log may. See docs/decisions/143-what-a-log-line-is.md.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from proxy.errors import StartgateError, closest, meant, nearest
from proxy.logs.settings import Levels

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# Instead of a level: the logger tells what those above it tell.
INHERIT: Final = "default"
# aiohttp tells every request at INFO, elastic_transport every call, and at WARNING every node that does not answer:
# starts are recorded in the journal, and what comes of a silent node is said by whoever asked it.
QUIET: Final[Mapping[str, int]] = {
    "aiohttp.access": logging.WARNING,
    "elastic_transport": logging.ERROR,
    "elasticsearch": logging.ERROR,
}
_OURS: Final = "proxy"
_PACKAGE: Final = Path(__file__).parent.parent


class NoSuchLevel(StartgateError):
    """A logger or a level that there is not; the text says what there is."""


def known_logger(name: str) -> str:
    """The name again, if a logger has it. Raises NoSuchLevel."""
    pieces = name.split(".")
    place = _PACKAGE
    if pieces[0] != _OURS:
        hint = meant(_nearest([_OURS, *pieces]) or _nearest([closest(pieces[0], [_OURS]), *pieces[1:]]))
        raise NoSuchLevel(f"there is no logger {name!r}{hint}: each begins with {_OURS}, such as {_OURS}.edge")
    for depth, piece in enumerate(pieces[1:], 1):
        here = _below(place)
        if piece not in here:
            above = ".".join(pieces[:depth])
            hint = meant(_nearest(pieces))
            raise NoSuchLevel(f"there is no logger {name!r}{hint}; under {above}: {', '.join(here)}")
        place /= piece
    return name


def _nearest(pieces: Sequence[str]) -> str:
    """The whole name of the logger that resembles these pieces one by one, which can be typed as it is; empty where
    there is none."""
    place, found = _PACKAGE, [_OURS]
    if pieces[0] != _OURS:
        return ""
    for piece in pieces[1:]:
        here = _below(place)
        near = piece if piece in here else closest(piece, here)
        if not near:
            return ""
        found.append(near)
        place /= near
    return ".".join(found)


def _below(place: Path) -> list[str]:
    """The names of modules and packages in a package."""
    if not place.is_dir():
        return []
    modules = {path.stem for path in place.glob("*.py")} | {path.parent.name for path in place.glob("*/__init__.py")}
    return sorted(name for name in modules if not name.startswith("_"))


def known_level(word: str, *, inherit: bool = False) -> str:
    """The word again, if it is a level; with `inherit`, `default` too. Raises NoSuchLevel."""
    allowed = [*LEVELS, *([INHERIT] if inherit else [])]
    if word not in allowed:
        raise NoSuchLevel(f"a level is one of {', '.join(allowed)}, and not {word!r}{nearest(word, allowed)}")
    return word


def changed(levels: Levels, level: str, logger: str | None = None) -> Levels:
    """The levels with one of them changed: of a logger, or in general where `logger` is None.

    Raises:
        NoSuchLevel: logger or level is none that there is.
    """
    if logger is None:
        return replace(levels, level=known_level(level))
    known_logger(logger)
    each = {name: one for name, one in levels.each.items() if name != logger}
    if known_level(level, inherit=True) != INHERIT:
        each[logger] = level
    return replace(levels, each=each)


# Loggers that were given a level of their own, to be taken back.
_given: Final[set[str]] = set()


def apply(levels: Levels) -> None:
    """Has the loggers of this process tell so much from now on."""
    root, ours = logging.getLogger(), LEVELS[levels.level]
    # Libraries tell no more than they do at `info`.
    root.setLevel(max(ours, logging.INFO))
    for name in _given:
        logging.getLogger(name).setLevel(logging.NOTSET)
    _given.clear()
    each = dict(levels.each) if ours >= logging.INFO else {_OURS: levels.level, **levels.each}
    for name, level in each.items():
        _given.add(name)
        logging.getLogger(name).setLevel(LEVELS[level])
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, ours))
