"""The audit record of every start.

- `entry` makes the records: ECS field names, an allow-list, no headers, bodies or secrets [pure];
- `chain` gives every record its place after the one before it, and checks that [pure];
- `writer` appends them durably: one process, one writer, one fsync for all that wait;
- `read` reads a journal folder back and joins the records of one start.

A start has one receipt. Its records are `intent` (durable before any effect), `outcome` (what was decided and what
the cluster answered) and `end` (how the job really ended). A refused start without effects has an `outcome` alone.
"""
