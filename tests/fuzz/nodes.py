"""Genuine nodes under a run: kept from making what mutants may ask for."""

import contextlib
from collections.abc import Iterator

from tests.real.node import RealNode

# A mutant may be a PUT of an index or the creation of a document: thousands of indices would only slow the node down.
_NOTHING_MADE: dict[str, object] = {"action.auto_create_index": "false", "cluster.max_shards_per_node": 1}


@contextlib.contextmanager
def hardened(node: RealNode) -> Iterator[RealNode]:
    """The node, creating no index while the block runs, its counter at 0."""
    try:
        _settings(node, _NOTHING_MADE)
        node.forget_hits()
        yield node
    finally:
        _settings(node, dict.fromkeys(_NOTHING_MADE))


def _settings(node: RealNode, values: dict[str, object]) -> None:
    answer = node.call("PUT", "/_cluster/settings", {"persistent": values})
    assert answer.status == 200, answer.body
