"""A case as somebody writes it into a browser, and hostile ones."""

import sys

CHILD = (sys.executable, "-m", "proxy.cases.trial")
CASE = """\
version: 1
identities:
  ann: {roles: [analyst]}
roles:
  analyst:
    cluster: [manage_ml]
    indices:
      - {names: [flights], privileges: [read, view_index_metadata]}
      - {names: [flights-out], privileges: [all]}
jobs:
  outliers:
    source: {index: [flights]}
    dest: {index: flights-out}
    analysis: {outlier_detection: {}}
    owner: {roles: [analyst]}
indices:
  flights: {mappings: {properties: {distance: {type: double}}}}
cases:
  - name: ann may
    caller: ann
    job: outliers
    expect: {verdict: allowed}
"""
TWO = CASE + "  - {name: again, caller: ann, job: outliers, expect: {verdict: allowed}}\n"
# What a text may do to whoever reads it, and how many faults with a place it must come to at least.
HOSTILE = {
    "empty": "",
    "nothing": "null",
    "a list": "[]",
    "half": CASE[:-40],
    "two cases": TWO,
    "a bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "a tag": "!!python/object/apply:os.system ['true']",
    "deep": "[" * 100_000,
    "deeper maps": "{a: " * 50_000,
    "deep by indent": "\n".join(" " * depth + "a:" for depth in range(500)),
    "many keys": "\n".join(f"k{number}: 1" for number in range(20_000)),
    "the same key": "version: 1\nversion: 1\n",
    "nul": "version: 1\0",
    "a lone surrogate": 'version: 1\ncases: ["\\ud83d"]',
    "another document": CASE + "---\n" + CASE,
    "unknown names": CASE.replace("caller: ann", "caller: anna"),
    "long line": "version: " + "1" * 200_000,
    "merge": "a: &a {x: 1}\nb: {<<: *a}\n",
    "directive": "%YAML 9.9\n---\nversion: 1",
}
