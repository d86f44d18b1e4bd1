"""Role files: everything in one of them, and each fault with its place."""

import pytest

from proxy.privileges import FieldSecurity, IndexGrant, Role
from proxy.rules.compiled import DefinedRole, Origin
from proxy.rules.role_files import MAX_DESCRIPTION, MAX_NAME, read_roles
from proxy.rules.source import MAX_BYTES

WHOLE = """\
# Roles of the analysts.
flight_analyst:
  description: "reads flights, starts jobs"
  cluster: [manage_ml, 'cluster:monitor/main']
  indices:
    - names: [ 'flights-*', '/hotels-[0-9]+/' ]
      privileges: [read, view_index_metadata]
      field_security:
        grant: [ '*' ]
        except: [ 'passenger.*' ]
      query: '{"term": {"carrier": "jetbeats"}}'
    - names: 'flights-scored'
      privileges: [Read, create_index, index, manage]
      allow_restricted_indices: true
  applications:
    - application: kibana-.kibana
      privileges: [feature_ml.all]
      resources: ['*']
  run_as: [ 'svc-*' ]
  global: { application: { manage: { applications: ['kibana-*'] } } }
  metadata: { team: 7, on_call: true, since: 2024-01-01 }
  transient_metadata: { enabled: true }
  remote_indices:
    - clusters: [ 'far-*' ]
      names: [ 'flights-*' ]
      privileges: [read]
      query: '{"match_all": {}}'
  remote_cluster:
    - clusters: ['*']
      privileges: [monitor_enrich]

nothing:
  cluster:
  indices: []
  run_as: ~
"""


def faults(text: str) -> list[str]:
    """The faults of a file as an operator reads them."""
    return [str(fault) for fault in read_roles(text, "roles.yml")[1]]


def in_indices(line: str) -> str:
    """A role whose only grant has one more line, which is line 6."""
    return f"r:\n  indices:\n  -\n    names: ['a-*']\n    privileges: [read]\n    {line}\n"


def test_everything_that_a_file_may_hold() -> None:
    roles, found = read_roles(WHOLE, "roles.yml")
    assert found == ()
    assert roles == {
        "flight_analyst": DefinedRole(
            Role(
                name="flight_analyst",
                cluster=("manage_ml", "cluster:monitor/main"),
                indices=(
                    IndexGrant(
                        names=("flights-*", "/hotels-[0-9]+/"),
                        privileges=("read", "view_index_metadata"),
                        field_security=FieldSecurity(("*",), ("passenger.*",)),
                        query='{"term": {"carrier": "jetbeats"}}',
                    ),
                    IndexGrant(
                        names=("flights-scored",),
                        privileges=("Read", "create_index", "index", "manage"),
                        allow_restricted=True,
                    ),
                ),
                run_as=("svc-*",),
            ),
            Origin("roles.yml", 2),
        ),
        "nothing": DefinedRole(Role(name="nothing"), Origin("roles.yml", 32)),
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "  # here\n\t\n"])
def test_a_file_without_roles(text: str) -> None:
    assert read_roles(text, "roles.yml") == ({}, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a]\n", ["1:1: a role file is a mapping of role names to roles: `name: {cluster: […], …}`"]),
        ("r: [a]\n", ["1:4: `r` must be a mapping with the keys `cluster`, `indices`, `run_as`, "]),
        ("r: {clutser: [all]}\n", ["1:5: unknown key `clutser` (did you mean 'cluster'?); allowed: `cluster`, "]),
        ("r: {cluster: all}\n", ["1:14: `cluster` must be a list, such as [a, b]"]),
        ("r: {cluster: [[all]]}\n", ["1:15: `cluster` takes text here, not a list"]),
        ("r: {cluster: [no]}\n", ["1:15: `cluster` takes text, but YAML reads `no` as bool; put it in quotes"]),
        ("r: {cluster: [manage_mll]}\n", ["1:15: unknown cluster privilege [manage_mll]. "]),
        ("r: {run_as: ['/a']}\n", ["1:14: the pattern [/a] starts with '/' but does not end with '/'"]),
        ("r: {restriction: {workflows: []}}\n", ["1:5: `restriction` is for API keys; a role file must not have it"]),
        ("r: {indices: {names: a}}\n", ["1:14: `indices` must be a list, such as [a, b]"]),
        ("r: {indices: [a]}\n", ["1:15: every item of `indices` must be a mapping"]),
        ("r: {indices: [{names: a}]}\n", ["1:15: `privileges` is missing here"]),
        ("r: {indices: [{}]}\n", ["1:15: `names`, `privileges` is missing here"]),
        (
            "r: {indices: [{names: [], privileges: [read]}]}\n",
            ["1:23: `names` is empty; name the indices that are meant"],
        ),
        ("r: {indices: [{names: {a: b}, privileges: [read]}]}\n", ["1:23: `names` must be a list, such as [a, b]"]),
        ("r: {indices: [{names: [''], privileges: [read]}]}\n", ["1:24: `names` takes text, not an empty one"]),
        (
            "r: {indices: [{names: 12, privileges: [read]}]}\n",
            ["1:23: `names` takes text, but YAML reads `12` as int; "],
        ),
        ("r: {indices: }\n", ["1:13: `indices` must be a list, such as [a, b]"]),
        ("r: {indices: [{names: a, privileges: }]}\n", ["1:37: `privileges` must be a list, such as [a, b]"]),
        ("r: {indices: [{names: a, privileges: []}]}\n", ["1:38: `privileges` is empty; name what is granted, or "]),
        ("r: {indices: [{names: a, privileges: [raed]}]}\n", ["1:39: unknown index privilege [raed]. "]),
        ("r: {indices: [{names: a, privileges: [read], fields: [x]}]}\n", ["1:46: unknown key `fields`"]),
        (
            "r: {indices: [{names: ['/<1-9>/', '/[/'], privileges: [read]}]}\n",
            [
                "1:24: the regular expression [/<1-9>/] is not supported here: <…>",
                "1:35: the regular expression [/[/] is not supported here: it ends too early",
            ],
        ),
        ("r: {global: []}\n", ["1:13: `global` must be a mapping"]),
        (
            "r: {metadata: x, transient_metadata: 1}\n",
            ["1:15: `metadata` must be ", "1:38: `transient_metadata` must "],
        ),
        ("r: {applications: [{application: a}]}\n", ["1:20: `privileges`, `resources` is missing here"]),
        ("r: {applications: [{application: a, privileges: [1], resources: ['*']}]}\n", ["1:50: `privileges` takes "]),
        ("r: {applications: {a: b}}\n", ["1:19: `applications` must be a list"]),
        ("r: {remote_indices: [{names: a, privileges: [read]}]}\n", ["1:22: `clusters` is missing here"]),
        ("r: {remote_cluster: [{clusters: a, privileges: [b], names: c}]}\n", ["1:53: unknown key `names`"]),
        ("r: {description: [a]}\n", ["1:18: `description` takes text here, not a list"]),
        (
            f"r: {{description: {'d' * (MAX_DESCRIPTION + 1)}}}\n",
            ["1:18: `description` is longer than 1000 characters"],
        ),
        ("r: {}\nr: {}\n", ["2:1: the key `r` is there twice; the first is in line 1"]),
        ("r: &x {}\n", ["1:4: the anchor `&x` is not allowed; "]),
        ("r: {indices: [{names: [*], privileges: [read]}]}\n", ["1:25: not valid YAML: "]),
        ("12: {}\n", ["1:1: the key `12` is read as an int by YAML"]),
    ],
)
def test_a_fault_and_its_place(text: str, expected: list[str]) -> None:
    found = faults(text)
    assert len(found) == len(expected), found
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(f"roles.yml:{start}")


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "superuser: {}\na: {cluster: [x, all], run_as: ['/']}\nb: {indices: [{names: c, privileges: [d]}]}\n"
    assert [fault.split(": ")[0] for fault in faults(text)] == [
        f"roles.yml:{at}" for at in ("1:1", "2:15", "2:33", "3:39")
    ]


@pytest.mark.parametrize("name", ["r", "A role!", "x" * MAX_NAME, "~.*", "@home/[1]"])
def test_names_that_a_role_may_have(name: str) -> None:
    assert faults(f"? '{name}'\n: {{}}\n") == []


@pytest.mark.parametrize("name", ["", " r", "r ", "x" * (MAX_NAME + 1), "r\u00f4le", "a\\tb", "\u3000", "a\\u007f"])
def test_names_that_no_role_may_have(name: str) -> None:
    found = faults(f'? "{name}"\n: {{}}\n')
    assert len(found) == 1
    assert found[0].startswith("roles.yml:1:3: Role names must be at least 1 and no more than 1024 characters. ")


def test_reserved_names_are_refused() -> None:
    assert faults("viewer: {}\n") == ["roles.yml:1:1: Role [viewer] is reserved and may not be used."]


def test_a_description_may_be_as_long_as_elasticsearch_lets_it() -> None:
    assert faults(f"r: {{description: {'d' * MAX_DESCRIPTION}}}\n") == []


def test_a_file_that_is_too_large_is_not_read() -> None:
    roles, found = read_roles("#" * (MAX_BYTES + 1), "roles.yml")
    assert (roles, [str(fault) for fault in found]) == ({}, [f"roles.yml: larger than {MAX_BYTES} bytes"])
    assert faults("#" * MAX_BYTES) == []


def test_parts_of_a_grant_come_with_it() -> None:
    assert faults(in_indices("allow_restricted_indices: yes")) == [
        "roles.yml:6:31: `allow_restricted_indices` must be true or false"
    ]
    roles, found = read_roles(in_indices("query: {term: {a: 1}}"), "roles.yml")
    assert found == ()
    assert roles["r"].role.indices[0].query == '{"term":{"a":1}}'


def test_names_that_a_version_lacks_are_faults_for_that_version() -> None:
    text = "r: {cluster: [monitor_stats], indices: [{names: a, privileges: [read_failure_store]}]}\n"
    assert read_roles(text, "f")[1] == read_roles(text, "f", version=(9, 1))[1] == ()
    old = [str(fault) for fault in read_roles(text, "f", version=(8, 15))[1]]
    assert [fault.split(" [")[0] for fault in old] == [
        "f:1:15: unknown cluster privilege",
        "f:1:65: unknown index privilege",
    ]
    assert "; Elasticsearch 8.15 does not know it yet (did you mean 'monitor_snapshot'?)" in old[0]
