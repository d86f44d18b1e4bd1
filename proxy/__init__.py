"""Startgate: a reverse proxy in front of Elasticsearch that guards the start of data frame analytics jobs.

In the order in which data flows:

- `edge` takes connections, `wire` decodes and encodes what is on them, `route` says where a request goes;
- `gate` runs the one intercepted call, with `rules`, `privileges` and `destination` deciding, `cluster` asking and
  `journal` remembering; `ship` copies what it remembers, `bypasses` compares it with what the cluster knows;
- every process counts and tells by `metrics`, and `admin` answers for all of them;
- `cli`, `supervisor` and `config` put the processes together;
- `embedded` is a small in-process cluster for the demo and the tests.

`model` and `errors` are seen by all. Which package may import which is checked by `tests/test_layers.py`.
"""
