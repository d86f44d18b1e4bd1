"""`python -m bench`: every benchmark in turn, with its defaults, but for the soak, which takes half an hour."""

import subprocess
import sys

from bench.children import ROOT, python

for name in (
    "wire",
    "bulk",
    "idle",
    "latency",
    "workers",
    "start",
    "capacity",
    "plan",
    "rules",
    "observe",
    "journal",
    "journal_reading",
    "metrics",
    "admin",
    "memory",
):
    if subprocess.run(python(f"bench.{name}"), cwd=ROOT, check=False).returncode:
        sys.exit(f"bench/{name} failed")
