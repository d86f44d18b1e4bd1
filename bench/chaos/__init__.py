"""Chaos: mixed traffic through a whole Startgate while faults are injected, and a checker of what must always hold.

Run: python -m bench.chaos [--minutes 60] [--seed N] [--write docs/chaos.md]; exit status 1 where anything was violated.

schedule  which fault comes when: pure, the same for the same seed
wire      a client of one connection that never asks twice
answers   what the tagged calls of the node answer, said once for the node and for who checks them
node      the process that stands for a node: relays to the embedded cluster, answers tagged calls itself, may be killed
place     everything that runs, and the journal's small disk
traffic   the kinds of clients, every answer compared
ledger    what was asked, what failed, which faults were under way, and which failures they explain
inject    how each fault is brought about, and when it is over
vitals    memory and descriptors of each process, life by life
check     the invariants, over what was collected: each says how much it looked at, and what violates it
plot      pictures of a run as SVG
report    a run in Markdown
"""
