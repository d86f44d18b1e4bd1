"""The control API of a running gate: HTTP with JSON on a Unix socket, for the operator on the same machine.

- `peer`: who is at the other end; only the user that the gate runs as is served;
- `server`: who is served, and how the journal stands; `rules`: the calls about rules, `sinks` that
  about sinks; `answers`: their form;
- `client`: the calls of the command line and of the admin process.

What is answered are the values of `gate.standing`, `gate.rule_counts` and `gate.trial`, as JSON with the same names.
docs/reloading.md describes it.
"""
