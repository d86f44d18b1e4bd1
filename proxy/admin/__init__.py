"""The admin port: metrics for Prometheus, and health, from a process of its own that nobody else depends on.

- `app`           `run`: binds, tries again where that fails, serves until told to stop
- `server`        the paths and their answers
- `exposition`    the totals as text, by `prometheus_client`
- `health`        live, started, ready: what is asked, and what is wrong where the answer is no
- `reach`         whether any node of the cluster can be connected to
- `certificates`  when certificates in files are over

What processes count, and how it is gathered, is in `proxy.metrics`. docs/metrics.md lists every metric.
"""
