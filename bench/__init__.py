"""Benchmarks: each is a command (`python -m bench.wire`), prints a table and writes JSON to `bench/results/`.

wire      CPU time per passed request of one edge worker, beside nginx, HAProxy, Envoy and a plain aiohttp proxy
start     starts per second, CPU per start and sequential round trips per start of one gate
plan      CPU and memory of a start over fleets of up to 10,000 indices, and the delay of other starts meanwhile
rules     loading a thousand rule files, and the CPU of one verdict over many guards and roles
metrics   what counting costs a passed request, and how long a scrape takes
memory    growth of a worker's memory during big bodies and with many clients

peers says how each proxy is found and started, children how processes are run and ended, measure reads `/proc`,
report prints and writes. origin, sink, fleet, load and plain_proxy are the processes around a proxy.
"""
