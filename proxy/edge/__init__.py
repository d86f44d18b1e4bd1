"""The edge worker: sockets on one side, `wire` and `route` on the other. asyncio Protocols; no task per request.

- `worker`, `context`     `run`: serves on bound sockets until told to stop, then drains; what its connections share
- `door`, `networks`      what comes before the first request: PROXY header and TLS; addresses that were named
- `forwarding`            what nodes and gate are told of who asked, where that is asked for
- `client`, `patience`, `connection`  a client's connection: heads in, refusals; its times; its state, and how it ends
- `exchange`, `sending`, `lane`, `sides`  a request and its answer, relayed; its first half; the short way; both sides
- `special`, `observed`   requests that the gate judges or is told of; `notes` tells it, and of what it missed
- `sniffing`; `logged`, `access`  nodes' addresses in answers, rewritten; the access log, and connections told there
- `caps`, `refusals`      how many connections and requests there may be; what was refused, counted and told
- `pool`, `queue`         the nodes, which of them is next; who waits where all have enough, address by address
- `node`, `health`        a node's connections; when it is asked last, and how it gets its share back
- `members`, `probes`     which nodes there are, as their names resolve; connecting to them to see whether one can
- `upstream`, `nodes`     a connection to a node or the gate; where they are, and how to open one
- `answers`, `receipt`    errors of our own, in Elasticsearch's shape; what the gate is told: peer and receipt
- `sockets`, `heap`, `sweep`  what is asked of the system for sockets, of the allocator; one coarse timer for all

A request: `client` decodes the head and asks `route`; an `Exchange` takes a connection from the cluster's or the
gate's `pool`, writes the head and what there is of the body, and relays what comes back; then `client` goes on with
what it holds. Starts go to the gate or are refused with 503, never to the cluster.
"""
