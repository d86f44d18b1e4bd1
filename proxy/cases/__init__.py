"""Cases beside the rules: who starts which job on what, and what must come of it. `startgate test` runs them.

- `model`: a file of cases as values; `plain`: values out of YAML; `parts`, `read`: which keys a file may hold;
- `load`: the only module that reads files;
- `names`: what source expressions stand for among the indices of a case;
- `world`: a cluster, a journal and a clock that are made of a case alone;
- `run`: one case through the gate's own flow, the same code as serves real starts;
- `compare`: what came of it against what is expected; `coverage`: which rules the cases have tried;
- `beside`: the cases beside rules that are to come into force, for the gate;
- `report`: for a terminal, and as JUnit XML.
"""
