"""The border between the security and machine-learning layer and what holds the indices.

The layer answers `_security` and `_ml` itself and hands every other call to a backend: the in-process store, or a
genuine node. It also uses the backend for its own reads and writes (source documents, destination index).
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: `target` is the raw path with its query, `headers` in order with duplicates."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


class Backend(Protocol):
    """Whatever holds indices and documents."""

    async def call(self, call: Call) -> Answer:
        """Answer one call as Elasticsearch would."""

    async def close(self) -> None:
        """Free what is held."""
