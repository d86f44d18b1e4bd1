"""Rule files as texts, for the tests of this folder."""

from collections.abc import Mapping

from proxy.rules.compiled import DefinedRole, Rules
from proxy.rules.role_files import read_roles
from proxy.rules.schema import RoleFiles, compile_rules
from proxy.rules.source import Node, read

ROLES = """\
ml_reader: {indices: [{names: ['hr-*'], privileges: [read]}]}
ml_writer: {indices: [{names: ['ml-*'], privileges: [all]}]}
"""
# Every key of the language.
RICH = """\
version: 1
start_data_frame_analytics:
  require:
    cluster: [manage_ml, monitor]
    source: [read, view_index_metadata, monitor]
    destination: [read, create_index, manage, index]
  authority: both
  subjects: [data, owner]
  trusted_intermediaries:
    - kibana_system
    - {username: portal, realm: file1}
  destination:
    create_as: caller
    on_refused_start: keep
    settings:
      "*": {index.number_of_replicas: 1, index.codec: default}
      hr-*: {index.codec: best_compression}
  flows:
    - from: [hr-*, "/staff-[0-9]+/"]
      to: [hr-ml-*]
    - {from: [logs-*], to: [logs-ml-*]}
  guards:
    - id: pii-needs-dpo
      deny: 'job.source.index.exists(i, i.startsWith("pii-")) && !("dpo" in data.roles)'
      message: Jobs on pii-* need the role dpo.
    - id: memory
      mode: shadow
      deny: |
        job.model_memory_limit_bytes
          > 4 * gib
      message: More than 4 GiB.
    - id: threads
      mode: warn
      deny: job.max_num_threads > 8
      message: More than 8 threads.
roles: [roles.yml]
role_mappings:
  - {grants: [ml_reader], users: [anna], realms: [file1]}
  - {grants: [ml_reader, ml_writer], roles: ["ml-*"]}
  - {grants: [ml_writer], users: [etl], api_keys: ["nightly-?"]}
"""


def defined(text: str = ROLES, name: str = "roles.yml") -> Mapping[str, DefinedRole]:
    """The roles of a role file that is valid."""
    roles, faults = read_roles(text, name)
    assert not faults
    return roles


def compiled(*texts: str, draft: bool = True) -> tuple[Rules | None, list[str]]:
    """Rules and faults of the files a.yml, b.yml, … of these texts, beside a role file."""
    roots: dict[str, Node] = {}
    for number, text in enumerate(texts):
        name = f"{chr(ord('a') + number)}.yml"
        root, faults = read(text, name)
        assert not faults, faults
        assert root is not None
        roots[name] = root
    files = RoleFiles(names=("roles.yml",), roles=defined())
    rules, found = compile_rules(roots, role_files=files, draft=draft)
    return rules, [str(fault) for fault in found]


def valid(*texts: str) -> Rules:
    """The rules of texts that are valid."""
    rules, faults = compiled(*texts)
    assert rules is not None, faults
    return rules
