"""The values that the API answers and the pages show [pure]: frozen, with the same names in JSON. Times are RFC 3339 in
UTC, durations end with their unit.

- `starts`   the list of starts, one start, the live feed
- `rules`    the rules in force, and trying them
- `plan`     the jobs of the cluster, and what a start of one would do
- `traffic`  what passes: counts, rates, latencies, connections, refusals
- `journal`  the journal, its chain, its sinks
"""
