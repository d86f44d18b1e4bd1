"""Ids of guards and of other entries: each once in all rules."""

import re

from proxy.rules.compiled import Origin
from proxy.rules.language import ID
from proxy.rules.source import Entry
from proxy.rules.values import Values

_ID = re.compile(ID)


class Ids:
    """Takes ids and notes what is wrong with one, or that it is taken; `kind` is whose they are."""

    def __init__(self, values: Values, kind: str) -> None:
        self._values = values
        self._kind = kind
        self._taken: dict[str, Origin] = {}

    def take(self, entry: Entry) -> str | None:
        """The id that an entry gives; None where there is no telling it."""
        scalar = self._values.text(entry.value, entry.key)
        if scalar is None:
            return None
        if not _ID.fullmatch(scalar.text):
            shown = scalar.text if scalar.text.isprintable() else repr(scalar.text)
            message = f"`{shown}` is no id: up to 64 of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit"
            self._values.note(scalar.mark, message)
            return None
        here = Origin(scalar.mark.file, scalar.mark.line)
        first = self._taken.setdefault(scalar.text, here)
        if first is not here:
            self._values.note(scalar.mark, f"the id `{scalar.text}` is taken by the {self._kind} in {first}")
        return scalar.text
