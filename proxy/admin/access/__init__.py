"""Who may come in at the admin port, and what they may do.

- `door`      from a request to its viewer: socket, bearer token, credentials of the cluster, session
- `cluster`   asks the cluster whose credentials these are, and which role they have
- `tokens`    bearer tokens, read from their files again when those change
- `sessions`  sessions in memory: bounded, idle and total limits, kept under hashes of their ids
- `failures`  how often somebody may fail, by address and by name
- `cookies`   the cookie of a session
- `origin`    by which names this port may be called, and from which pages
- `headers`   what every answer says to browsers
- `acts`      puts what is done on record, through the gate

docs/admin.md tells operators of it; docs/decisions/145-how-viewers-are-known.md why it is so.
"""
