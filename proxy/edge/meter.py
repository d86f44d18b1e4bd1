"""What a worker tells of itself: answers node by node, bytes, connections, refusals."""

from collections.abc import Iterable
from typing import Final

from proxy.edge.context import Context
from proxy.edge.node import Node
from proxy.edge.pool import Pool
from proxy.metrics.snapshot import Telling
from proxy.metrics.spread import CLASSES, Tally

# So many nodes have a series of their own; a cluster with more has nodes that take no client's requests.
NODES_MOST: Final = 200
# Names that no node can have: a node's begins with `http`.
GATE: Final = "gate"
GONE: Final = "gone"
OTHER: Final = "other"


class Meter:
    """Tells of the connections that share `context`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # What nodes counted that are no longer there: their series would be kept for ever.
        self._gone = Tally()

    def tell(self, telling: Telling) -> None:
        """Everything, as of now."""
        context = self._context
        telling.add("startgate_client_received_bytes", context.received)
        telling.add("startgate_connections", context.caps.connections)
        telling.add("startgate_connections_accepted", context.caps.accepted)
        telling.add("startgate_requests_in_flight", context.caps.requests)
        for reason, count in context.refusals.counts.items():
            telling.add("startgate_refused", count, reason.value)
        gap = context.notes.gap
        telling.add("startgate_observed_untold", gap.count if gap is not None else 0)
        self._tell_pool(telling, "cluster", context.cluster.pool)
        self._tell_pool(telling, GATE, context.gate.pool)

    def _tell_pool(self, telling: Telling, target: str, pool: Pool) -> None:
        telling.add("startgate_upstream_waiting", pool.waiting, target)
        by_name: dict[str, Tally] = {}
        for number, node in enumerate(pool.nodes):
            name = GATE if target == GATE else node.address.name if number < NODES_MOST else OTHER
            self._tell_node(telling, name, node)
            _take(by_name, name, node)
        self._take_leave(pool)
        for node in pool.departed:
            _take(by_name, GONE, node)
        if target != GATE:
            by_name.setdefault(GONE, Tally()).add(self._gone)
        _tell_answers(telling, target, by_name)

    def _tell_node(self, telling: Telling, name: str, node: Node) -> None:
        telling.add("startgate_upstream_connections", node.busy, name, "busy")
        telling.add("startgate_upstream_connections", node.idle, name, "idle")
        ejected = node.health.ejected(self._context.sweep.now)
        telling.add("startgate_upstream_ejected", int(ejected), name)

    def _take_leave(self, pool: Pool) -> None:
        """What a node counted that has left and has nothing more to answer stays as a sum; the node itself is
        forgotten."""
        for node in [node for node in pool.departed if not node.busy]:
            pool.departed.remove(node)
            if node.tally is not None:
                self._gone.add(node.tally)


def _take(by_name: dict[str, Tally], name: str, node: Node) -> None:
    if node.tally is not None:
        by_name.setdefault(name, Tally()).add(node.tally)


def _tell_answers(telling: Telling, target: str, by_name: dict[str, Tally]) -> None:
    for name, tally in by_name.items():
        for status, spread in zip(CLASSES, tally.spreads, strict=True):
            telling.spread("startgate_upstream_duration_seconds", spread, name, status or "none")
    for place, status in enumerate(CLASSES):
        count = sum(_counted(by_name.values(), place))
        # Classes that are common are told from the first scrape on: a rate needs a 0 to begin from.
        if count or status in ("2xx", "4xx", "5xx"):
            telling.add("startgate_requests", count, target, status or "none")
    received = sum(tally.received for tally in by_name.values())
    telling.add("startgate_upstream_received_bytes", received, target)


def _counted(tallies: Iterable[Tally], place: int) -> Iterable[int]:
    return (sum(tally.spreads[place].counts) for tally in tallies)
