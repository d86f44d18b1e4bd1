"""Configurations for other proxies that carry the ordinary traffic and leave to Startgate what may be a start. Pure.

- `ordinary`  which targets a front may carry by itself: one rule, spelled for each front's matcher
- `model`     what a front is made of: its address, the nodes, Startgate, how each is spoken to
- `plan`      from Startgate's own settings and what an operator asks for to a `Front`, or every fault
- `lines`     what the texts share: names that may stand in them, times, headings
- `nginx`, `haproxy`, `envoy`  the texts
- `ingress`   manifests for Kubernetes

A front decides what it may keep, never what a start is: whatever is not ordinary goes to Startgate, which decides.
"""
