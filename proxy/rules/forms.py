"""Forms: what a value of the rule language may look like, as data.

The tables of keys (`language`) are made of these. The reader of rule files takes its keys from them, JSON Schemas and
the reference in the documents are made from them: there is one list of what may be written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

# RFC 3339 §5.6, with a zone: a time without one means another moment on another host.
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?([Zz]|[+-][0-9]{2}:[0-9]{2})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is not blank, which `pattern` (a regular expression) matches as a whole where it is given."""

    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time with its zone (RFC 3339), such as `2026-11-24T22:00:00Z`; quotes are not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """The whole number 1, which is the version of the language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingValue:
    """The value of an index setting: a number, a text, true, false, or a list of texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the values of `of`."""

    of: type[StrEnum]


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list; `filled` says that it must not be empty."""

    item: "Form"
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A mapping whose keys are the writer's own: names or patterns, `key` in words."""

    key: str
    value: "Form"
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Any of several forms."""

    forms: "tuple[Form, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a mapping: the form of its value, what it means, and what holds where it is not written.

    `missing` is what to tell where it must be written and is not; empty where it may be left out.
    """

    form: "Form"
    means: str
    default: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with the keys of a table. Iterating gives the names of the keys, in the order of the table."""

    keys: Mapping[str, Key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)


Form: TypeAlias = Text | Moment | One | SettingValue | Choice | Many | Named | Either | Fields
