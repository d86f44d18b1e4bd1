"""A file of cases for the tests of this folder, and rules for it."""

from proxy.cases.model import CaseFile
from proxy.cases.read import cases_of

RULES = """\
version: 1
start_data_frame_analytics:
  require:
    cluster: [manage_ml]
    source: [read, view_index_metadata]
    destination: [read, create_index, manage, index]
"""
CASES = """\
version: 1
roles:
  starter: {cluster: [manage_ml, monitor], indices: []}
  flights:
    indices:
      - {names: [flights], privileges: [read, view_index_metadata]}
      - {names: [flights-ml], privileges: [all]}
identities:
  ada: {roles: [starter, flights]}
  bob: {roles: [starter]}
  kibana_system: {roles: [starter], realm: reserved, realm_type: reserved}
  key: {username: ada, api_key: {id: k1, name: nightly}, roles: [starter, flights]}
  guest: {roles: []}
jobs:
  delays:
    source: {index: [flights]}
    dest: {index: flights-ml}
    analysis: {outlier_detection: {}}
    owner: {roles: [flights]}
indices:
  flights:
    settings: {number_of_shards: 2}
    mappings: {properties: {distance: {type: double}}}
    aliases: [trips]
cases:
  - name: ada may start
    caller: ada
    job: delays
    expect:
      verdict: allowed
      status: 200
      reasons: []
      plan: {step: create, body: {mappings: {properties: {distance: {type: double}}}}}
      journal:
        - startgate.phase: intent
        - {startgate.phase: outcome, event.outcome: success}
  - name: bob may read nothing
    caller: bob
    job: delays
    expect:
      verdict: denied
      status: 403
      error: bob
      reasons:
        - "[read] on the source index [flights]"
        - "[view_index_metadata] on the source index [flights]"
        - "[read] on the destination index [flights-ml]"
        - "[create_index]"
        - "[manage]"
        - "[index] on"
"""


def sample(text: str = CASES) -> CaseFile:
    """The cases of a text that is good."""
    found, faults = cases_of(text, "a_test.yml")
    assert found is not None, faults
    return found
