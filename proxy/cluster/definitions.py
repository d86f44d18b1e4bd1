"""Decodes mappings so that equal definitions of fields are one object: a fleet has few of them, however many mappings.

What differs between the mappings of a fleet is a field here and there. Each mapping then costs the room of its table of
fields only, and whoever merges them sees by identity what it has seen before.
"""

from typing import Any

import msgspec

_TABLES = ("properties", "runtime")


class _Entry(msgspec.Struct):
    mappings: dict[str, msgspec.Raw] = {}


class _Settings(msgspec.Struct):
    settings: dict[str, Any] = {}


_entry = msgspec.json.Decoder(_Entry)
_settings = msgspec.json.Decoder(_Settings)
_table = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder()


class Definitions:
    """The definitions of fields seen so far, by their bytes; one for the mappings of one start."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._seen: dict[bytes, Any] = {}

    def mapping(self, raw: bytes) -> dict[str, Any]:
        """The mapping in one entry of `GET _mapping`; empty where it has none. Raises msgspec.DecodeError."""
        return {
            key: self._fields(part) if key in _TABLES else _any.decode(part)
            for key, part in _entry.decode(raw).mappings.items()
        }

    def _fields(self, part: msgspec.Raw) -> Any:  # noqa: ANN401 -- decoded JSON
        if bytes(memoryview(part)[:1]) != b"{":  # not a table: whoever merges it says so
            return _any.decode(part)
        return {self._names.setdefault(name, name): self._one(field) for name, field in _table.decode(part).items()}

    def _one(self, field: msgspec.Raw) -> Any:  # noqa: ANN401 -- decoded JSON
        key = bytes(field)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = _any.decode(key)
        return found


def settings(raw: bytes) -> dict[str, Any]:
    """The flat settings in one entry of `GET _settings`; empty where it has none. Raises msgspec.DecodeError."""
    return _settings.decode(raw).settings
