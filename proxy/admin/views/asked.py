"""What is asked of the starts: checked, and held against entries."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from proxy.admin.api import ApiError, Role, Viewer
from proxy.admin.views.row import Entry
from proxy.errors import nearest
from proxy.journal.moment import EXAMPLES, moment
from proxy.journal.query import Name, Query, Result

# Elasticsearch's longest names have 255 bytes; a user's may have more.
NAME_CHARACTERS: Final = 1024
TIME_CHARACTERS: Final = 64
SIZE_MAX: Final = 500
# Of which a question remembers whether they are asked for.
NAMES_SEEN: Final = 20_000

_CURSOR = re.compile(r"(\d{1,12})-(\d{1,18})", re.ASCII)


class Wanted(Protocol):
    """The fields that the queries of starts, feed and export have in common."""

    @property
    def user(self) -> str:
        """Of whom."""
        ...

    @property
    def job(self) -> str:
        """Of which job."""
        ...

    @property
    def index(self) -> str:
        """With which index."""
        ...

    @property
    def verdict(self) -> str:
        """That came to this."""
        ...

    @property
    def since(self) -> str:
        """From this time on."""
        ...

    @property
    def until(self) -> str:
        """Before this time."""
        ...


class Matcher:
    """Whether names are asked for. The same few names come again and again: each is looked at once."""

    def __init__(self, name: Name | None) -> None:
        self._name = name
        self._seen: dict[str, bool] = {}

    def takes(self, names: Iterable[str]) -> bool:
        """Whether any of these is."""
        if self._name is None:
            return True
        return any(self._one(self._name, name) for name in names)

    def _one(self, asked: Name, name: str) -> bool:
        found = self._seen.get(name)
        if found is None:
            # A feed may be open for days, and jobs have ever new names.
            if len(self._seen) >= NAMES_SEEN:
                self._seen.clear()
            found = self._seen[name] = asked.takes(name)
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about starts. `whose` is name and realm of whose starts alone may be told; None for all. `all_names`
    gives an entry again with all its names, from the records; it may take time."""

    query: Query
    whose: tuple[str, str] | None
    all_names: Callable[[Entry], Entry]
    _user: Matcher = field(init=False)
    _job: Matcher = field(init=False)
    _index: Matcher = field(init=False)

    def __post_init__(self) -> None:
        for name in ("user", "job", "index"):
            object.__setattr__(self, f"_{name}", Matcher(getattr(self.query, name)))

    @property
    def everything(self) -> bool:
        """Whether every start is an answer."""
        return self.whose is None and self.query == Query()

    def takes(self, entry: Entry) -> bool:
        """Whether a start is an answer."""
        if self.whose is not None and self.whose not in entry.own:
            return False
        results = self.query.results
        if results and results.isdisjoint(entry.results):
            return False
        if not self.query.takes_time(entry.row.time):
            return False
        return self._takes_names(entry) or (entry.more and self._takes_names(self.all_names(entry)))

    def _takes_names(self, entry: Entry) -> bool:
        return self._user.takes(entry.users) and self._job.takes(entry.jobs) and self._index.takes(entry.indices)


def whose(viewer: Viewer) -> tuple[str, str] | None:
    """Name and realm of whose starts alone a viewer may see; None where they may see all.

    Raises ApiError: they may see none.
    """
    if viewer.role >= Role.READ:
        return None
    if viewer.role < Role.OWN or not viewer.name or not viewer.realm:
        raise ApiError(403, "only whoever is signed in may see starts")
    return viewer.name, viewer.realm


def query_of(wanted: Wanted) -> Query:
    """What is asked for. Raises ApiError: a part of it cannot be."""
    since, until = (_moment(wanted, name) for name in ("since", "until"))
    if since is not None and until is not None and until <= since:
        raise ApiError(400, f"{until} is not after {since}: there is no time in between", where="until")
    return Query(
        since=since,
        until=until,
        user=_name(wanted, "user"),
        job=_name(wanted, "job"),
        index=_name(wanted, "index"),
        results=_verdict(wanted.verdict),
    )


def size_of(size: int) -> int:
    """How many are asked for at a time. Raises ApiError."""
    if not 1 <= size <= SIZE_MAX:
        raise ApiError(400, f"{size} cannot be asked for at a time", where="size", allowed=f"1 to {SIZE_MAX}")
    return size


def cursor_of(key: tuple[int, int]) -> str:
    """A place in the list as a text."""
    return f"{key[0]}-{key[1]}"


def place_of(cursor: str) -> tuple[int, int] | None:
    """The place of a cursor; None for an empty one. Raises ApiError: it is none of ours."""
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ApiError(400, "it is no cursor", where="after", allowed="the `cursor` of the page before")
    return int(found[1]), int(found[2])


def _name(wanted: Wanted, where: str) -> Name | None:
    text: str = getattr(wanted, where)
    if len(text) > NAME_CHARACTERS:
        reason = f"it has {len(text)} characters"
        raise ApiError(400, reason, where=where, allowed=f"{NAME_CHARACTERS} characters, in which * stands for any")
    return Name(text) if text else None


def _moment(wanted: Wanted, where: str) -> str | None:
    text: str = getattr(wanted, where)
    if not text:
        return None
    found = moment(text, datetime.now(UTC)) if len(text) <= TIME_CHARACTERS else None
    if found is None:
        shown = text if len(text) <= TIME_CHARACTERS else f"{text[:TIME_CHARACTERS]}…"
        raise ApiError(400, f"{shown!r} is no time", where=where, allowed=EXAMPLES)
    return found


def _verdict(text: str) -> frozenset[Result]:
    if not text:
        return frozenset()
    known = [one.value for one in Result]
    if text not in known:
        shown = text[:TIME_CHARACTERS]
        raise ApiError(
            400, f"{shown!r} is no verdict{nearest(shown, known)}", where="verdict", allowed=", ".join(known)
        )
    return frozenset({Result(text)})
