"""What the embedded cluster keeps: indices with their documents, aliases, and the identity of its one node."""

import base64
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core.mapping import Mapping

VERSION = "8.15.3"
INDEX_VERSION = "8512000"  # IndexVersion of 8.15, as `index.version.created` shows it

Values = dict[str, list[Any]]
Settings = dict[str, Any]  # flat: `index.x.y` → text or list of texts


@dataclass(slots=True)
class Document:
    """One live document. `values` holds each field's values parsed by the mapping, which queries and sorts read."""

    id: str
    source: dict[str, Any]
    values: Values
    seq_no: int
    version: int = 1
    routing: str | None = None
    ignored: tuple[str, ...] = ()  # fields whose values were too long or malformed, and so not indexed


@dataclass(slots=True)
class Index:
    """One index: settings, mapping, aliases and documents; `deleted` keeps the versions of deleted ids."""

    name: str
    uuid: str
    settings: Settings
    mapping: Mapping
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    closed: bool = False
    next_seq_no: int = 0

    @property
    def shards(self) -> int:
        """Number of primary shards."""
        return int(self.settings.get("index.number_of_shards", "1"))

    @property
    def replicas(self) -> int:
        """Number of replicas of each shard."""
        return int(self.settings.get("index.number_of_replicas", "1"))

    @property
    def hidden(self) -> bool:
        """Whether wildcards leave the index out by default."""
        return bool(self.settings.get("index.hidden") == "true")

    def setting(self, name: str, default: int) -> int:
        """A whole-number setting, `default` where the index does not set it."""
        return int(self.settings.get(name, default))

    def take_seq_no(self) -> int:
        """The next sequence number. Elasticsearch counts per shard; here the whole index is one sequence."""
        taken = self.next_seq_no
        self.next_seq_no += 1
        return taken


class Store:
    """All indices of the cluster, and what identifies it.

    `clock` gives epoch seconds and `seed` makes every uuid and generated id the same in each run.
    """

    def __init__(
        self,
        *,
        name: str = "embedded-1",
        cluster_name: str = "startgate-embedded",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - uuids of an embedded test cluster guard nothing
        self._clock = clock
        self._numbers = itertools.count(1)
        self.name = name
        self.cluster_name = cluster_name
        self.cluster_uuid = self.uuid()
        self.node_id = self.uuid()
        self.indices: dict[str, Index] = {}
        self._aliases: dict[str, set[str]] = {}

    def uuid(self) -> str:
        """A fresh index or node uuid: 16 bytes in 22 characters of URL-safe base64."""
        return base64.urlsafe_b64encode(self._random.randbytes(16)).decode().rstrip("=")

    def document_id(self) -> str:
        """A fresh id for a document without one: 20 characters, as Elasticsearch's time-based ones have."""
        return base64.urlsafe_b64encode(self._random.randbytes(15)).decode()

    def number(self) -> int:
        """A number that counts up, for task ids."""
        return next(self._numbers)

    def now_ms(self) -> int:
        """Wall clock in epoch milliseconds."""
        return int(self._clock() * 1000)

    def add(self, index: Index) -> None:
        """Keep a new index, with the aliases that it brings."""
        self.indices[index.name] = index
        for alias in index.aliases:
            self._aliases.setdefault(alias, set()).add(index.name)

    def remove(self, index: Index) -> None:
        """Drop an index and its aliases."""
        for alias in list(index.aliases):
            self.remove_alias(index, alias)
        del self.indices[index.name]

    def put_alias(self, index: Index, alias: str, definition: dict[str, Any]) -> None:
        """Give an index an alias, or change the one that it has."""
        index.aliases[alias] = definition
        self._aliases.setdefault(alias, set()).add(index.name)

    def remove_alias(self, index: Index, alias: str) -> None:
        """Take an alias away from an index that has it."""
        del index.aliases[alias]
        self._aliases[alias].discard(index.name)
        if not self._aliases[alias]:
            del self._aliases[alias]

    def is_alias(self, name: str) -> bool:
        """Whether some index has an alias of this name."""
        return name in self._aliases

    def alias_names(self) -> list[str]:
        """Every alias, by name."""
        return sorted(self._aliases)

    def of_alias(self, alias: str) -> list[Index]:
        """The indices behind an alias, by name; empty for an unknown one."""
        return [self.indices[name] for name in sorted(self._aliases.get(alias, ()))]

    def __iter__(self) -> Iterator[Index]:
        """Every index, by name."""
        return iter([self.indices[name] for name in sorted(self.indices)])
