"""The control API of a running gate: HTTP with JSON on a Unix socket, for the operator on the same machine.

- `peer`: who is at the other end; only the user that the gate runs as is served;
- `server`: `GET /v1/rules`, and `POST /v1/rules/reload`;
- `client`: the calls of the command line.

What is answered are the values of `gate.standing`, as JSON with the same names. docs/reloading.md describes it.
"""
