"""The privilege model against Elasticsearch's own classes: names, actions, built-in roles, answers, role files.

The releases of which the security model is published are compared: 8.15.3 and 9.1.0, not 7.17.24.
"""

import json
from collections.abc import Callable, Mapping

import pytest

from proxy.privileges import (
    Asked,
    AskedIndex,
    IndexGrant,
    Role,
    Undecidable,
    Version,
    built_in,
    check,
    role_from_json,
)
from proxy.privileges.patterns import Language, included, language
from proxy.privileges.restricted import RESTRICTED
from proxy.privileges.tables import Actions
from proxy.privileges.versions import cluster_privileges, index_privileges
from proxy.rules.role_files import read_roles
from tests.real.model import Model, Refused
from tests.real.privilege_cases import Draw, as_file

pytestmark = [pytest.mark.real, pytest.mark.slow]

KINDS: Mapping[str, Callable[[Version], Mapping[str, Actions]]] = {
    "cluster": cluster_privileges,
    "index": index_privileges,
}
# Depends on the request, so its automaton says nothing; questions about it are compared below.
CONDITIONAL = "manage_own_api_key"


def same(one: Language, other: Language) -> bool:
    """Whether two sets of texts are equal."""
    return included(one, other) and included(other, one)


@pytest.mark.parametrize("kind", KINDS)
def test_every_privilege_is_known_and_allows_the_same_actions(model: Model, kind: str) -> None:
    table = KINDS[kind](model.minor)
    assert set(model.ask(f"{kind}-names").split("\n")) == table.keys()
    different = [
        name
        for name, actions in table.items()
        if name != CONDITIONAL
        and not same(language(actions.include, minus=actions.exclude), model.language(f"{kind}-actions", name))
    ]
    assert different == []


def plain(role: Role) -> tuple[object, ...]:
    """A role without the order of its parts, which means nothing."""
    return role.name, sorted(role.cluster), sorted(role.indices, key=repr), role.run_as


def test_built_in_roles_are_the_same(model: Model) -> None:
    theirs = json.loads(model.ask("roles"))
    ours = built_in(model.minor)
    assert theirs.keys() == ours.keys()
    assert {name: plain(role) for name, role in ours.items()} == {
        name: plain(role_from_json(name, body)) for name, body in theirs.items()
    }


def test_what_no_role_may_be_called(model: Model) -> None:
    names = ["r", "a b", " r", "r ", "", "x" * 1024, "x" * 1025, "r\u00f4le", "a\tb", "~/[]", "\u3000", "_system"]
    here = [*names, *built_in(model.minor)]
    refused = {name for name in here if model.ask("role-name", name) != "null"}
    assert {name for name in here if read_roles(f"? {json.dumps(name)}\n: {{}}", "f")[1]} == refused


def test_answers_about_indices_are_the_same(model: Model) -> None:
    names = tuple(
        name
        for name in ("read", "write", "index", "create_doc", "manage", "all", "monitor", "read_failure_store")
        if name in index_privileges(model.minor)
    )
    compared(model, Draw(1, (*names, "view_index_metadata", "create_index", "indices:data/read/search")), 150)


def test_answers_are_the_same_where_many_grants_have_equal_privileges(model: Model) -> None:
    """9.1 takes such grants for one, 8.15 does not."""
    compared(model, Draw(2, ("read", "write")), 150)


def compared(model: Model, draw: Draw, count: int) -> None:
    """Ask both sides the same questions; enough of them must be granted for the comparison to mean something."""
    model.ask("restricted", RESTRICTED)
    granted = 0
    for _ in range(count):
        question = draw.question()
        flag = question.allow_restricted
        entry = AskedIndex(names=question.names, privileges=question.privileges, allow_restricted=flag)
        ours = check((question.role,), Asked(index=(entry,)), version=model.minor).index
        text = model.ask("held", as_file(question.role), question.names, question.privileges, str(flag).lower())
        theirs: dict[str, dict[str, bool]] = {}
        for name, privilege, held in (line.split("\t") for line in text.split("\n")):
            theirs.setdefault(name, {})[privilege] = held == "true"
        assert ours == theirs, question
        granted += any(held for answer in ours.values() for held in answer.values())
    assert granted > count / 10


@pytest.mark.parametrize(
    ("names", "flag", "asked", "asked_flag", "privilege", "expected"),
    [
        # Nothing is resolved: an alias and a data stream are names like any other, their indices are not looked at.
        (["my-alias"], False, "my-alias", False, "read", True),
        (["my-alias"], False, ".ds-my-alias-2024.01.01-000001", False, "read", False),
        ([".ds-my-stream-*"], False, "my-stream", False, "read", False),
        (["my-stream"], False, "my-stream-*", False, "read", False),
        (["logs-*"], False, "logs-?", False, "read", True),
        (["logs-?"], False, "logs-*", False, "read", False),
        (["*"], False, "far:logs", False, "read", True),
        # Restricted names.
        (["*"], False, "*", False, "read", True),
        (["*"], False, "*", True, "read", False),
        (["*"], True, "*", True, "read", True),
        (["*"], False, ".kibana_1", False, "read", False),
        (["*"], True, ".kibana_1", False, "read", True),
        ([".kibana_1"], False, ".kibana_1", True, "read", False),
        (["*"], True, ".kibana_*", False, "read", False),
        (["*"], True, ".kibana_*", True, "read", True),
        (["*"], False, ".k*", False, "read", True),
        # Where no grant has the name, not even `none` is held.
        (["a"], False, "b", False, "none", False),
        (["a"], False, "a", False, "none", True),
    ],
)
def test_traps(
    model: Model, names: list[str], flag: bool, asked: str, asked_flag: bool, privilege: str, expected: bool
) -> None:
    model.ask("restricted", RESTRICTED)
    role = Role(name="r", indices=(IndexGrant(names=tuple(names), privileges=("read",), allow_restricted=flag),))
    text = model.ask("held", as_file(role), [asked], [privilege], str(asked_flag).lower())
    entry = AskedIndex(names=(asked,), privileges=(privilege,), allow_restricted=asked_flag)
    ours = check((role,), Asked(index=(entry,)), version=model.minor).index[asked][privilege]
    assert (text == f"{asked}\t{privilege}\ttrue", ours) == (expected, expected)


def test_answers_about_the_cluster_are_the_same(model: Model) -> None:
    # What 9.1 has emptied allows nothing by the newest table, which asks of 8.15 too little: it is asked of nobody.
    names = [name for name in cluster_privileges(model.minor) if not name.endswith("data_stream_global_retention")]
    draw = Draw(3, (*names, "cluster:monitor/main", "cluster:admin/xpack/ml/*", "cluster:admin/xpack/security/api_key"))
    for _ in range(600):
        held, asked = draw.cluster()
        theirs = model.ask("cluster-held", as_file(Role(name="r", cluster=held)), asked) == "true"
        ours = check((Role(name="r", cluster=held),), Asked(cluster=(asked,))).cluster[asked]
        assert ours == theirs, (held, asked)


def test_regular_expressions_mean_the_same_and_what_lucene_refuses_is_refused(model: Model) -> None:
    draw = Draw(4)
    alike = 0
    for _ in range(600):
        regex = draw.regex()
        try:
            ours = language([regex])
        except Undecidable:
            continue
        # Refused raises here: what Lucene cannot read must not be read here.
        assert same(ours, model.language("patterns", [regex])), regex
        alike += 1
    assert alike > 200


@pytest.mark.parametrize("part", ["<1-31>", "\\d", "\\w+", "[\\s]", "(a{17})", "((((((((((a))))))))))"])
def test_what_lucene_reads_and_is_not_supported_is_refused_at_load(model: Model, part: str) -> None:
    model.language("patterns", [f"/{part}/"])
    _, faults = read_roles(json.dumps({"r": {"indices": [{"names": [f"/{part}/"], "privileges": ["read"]}]}}), "f")
    assert len(faults) == 1
    assert "not supported here" in faults[0].message


GOOD_FILES = {
    "empty": "r: {}",
    "null lists": "r: {cluster: , indices: [], run_as: }",
    "one name": "r: {indices: [{names: a, privileges: [read]}]}",
    "fields": "r: {indices: [{names: [a], privileges: [read], field_security: {grant: ['a*'], except: [ab]}}]}",
    "no fields": "r: {indices: [{names: [a], privileges: [read], field_security: {grant: []}}]}",
    "query as text": "r: {indices: [{names: [a], privileges: [read], query: '{\"match_all\": {}}'}]}",
    "query as mapping": "r: {indices: [{names: [a], privileges: [read], query: {match_all: {}}}]}",
    "flag": "r: {indices: [{names: [a], privileges: [read], allow_restricted_indices: true}]}",
    "applications": "r: {applications: [{application: a, privileges: [read], resources: ['*']}]}",
    "metadata": "r: {metadata: {a: 1}, transient_metadata: {enabled: true}, description: d}",
    "remote": "r: {remote_indices: [{clusters: [a], names: [b], privileges: [read]}]}",
    "global": "r: {global: {application: {manage: {applications: ['kibana-*']}}}}",
}


@pytest.mark.parametrize("name", GOOD_FILES)
def test_role_files_mean_the_same(model: Model, name: str) -> None:
    roles, faults = read_roles(GOOD_FILES[name], "f")
    assert faults == ()
    assert roles["r"].role == role_from_json("r", json.loads(model.ask("role-file", GOOD_FILES[name])))


BAD_FILES = {
    "no mapping": "r: [a]",
    "unknown key": "r: {clutser: [all]}",
    "cluster as text": "r: {cluster: all}",
    "restriction": "r: {restriction: {workflows: [search_application_query]}}",
    "no privileges": "r: {indices: [{names: [a]}]}",
    "no names": "r: {indices: [{privileges: [read]}]}",
    "empty names": "r: {indices: [{names: [], privileges: [read]}]}",
    "indices as mapping": "r: {indices: {names: [a], privileges: [read]}}",
    "null indices": "r: {indices: }",
    "null privileges": "r: {indices: [{names: a, privileges: }]}",
    "empty privileges": "r: {indices: [{names: a, privileges: []}]}",
    "null field security": "r: {indices: [{names: a, privileges: [read], field_security: }]}",
    "empty field security": "r: {indices: [{names: a, privileges: [read], field_security: {}}]}",
    "null grant": "r: {indices: [{names: a, privileges: [read], field_security: {grant: }}]}",
    "flag as text": "r: {indices: [{names: a, privileges: [read], allow_restricted_indices: 'true'}]}",
    "null metadata": "r: {metadata: }",
    "null description": "r: {description: }",
    "null applications": "r: {applications: }",
    "unknown key of a grant": "r: {indices: [{names: [a], privileges: [read], feilds: [x]}]}",
    "unknown key of fields": "r: {indices: [{names: [a], privileges: [read], field_security: {grnat: [x]}}]}",
    "application without resources": "r: {applications: [{application: a, privileges: [read]}]}",
    "metadata as text": "r: {metadata: a}",
    "remote without clusters": "r: {remote_indices: [{names: [b], privileges: [read]}]}",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_role_files_that_elasticsearch_refuses_are_refused(model: Model, name: str) -> None:
    with pytest.raises(Refused):
        model.ask("role-file", BAD_FILES[name])
    assert read_roles(BAD_FILES[name], "f")[1]


def test_fields_excepted_must_be_granted(model: Model) -> None:
    file = "r: {indices: [{names: [a], privileges: [read], field_security: {grant: [b], except: [c]}}]}"
    with pytest.raises(Refused, match="must be a subset"):
        model.ask("held", file, ["a"], ["read"], "false")
    assert read_roles(file, "f")[1]
