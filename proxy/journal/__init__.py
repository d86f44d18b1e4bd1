"""The audit record of every start.

- `entry` makes the records: ECS field names, an allow-list, no headers, bodies or secrets [pure];
- `chain` gives every record its place after the one before it, and checks that [pure];
- `writer` appends them durably: one process, one writer, one fsync for all that wait;
- `lines` reads a folder's lines, also while it is written; `query` says what is asked of them;
- `read` is for who cannot go on without a record, `scan` and `events` for who shows them, `verify` checks the chain.

A start has one receipt. Its records are `intent` (durable before any effect), `outcome` (what was decided and what
the cluster answered) and `end` (how the job really ended). A refused start without effects has an `outcome` alone.
"""
