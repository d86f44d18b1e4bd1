"""The edge worker: sockets on one side, `wire` and `route` on the other. asyncio Protocols; no task per request.

- `worker`    `run`: serves on bound sockets until told to stop, then drains
- `context`   what all connections of a worker share
- `client`    a client's connection: heads in, one exchange at a time, refusals
- `exchange`  one request and its answer, relayed both ways with back-pressure
- `pool`      nodes, which of them is next, and connecting to it
- `upstream`  a connection to a node or the gate
- `nodes`     the addresses of nodes and gate, and how to open a connection to them
- `answers`   errors of our own, in Elasticsearch's shape
- `receipt`   what the gate is told about a request: peer and receipt
- `sockets`   what is asked of the system
- `sweep`     one coarse timer for all connections

A request: `client` decodes the head and asks `route`; an `Exchange` takes a connection from the cluster's or the
gate's `pool`, writes the head and what there is of the body, and relays what comes back; then `client` goes on with
what it holds. Starts go to the gate or are refused with 503, never to the cluster.
"""
