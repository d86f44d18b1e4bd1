"""The admin port: pages for people, an API, metrics for Prometheus, and health, from a process of its own that nobody
else depends on.

- `app`           `run`: makes the parts, listens, serves until told to stop; `sites` listens; `parts` is what areas get
- `surface`       puts together what is served, and says how something is added; `dispatch` makes the application of
                  it; `decoding` reads what is asked
- `api`           what an endpoint is, who a viewer is, how errors are told; `openapi` describes all endpoints
- `access`        who may come in, and what they may do
- `endpoints`     the API by area, thin; `views` know how things stand; `shown` are the values that they answer
- `pages`         the same values as HTML
- `server`        metrics and health; `exposition`, `health`, `reach` and `certificates` are its parts
- `client`        how commands ask

What processes count, and how it is gathered, is in `proxy.metrics`. docs/metrics.md lists every metric, docs/admin.md
tells operators of the rest, docs/api.md lists the calls.
"""
