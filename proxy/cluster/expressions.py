"""Lists of source expressions in pieces that fit a request line, also where some of them are exclusions. Pure.

What Elasticsearch makes of a list (`IndexNameExpressionResolver`; tried on nodes of 7.17, 8.15 and 9.1): it keeps a set
of names. A plain name is added as it is, a pattern as the concrete indices that it stands for. `-name` takes that very
name out again, `-pattern` the concrete indices that the pattern stands for; neither reaches through an alias that was
named. What begins with a minus before any pattern is a name. At the end each name stands for its indices.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from proxy.cluster.transport import NAMES_LIMIT_BYTES, quoted

# A pattern that no index and no alias can match: names hold no such sign (Strings.INVALID_FILENAME_CHARS and `#`).
# Behind it a minus is an exclusion, and an expression beside it does not stand alone, which `*` and `_all` would tell.
NO_MATCH = "#*"


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a list: what it stands for is what the answers to all of its `requests` have in common."""

    requests: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Run:
    """What is included between two exclusions; `later` are the exclusions that come after."""

    included: list[str] = field(default_factory=list)
    later: tuple[str, ...] = ()


def pieces(expressions: Sequence[str], limit: int = NAMES_LIMIT_BYTES) -> tuple[Piece, ...]:
    """A list in pieces; it stands for whatever one of them stands for. A list that fits is one piece, as it is.

    `limit` is for the bytes of a request's list, quoted. An expression that is longer is asked for all the same.
    """
    if sum(map(_size, expressions)) <= limit:
        return (Piece((tuple(expressions),)),)
    found: list[Piece] = []
    for run in _runs(expressions):
        found += _of_names([name for name in run.included if not _is_open(name)], run.later, limit)
        found += _of_patterns([name for name in run.included if _is_open(name)], run.later, limit)
    return tuple(found)


def included(expressions: Sequence[str]) -> tuple[str, ...]:
    """The expressions without the exclusions."""
    return tuple(name for run in _runs(expressions) for name in run.included)


def _runs(expressions: Sequence[str]) -> list[_Run]:
    runs = [_Run()]
    exclusions: list[tuple[int, str]] = []
    wild = False
    for expression in expressions:
        if wild and expression.startswith("-"):
            if runs[-1].included:
                runs.append(_Run())
            exclusions.append((len(runs) - 1, expression))
            continue
        wild = wild or "*" in expression
        runs[-1].included.append(expression)
    for number, run in enumerate(runs):
        run.later = tuple(expression for before, expression in exclusions if number < before)
    return runs


def _is_open(expression: str) -> bool:
    """Whether more than its own words say what it stands for: a pattern, or date math."""
    return "*" in expression or expression.startswith(("<", "-<"))


def _of_names(names: Sequence[str], later: Sequence[str], limit: int) -> list[Piece]:
    """Plain names, with the exclusions of these names in each request, as two names may lead to one index.

    Say `alias` and `index` behind it. If their exclusions came in different requests, the index would be in both
    answers, by the one name and by the other. Date math may be the exclusion of any of them.
    """
    literal = {one for one in later if not _is_open(one)}
    dates = [one for one in later if _is_open(one) and "*" not in one]
    patterns = [one for one in later if "*" in one]
    found: list[Piece] = []
    for chunk in _chunks(names, literal, _room(later, limit), sum(map(_size, dates))):
        own = [f"-{name}" for name in chunk if f"-{name}" in literal]
        if len(chunk) == 1:  # a name by itself is there or not, whichever request takes it away
            found.append(_piece(chunk, [], [*own, *dates, *patterns], limit))
        else:
            found.append(_piece(chunk, [*own, *dates], patterns, limit))
    return found


def _of_patterns(patterns: Sequence[str], later: Sequence[str], limit: int) -> list[Piece]:
    """Patterns, which are concrete indices; date math by itself, as it may stand for an alias, too."""
    alone = [[one] for one in patterns if "*" not in one]
    chunks = _chunks([one for one in patterns if "*" in one], frozenset(), _room(later, limit), 0)
    return [_piece(chunk, [], later, limit) for chunk in (*chunks, *alone)]


def _room(later: Sequence[str], limit: int) -> int:
    """What a chunk may take of a request: half of it where exclusions follow."""
    return limit // 2 - _size(NO_MATCH) if later else limit


def _chunks(names: Sequence[str], excluded: Set[str], limit: int, taken: int) -> list[list[str]]:
    """Names in chunks that fit, each with its own exclusion; a chunk of one name has no need to.

    `taken` are the bytes of what goes along with each chunk.
    """
    chunks: list[list[str]] = []
    size = room = limit - taken
    for name in names:
        own = _size(name) + (_size(f"-{name}") if f"-{name}" in excluded else 0)
        size += own
        if size > room or not chunks:
            chunks.append([])
            size = own
        chunks[-1].append(name)
    return chunks


def _piece(chunk: Sequence[str], always: Sequence[str], exclusions: Sequence[str], limit: int) -> Piece:
    """A chunk of names with exclusions, some of them in every request."""
    besides = always or exclusions or list(chunk) in (["*"], ["_all"])
    fixed = [*chunk, *([NO_MATCH] if besides else []), *always]
    groups: list[list[str]] = [[]]
    left = room = limit - sum(map(_size, fixed))
    for exclusion in exclusions:
        left -= _size(exclusion)
        if left < 0 and groups[-1]:
            groups.append([])
            left = room - _size(exclusion)
        groups[-1].append(exclusion)
    return Piece(tuple((*fixed, *group) for group in groups))


def _size(expression: str) -> int:
    return len(quoted(expression)) + 1
