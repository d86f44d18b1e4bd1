"""Faults of shards, as a search reports them: `all shards failed`, with the fault of each index once."""

from typing import Any

from proxy.embedded.core.failure import FOREIGN, ElasticError, illegal
from proxy.embedded.core.store import Index


class ShardFault(Exception):
    """A fault that one index's shards raise while a search runs."""

    def __init__(self, index: Index, cause: ElasticError) -> None:
        super().__init__(cause.reason)
        self.index = index
        self.cause = cause


def all_failed(node_id: str, faults: list[ShardFault]) -> ElasticError:
    """`search_phase_execution_exception`: every shard failed. Never partial here: one fault fails the search."""
    first = faults[0].cause
    own = first.type not in FOREIGN
    listed: list[dict[str, Any]] = [
        {"shard": 0, "index": fault.index.name, "node": node_id, "reason": fault.cause.detail()} for fault in faults
    ]
    fields = {"phase": "query", "grouped": True, "failed_shards": listed}
    cause = None if own else illegal(first.reason, illegal(first.reason))
    return SearchFailed(first, fields, cause)


class SearchFailed(ElasticError):
    """A search that failed on its shards; the root cause is what the first of them said."""

    def __init__(self, first: ElasticError, fields: dict[str, Any], cause: ElasticError | None) -> None:
        super().__init__(
            first.status, "search_phase_execution_exception", "all shards failed", fields=fields, cause=cause
        )
        self._first = first

    def root(self) -> ElasticError:
        """The root of what the first shard said."""
        return self._first.root()


def no_fielddata(index: Index, name: str) -> ElasticError:
    """400: sorting or aggregating on a text field."""
    return illegal(
        f"Fielddata is disabled on [{name}] in [{index.name}]. Text fields are not optimised for operations that "
        "require per-document field data like aggregations and sorting, so these operations are disabled by default. "
        "Please use a keyword field instead. Alternatively, set fielddata=true on "
        f"[{name}] in order to load field data by uninverting the inverted index. Note that this can use significant "
        "memory."
    )
