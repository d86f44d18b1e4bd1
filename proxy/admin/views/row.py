"""What is held of a start: its row in the list, and what it can be asked by.

A job may be over thousands of indices, and its start is denied with a long reason. An entry is bounded: it keeps the
first names and says that there are more (`more`), and then it is the records that are asked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from sys import intern
from typing import Any, Final, NamedTuple

from proxy.admin.shown.starts import StartRow
from proxy.journal.entry import Phase
from proxy.journal.query import Result, at, indices, jobs, part, parts, result, results, texts, users
from proxy.journal.start import Start

# A job of more sources is rare; 10,000 starts of such jobs would take 100 MB with all their names.
NAMES_HELD: Final = 64
# Names may have 1,024 characters each in a record (`journal.entry.cut`). 64 of a usual length fit; with 64 of the
# longest, whoever may make jobs could have the starts that are kept take gigabytes.
CHARACTERS_HELD: Final = 2048
SOURCES_SHOWN: Final = 16
REASON_CHARACTERS: Final = 300


class Place(NamedTuple):
    """Where a line is: number of the file, offset and length in it."""

    file: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One start. `places` are those of its records, in the order of the journal, and `key` is that of the first: by it
    entries are in order. `own` are the names and realms of whoever asked. `more`: not all names are held."""

    key: tuple[int, int]
    row: StartRow
    users: tuple[str, ...]
    jobs: tuple[str, ...]
    indices: tuple[str, ...]
    results: frozenset[Result]
    own: frozenset[tuple[str, str]]
    places: tuple[Place, ...]
    more: bool


def entry_of(start: Start, places: tuple[Place, ...], *, names: int = NAMES_HELD) -> Entry:
    """The entry of a start whose records lie at `places`, with so many names of each kind, as far as there is room for
    them (`CHARACTERS_HELD`)."""
    known = [_distinct(kind(one) for one in start.records.values()) for kind in (users, jobs, indices)]
    held = [_fitting(all_, names) for all_ in known]
    return Entry(
        key=places[0][:2],
        row=row_of(start),
        users=held[0],
        jobs=held[1],
        indices=held[2],
        results=results(start),
        own=own_of(start),
        places=places,
        more=any(len(all_) > len(kept) for all_, kept in zip(known, held, strict=True)),
    )


def row_of(start: Start, *, sources: int = SOURCES_SHOWN, reason: int = REASON_CHARACTERS) -> StartRow:
    """A start as a row of the list, with so many sources, and so many characters of the reason."""
    told = start.told
    status, took = (_known(start, *keys) for keys in (("http", "response", "status_code"), ("event", "duration")))
    # What was looked at after a crash took as long as nobody knows.
    is_reconciled = at(told, "startgate", "reconciled") is not None
    return StartRow(
        receipt=start.receipt,
        time=_text(told.get("@timestamp")),
        job=_name(_known(start, "startgate", "job", "id")),
        user=_name(_known(start, "user", "name")),
        realm=_name(_known(start, "startgate", "caller", "realm", "name")),
        secondary=_name(_known(start, "startgate", "secondary", "name")),
        sources=_sources(start, sources),
        destination=_name(
            _known(start, "startgate", "destination", "index") or _known(start, "startgate", "job", "destination")
        ),
        verdict=result(start).value,
        status=status if isinstance(status, int) else None,
        reason=_reason(start, reason),
        duration_ms=round(took / 1e6, 3) if isinstance(took, int) and not is_reconciled else None,
        ended=_text(at(start.records.get(Phase.END, {}), "event", "outcome")),
    )


def _known(start: Start, *keys: str) -> Any:  # noqa: ANN401 -- a record is decoded JSON
    """What the outcome says, else another record: an outcome that was found after a crash knows little."""
    values = (at(record, *keys) for record in (start.told, *start.records.values()))
    return next((value for value in values if value not in (None, "")), None)


def _sources(start: Start, count: int) -> tuple[str, ...]:
    known = (texts(record, "startgate", "job", "sources") for record in (start.told, *start.records.values()))
    names = next((names for names in known if names), [])
    shown = _fitting([intern(name) for name in names], count)
    return shown if len(names) <= len(shown) else (*shown, f"…[{len(names)} entries]")


def _fitting(names: Sequence[str], count: int) -> tuple[str, ...]:
    """The first of these, `count` at most; all where `count` is no bound of memory (`reader.ALL_NAMES`)."""
    if count > NAMES_HELD:
        return tuple(names[:count])
    sizes = accumulate(len(name) for name in names[:count])
    return tuple(name for name, size in zip(names, sizes, strict=False) if size <= CHARACTERS_HELD)


def _reason(start: Start, length: int) -> str:
    """Why it was not granted, or why its job did not end as it should."""
    end = start.records.get(Phase.END, {})
    # That a job ended as it should needs no reason.
    ended = at(end, "event", "reason") if at(end, "event", "outcome") != "success" else None
    verdict = parts(start.told, "startgate", "verdict", "reasons")
    found = ended or at(start.told, "event", "reason") or "; ".join(_text(one.get("text")) for one in verdict)
    text = _text(found)
    return intern(text if len(text) <= length else f"{text[:length]}…")


def own_of(start: Start) -> frozenset[tuple[str, str]]:
    """Names and realms of those whose own start it is."""
    return frozenset(_own(start))


def _own(start: Start) -> Iterator[tuple[str, str]]:
    """Name and realm of whoever asked: of one who acts through another's credentials, the realm that they come from.
    Where it was left out of a record, nobody's."""
    for record in start.records.values():
        for who in ("caller", "secondary"):
            identity = part(record, "startgate", who)
            realm = at(identity, "run_as", "lookup_realm") or at(identity, "realm", "name")
            name = identity.get("name")
            if isinstance(name, str) and isinstance(realm, str) and name and realm:
                yield intern(name), intern(realm)


def _distinct(groups: Iterable[Iterable[object]]) -> list[str]:
    """Names, each once. What is no text is no name that could be asked for."""
    found: dict[str, None] = {}
    for group in groups:
        found.update((intern(name), None) for name in group if isinstance(name, str))
    return list(found)


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _name(value: object) -> str:
    # The same few jobs and users are in thousands of rows.
    return intern(_text(value))
