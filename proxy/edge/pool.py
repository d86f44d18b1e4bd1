"""The nodes, which of them is next, and who waits while all of them have as much as they may have.

`Pool.take` gives an exchange an idle connection at once, without an await. Only if there is none are the nodes tried in
the background, the least busy first; nothing has been sent by then, so going on to another node is safe for every
request. Where each node has all its connections, the exchange waits in a bounded queue, in which addresses take turns.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from proxy.edge.node import Node, own_trouble
from proxy.edge.nodes import Address
from proxy.edge.queue import FairQueue
from proxy.edge.refusals import Reason
from proxy.edge.sweep import NEVER, Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.metrics.spread import Tally
from proxy.settings import EdgeLimits
from proxy.tasks import spawn


class Waiter(Protocol):
    """Who waits for a connection."""

    @property
    def origin(self) -> str:
        """The client's address: addresses take turns."""
        ...

    def connected(self, connection: UpstreamConnection) -> None:
        """Here it is. It must be given back or dropped."""
        ...

    def unreachable(self, *, timed_out: bool) -> None:
        """No node could be reached; `timed_out` if the last one tried did not even refuse in time."""
        ...

    def crowded_out(self, why: Reason) -> None:
        """There is no room: the queue is full, the wait was too long, or this process has no descriptor left."""
        ...


class Pool:
    """The nodes of the cluster, or the gate alone. `deadline` belongs to the sweep; `departed` are nodes that have
    left, until somebody has taken over what they counted."""

    __slots__ = (
        "_limits", "_metered", "_most", "_nodes", "_passed", "_queue", "_sweep", "_turn", "_unasked", "deadline",
        "departed",
    )  # fmt: skip

    def __init__(
        self,
        addresses: Sequence[Address],
        limits: EdgeLimits,
        sweep: Sweep,
        *,
        gate: bool = False,
        unasked: Callable[[str], None] = lambda _: None,
        metered: bool = False,
    ) -> None:
        """`gate`: the limits of connections to the gate hold instead of those to a node; `unasked` is told the name
        of a node that sent bytes which nobody had asked for; `metered`: answers are counted, node by node."""
        self._limits = limits
        self._sweep = sweep
        self._unasked = unasked
        self._metered = metered
        self.departed: list[Node] = []
        self._most = limits.gate_connections if gate else limits.upstream_connections
        self._nodes = [self._node(address) for address in addresses]
        waiting = limits.gate_waiting if gate else limits.upstream_waiting
        wait_s = limits.gate_wait_s if gate else limits.upstream_wait_s
        self._passed: Sequence[Node] | None = None  # the nodes that `idle` had nothing of
        self._queue: FairQueue[Waiter] = FairQueue(waiting, wait_s)
        self._turn = 0
        self.deadline = NEVER
        sweep.add(self)

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes, in no particular order."""
        return tuple(self._nodes)

    @property
    def waiting(self) -> int:
        """How many exchanges wait for a connection to become free."""
        return len(self._queue)

    def take(self, waiter: Waiter) -> UpstreamConnection | None:
        """An idle connection to the node that is next. If it has none: None, and `waiter` is told of a new one."""
        nodes, self._passed = self._passed, None
        if nodes is None:
            nodes = self._nodes if len(self._nodes) == 1 else self._ranked()
            connection = nodes[0].take()
            if connection is not None:
                return connection
        spawn(self._connect(nodes, waiter), name="edge-connect")
        return None

    def idle(self) -> UpstreamConnection | None:
        """An idle connection to the node that is next. If it has none: None, and `take` must follow at once, which asks
        the same nodes, in the same order, for a new one."""
        nodes = self._nodes if len(self._nodes) == 1 else self._ranked()
        connection = nodes[0].take()
        if connection is None:
            self._passed = nodes
        return connection

    def connect(self, waiter: Waiter) -> None:
        """Open a new connection, whatever is idle, and tell `waiter` of it."""
        spawn(self._connect(self._ranked(), waiter), name="edge-connect")

    def forget(self, waiter: Waiter) -> None:
        """It no longer waits; who does not wait in the queue is passed over."""
        self._queue.discard(waiter)

    def replace(self, gone: Iterable[Node], come: Iterable[Address]) -> None:
        """Some nodes are no longer there, others are new. At least one must be left."""
        leaving = set(gone)
        self._nodes = [node for node in self._nodes if node not in leaving]
        new = [self._node(address) for address in come]
        self._nodes += new
        for node in leaving:
            node.retire()
        if self._metered:
            self.departed += leaving
        # Who waits for those that leave need not: there is room at the new ones.
        for _ in range(min(len(self._queue), sum(node.most for node in new))):
            self.connect(self._queue.pop())

    def expire(self) -> None:
        """Sweep: somebody has waited long enough."""
        for waiter in self._queue.overdue(self._sweep.now):
            waiter.crowded_out(Reason.QUEUE_TIME)
        self._watch()

    def close(self) -> None:
        """Close all idle connections."""
        for node in self._nodes:
            node.close()

    def _node(self, address: Address) -> Node:
        return Node(
            address,
            self._limits,
            self._sweep,
            most=self._most,
            released=self._released,
            refused=self._refused,
            unasked=self._unasked,
            tally=Tally() if self._metered else None,
        )

    def _ranked(self) -> list[Node]:
        """All nodes: first those in good health, of them the least busy for its share; equals take turns."""
        now = self._sweep.now
        self._turn += 1
        turn = self._turn % len(self._nodes)
        nodes = self._nodes[turn:] + self._nodes[:turn]
        return sorted(nodes, key=lambda node: _rank(node, now))

    async def _connect(self, nodes: Sequence[Node], waiter: Waiter) -> None:
        timed_out, left = False, list(nodes)
        # Asked anew after each await: a node that was full may have room by now, and nobody would tell who only then
        # begins to wait.
        while (node := next((node for node in left if not node.full), None)) is not None:
            # From here to its count in `open` nothing is awaited: two cannot take the last place.
            left.remove(node)
            try:
                connection = await node.open()
            except OSError as error:
                if own_trouble(error):
                    waiter.crowded_out(Reason.DESCRIPTORS)
                    return
                timed_out = isinstance(error, TimeoutError)
                continue
            waiter.connected(connection)
            return
        if left:
            self._wait(waiter)
        else:
            waiter.unreachable(timed_out=timed_out)

    def _wait(self, waiter: Waiter) -> None:
        if self._queue.put(waiter, self._sweep.now):
            self._watch()
        else:
            waiter.crowded_out(Reason.QUEUE_FULL)

    def _watch(self) -> None:
        deadline = self._queue.deadline
        self.deadline = NEVER if deadline is None else deadline

    def _released(self, connection: UpstreamConnection | None) -> bool:
        """From a node: room for one. Whoever is first in the queue has it, before anybody who comes now."""
        if not self._queue.waiters:
            return False
        waiter = self._queue.pop()
        if connection is None or not connection.usable(self._sweep.now):
            self.connect(waiter)
            return True
        connection.owner.hand_on(connection)
        waiter.connected(connection)
        return True

    def _refused(self) -> None:
        """From a node that could not be connected to. Who waits for another one goes on waiting: sent here one after
        the other, all would come back to the queue, and its time would never be over."""
        if self._queue and not any(node.full for node in self._nodes):
            self.connect(self._queue.pop())


def _rank(node: Node, now: float) -> tuple[bool, float]:
    health = node.health
    if not health.troubled:
        return (False, node.busy)
    # A share of a tenth makes one request count as ten: (busy + 1) / share - 1 is `busy` for a node in good health.
    return (health.ejected(now), (node.busy + 1) / health.share(now) - 1)
