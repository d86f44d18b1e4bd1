"""Every call to Elasticsearch that is made for a start, through the official client's transport.

- `transport` sends one call and judges what came back: usable, refused, or no answer; `node` is its HTTP part;
- `security` asks who somebody is and what is held; `jobs` for a job, its state, its stop; `indices` for sources and
  destination; `forward` passes the start itself on, byte for byte;
- `entries` reads an answer about many indices while it comes, each distinct value once; `definitions` decodes those;
- `heard` is what the cluster knows of starts by itself: notifications, jobs, tasks;
- `gateway` is all of them as the gate wants them (`gate.ports.Cluster`).
"""
