"""Starts that got past the gate: the journal against the cluster's own word (`startgate audit bypasses`).

- `model`: what is on record, what came of it, and the findings
- `recorded`: the starts in a journal's files, and from when on it tells of all; `stream`: the same from the data stream
- `match`: which of the cluster's notifications is of which recorded start; pure
- `compare`: what the one side knows and the other does not; pure
- `look`: asks all of them, and says which could be asked

What the cluster says is asked for by `proxy.cluster.heard`.
"""
