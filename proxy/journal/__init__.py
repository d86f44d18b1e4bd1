"""The audit record of every start.

- `entry` makes the records [pure]; `fields` is the one table of what they may hold, `allowed` holds them to it, `mask`
  masks, `screened` is the journal that does both, and all that the gate writes to [pure, but for the last];
- `chain` gives every record its place after the one before it, and tells what hash a line should have [pure];
- `bounded` makes a record smaller that would be too large [pure];
- `writer` appends them durably: one process, one writer, one fsync for all that wait. `opening` looks over and mends
  what an earlier process left (`folder`, `tail`), `store` writes batches to one `segment` after the other by the calls
  of `files`, and says what it did by `marks`, `debts` and `checkpoints`; `standing` is its state;
- `retention` deletes old files that are `shipped`, where that is wanted;
- `lines` reads a folder's lines, also while it is written; `query` says what is asked of them, `moment` of which time;
  `start` joins those of one start;
- `read` is for who cannot go on without a record, `observed` finds those of observed calls; `scan`, by a `glance` at
  each line, and `events` are for who shows them; `verify` checks the chain, and has `findings`.

A start has one receipt. Its records are `intent` (durable before any effect), `outcome` (what was decided and what
the cluster answered) and `end` (how the job really ended). A refused start without effects has an `outcome` alone.
"""
