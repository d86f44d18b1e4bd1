"""A small in-process Elasticsearch, for the demo and for tests: never used in production.

- `app`: the aiohttp application and `serve_embedded`; `front`: one call, from authentication to its answer
- `request`, `params`, `routes`, `answers`, `failure`, `endpoint`: what its own endpoints are made of
- `security/` and `ml/`: the `_security` and `_ml` APIs, which no freely published node has
- `outliers`, `predictions`, `neighbours`: the mathematics of jobs that really run
- `backend`: the border to what holds the indices: `core/` in process, or a genuine node (`remote`)
- `node`: what the cluster says of itself
"""
