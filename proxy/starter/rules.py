"""The rules: those that ship, or, for a cluster without security, the same ones judged by a role file."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxy.errors import Fault, RulesError
from proxy.rules.load import load
from proxy.rules.seal import sealed
from proxy.starter.model import BY_ROLES, RULES, Made, Wish, text
from proxy.starter.users import ROLE, USER

# Files that are copied as they are.
SCHEMAS: Final = ("rules.schema.json", "cases.schema.json")
START: Final = "start.yml"
CASES: Final = "start_test.yml"
ROLES: Final = "roles.yml"
# What is put in the place of what; each must be there once.
_BY_ROLES: Final = {
    "version: 1\n": f"version: 1\n\n# In the format of Elasticsearch's own roles.yml.\nroles: [{ROLES}]\n",
    "privilege: the cluster itself.\n  authority: cluster\n": "privilege: the role files.\n  authority: roles\n",
    "  trusted_intermediaries:\n    - kibana_system\n    - elastic/kibana\n": (
        "  # Without security nobody is Kibana for certain.\n  trusted_intermediaries: []\n"
    ),
}


def rules(wish: Wish, shipped: Path) -> list[Made]:
    """The files of the folder of rules; `shipped` is the one that comes with Startgate. Raises
    OSError: that folder cannot be read; and RulesError: its rules are not as they were shipped."""
    made = [Made(path=f"{RULES}/{name}", content=(shipped / name).read_bytes()) for name in SCHEMAS]
    if wish.authority != BY_ROLES:
        return [
            *made,
            *(Made(path=f"{RULES}/{name}", content=(shipped / name).read_bytes()) for name in (START, CASES)),
        ]
    roles = text(f"{RULES}/{ROLES}", _roles(wish.sources, wish.destinations))
    start = _sealed(_by_roles((shipped / START).read_text()), roles.content)
    return [*made, text(f"{RULES}/{START}", start), roles, text(f"{RULES}/{CASES}", _cases(wish))]


def _by_roles(start: str) -> str:
    for before, after in _BY_ROLES.items():
        if start.count(before) != 1:
            raise RulesError([Fault(START, f"is not as it was shipped: {before.strip()!r} is not there once")])
        start = start.replace(before, after)
    return start


def _sealed(start: str, roles: bytes) -> str:
    """The rules with their seal, for which they must be read as they will be."""
    with tempfile.TemporaryDirectory(prefix="startgate-") as folder:
        path = Path(folder, START)
        path.write_text(start)
        Path(folder, ROLES).write_bytes(roles)
        return sealed(start, load(path, draft=True).seal)


def _roles(sources: Sequence[str], destinations: Sequence[str]) -> str:
    return (
        "# Who may start what. In the format of Elasticsearch's own roles.yml; users_roles says who has which role.\n"
        f"{ROLE}:\n"
        "  cluster: [manage_ml]\n"
        "  indices:\n"
        f"    - {{names: {json.dumps(list(sources))}, privileges: [read, view_index_metadata]}}\n"
        f"    - {{names: {json.dumps(list(destinations))}, privileges: [read, create_index, manage, index]}}\n"
    )


def _cases(wish: Wish) -> str:
    source, destination = (plain(names[0]) for names in (wish.sources, wish.destinations))
    return f"""\
# yaml-language-server: $schema=cases.schema.json
# What the rules do. `startgate test` runs these cases, and so does the gate before changed rules come into force.
version: 1
rules: {START}

# Without security the cluster shows its jobs to anybody. What anybody may start is what {ROLES} says.
roles:
  anybody: {{cluster: [all], indices: [{{names: ["*"], privileges: [all]}}]}}
  {ROLE}: {{}}

identities:
  {USER}: {{roles: [anybody, {ROLE}], realm: startgate_users, realm_type: startgate}}
  stranger: {{roles: [anybody], realm: startgate_users, realm_type: startgate}}

jobs:
  first:
    source: {{index: [{json.dumps(source)}]}}
    dest: {{index: {json.dumps(destination)}}}
    analysis: {{outlier_detection: {{}}}}

indices:
  {json.dumps(source)}: {{mappings: {{properties: {{delay: {{type: double}}}}}}}}

cases:
  - name: whoever has the role starts the job
    caller: {USER}
    job: first
    expect: {{verdict: allowed}}

  - name: nobody else does, whatever the cluster would say
    caller: stranger
    job: first
    expect: {{verdict: denied}}
"""


def plain(pattern: str) -> str:
    """A name that a pattern covers."""
    return pattern.replace("*", "1").replace("?", "1")
