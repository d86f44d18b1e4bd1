"""Whole rule files: keys, values, defaults, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.privileges.names import union_of_cluster, union_of_index
from proxy.privileges.patterns import included
from proxy.rules.compiled import CreateAs, OnRefusedStart, Origin, Rules, SubjectKind, Trusted
from proxy.rules.schema import compile_rules
from proxy.rules.source import Node, read
from tests.rules.samples import VALID


def compiled(*texts: str) -> tuple[Rules | None, list[str]]:
    """Rules and faults of the files a.yml, b.yml, … of these texts."""
    roots: dict[str, Node] = {}
    for number, text in enumerate(texts):
        name = f"{chr(ord('a') + number)}.yml"
        root, faults = read(text, name)
        assert root is not None
        assert not faults
        roots[name] = root
    rules, found = compile_rules(roots, draft=True)
    return rules, [str(fault) for fault in found]


def valid(more: str) -> Rules:
    """The rules of a valid file with more in its section."""
    rules, faults = compiled(VALID + more)
    assert not faults
    assert rules is not None
    return rules


def test_defaults() -> None:
    rules = valid("")
    assert rules.subjects == (SubjectKind.DATA,)
    assert rules.create_as is CreateAs.AUTO
    assert rules.on_refused_start is OnRefusedStart.REMOVE
    assert rules.files == ("a.yml",)
    section = Origin("a.yml", 2)
    assert rules.trusted == (
        Trusted("kibana_system", "reserved", section, "reserved"),
        Trusted("elastic/kibana", "_service_account", section, "_service_account"),
    )


def test_every_key() -> None:
    rules = valid(
        "  authority: cluster\n"
        "  subjects: [owner, data]\n"
        "  trusted_intermediaries:\n"
        "    - kibana_system\n"
        "    - {username: portal, realm: file1}\n"
        "  destination: {create_as: service, on_refused_start: keep}\n"
    )
    assert rules.subjects == (SubjectKind.DATA, SubjectKind.OWNER)
    assert rules.create_as is CreateAs.SERVICE
    assert rules.on_refused_start is OnRefusedStart.KEEP
    assert rules.trusted == (
        Trusted("kibana_system", "reserved", Origin("a.yml", 10), "reserved"),
        Trusted("portal", "file1", Origin("a.yml", 11)),
    )


def test_nobody_may_be_trusted() -> None:
    assert valid("  trusted_intermediaries: []\n").trusted == ()


def test_only_the_owner_may_be_asked() -> None:
    assert valid("  subjects: [owner]\n").subjects == (SubjectKind.OWNER,)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            "  destination: {settings: []}\n",
            "a.yml:7:27: `settings` must be a mapping of index patterns, each with its settings",
        ),
        (
            "  authority: roles\n",
            "a.yml:7:14: `authority: roles` needs role files: name them under `roles`, at the top of a rule file",
        ),
        (
            "  authority: cluser\n",
            "a.yml:7:14: `cluser` is not a value of `authority` (did you mean 'cluster'?); allowed: `cluster`, "
            "`roles`, `both`",
        ),
        (
            "roles: [roles.yml]\n",
            "a.yml:7:1: `roles` has no use: under `authority: cluster` nobody asks role files; write `roles` or `both`",
        ),
        (
            "  subject: [data]\n",
            "a.yml:7:3: unknown key `subject` (did you mean 'subjects'?); allowed: `require`, `authority`, `subjects`, "
            "`trusted_intermediaries`, `destination`, `flows`, `guards`",
        ),
        ("  subjects: []\n", "a.yml:7:13: `subjects` is empty, so nobody would be asked for index privileges"),
        ("  subjects: [data, data]\n", "a.yml:7:20: `data` is there twice"),
        (
            "  subjects: [caller]\n",
            "a.yml:7:14: `caller` is not a value of `subjects`; allowed: `data`, `owner`",
        ),
        ("  subjects: data\n", "a.yml:7:13: `subjects` must be a list, such as [a, b]"),
        (
            "  destination: {create_as: owner}\n",
            "a.yml:7:28: `owner` is not a value of `create_as`; allowed: `auto`, `caller`, `service`",
        ),
        (
            "  destination: {on_refused_start: no}\n",
            "a.yml:7:35: `on_refused_start` takes text, but YAML reads `no` as bool; put it in quotes",
        ),
        (
            "  destination:\n",
            "a.yml:7:15: `destination` must be a mapping with the keys `create_as`, `on_refused_start`, `settings`",
        ),
        (
            "  trusted_intermediaries: [kibana]\n",
            "a.yml:7:28: `kibana` needs its realm beside it, as users of that name may be in several realms: "
            "{username: kibana, realm: …} (did you mean 'kibana_system'?); "
            "by name alone: `kibana_system`, `elastic/kibana`",
        ),
        (
            "  trusted_intermediaries: kibana_system\n",
            "a.yml:7:27: `trusted_intermediaries` must be a list, such as [a, b]",
        ),
        (
            "  trusted_intermediaries: [{username: a}]\n",
            "a.yml:7:28: `realm` is missing: an intermediary is trusted by user name and realm",
        ),
        (
            "  trusted_intermediaries: [{username: a, realm: b, role: c}]\n",
            "a.yml:7:52: unknown key `role`; allowed: `username`, `realm`",
        ),
        (
            "  trusted_intermediaries: [{username: 1, realm: b}]\n",
            "a.yml:7:39: `username` takes text, but YAML reads `1` as int; put it in quotes",
        ),
        (
            "  trusted_intermediaries: [[a]]\n",
            "a.yml:7:28: `trusted_intermediaries` takes text here, not a list",
        ),
        (
            "  trusted_intermediaries: [kibana_system, {username: kibana_system, realm: reserved}]\n",
            "a.yml:7:43: `kibana_system` of the realm `reserved` is there twice",
        ),
    ],
)
def test_faults(more: str, fault: str) -> None:
    assert compiled(VALID + more) == (None, [fault])


KEYS = "`version`, `seal`, `start_data_frame_analytics`, `roles`, `role_mappings`, `break_glass`"
NOTHING_SAID = "a.yml:1:1: no rule file has `start_data_frame_analytics`: nothing says what a start requires"


@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        (
            ["[a]\n"],
            ["a.yml:1:1: a rule file is a mapping with the keys " + KEYS, NOTHING_SAID],
        ),
        (["version: 1\n"], [NOTHING_SAID]),
        ([VALID.replace("version: 1", "version: 2")], ["a.yml:1:10: `version` must be the number 1"]),
        ([VALID.replace("version: 1", "version: '1'")], ["a.yml:1:10: `version` must be the number 1"]),
        ([VALID.replace("version: 1", "version: [1]")], ["a.yml:1:10: `version` must be the number 1"]),
        (
            [VALID.replace("version: 1\n", "")],
            ["a.yml:1:1: `version` is missing; this version of Startgate reads `version: 1`"],
        ),
        (
            [VALID, "version: 1\n", VALID],
            ["c.yml:3:3: `require` is there more than once; the first is in a.yml:3"],
        ),
        (
            ["version: 1\nstart_data_frame_analytics:\n"],
            [
                "a.yml:2:28: `start_data_frame_analytics` must be a mapping with the keys `require`, `authority`, "
                "`subjects`, `trusted_intermediaries`, `destination`, `flows`, `guards`",
                "a.yml:2:1: `require` is missing; it lists the privileges for `cluster`, `source`, `destination`",
            ],
        ),
    ],
)
def test_faults_of_whole_files(texts: list[str], faults: list[str]) -> None:
    assert compiled(*texts) == (None, faults)


def test_what_is_missing_may_be_in_a_file_that_could_not_be_read() -> None:
    root, _ = read("version: 1\n", "a.yml")
    assert root is not None
    assert compile_rules({"a.yml": root}, complete=False) == (None, ())


def test_several_files_make_one_set() -> None:
    rules, faults = compiled("version: 1\n", VALID)
    assert not faults
    assert rules is not None
    assert rules.files == ("a.yml", "b.yml")
    assert rules.cluster[0].origin == Origin("b.yml", 4)


SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "rules" / "start.yml").read_text())


def without(tree: Any, path: tuple[Any, ...]) -> Any:
    """A copy of a tree without the node at a path."""
    head, *rest = path
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if rest:
        copy[head] = without(copy[head], tuple(rest))
    else:
        del copy[head]
    return copy


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a tree with another node at a path."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


def paths(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all nodes below the root."""
    pairs = list(tree.items() if isinstance(tree, dict) else enumerate(tree)) if isinstance(tree, dict | list) else []
    return [path for key, value in pairs for path in ((*at, key), *paths(value, (*at, key)))]


def never_weaker(text: str) -> None:
    """The rules of a text, if it is valid, let no start through that the shipped rules stop."""
    root, faults = read(text, "x.yml")
    rules, more = compile_rules({"x.yml": root}) if root is not None and not faults else (None, faults)
    if rules is None:
        assert faults or more
        return
    shipped, _ = compile_rules({"y.yml": shipped_tree()})
    assert shipped is not None
    for union, mine, theirs in (
        (union_of_cluster, rules.cluster, shipped.cluster),
        (union_of_index, rules.source, shipped.source),
        (union_of_index, rules.destination, shipped.destination),
    ):
        wanted = union(item.privilege for item in theirs)
        assert included(wanted, union(item.privilege for item in mine))
    names = {(item.username, item.realm, item.realm_type) for item in rules.trusted}
    assert names <= {(item.username, item.realm, item.realm_type) for item in shipped.trusted}
    assert rules.subjects


def shipped_tree() -> Node:
    """The tree of the shipped rules."""
    root, faults = read(yaml.safe_dump(SHIPPED), "y.yml")
    assert root is not None
    assert not faults
    return root


@pytest.mark.parametrize("path", paths(SHIPPED), ids=str)
def test_no_node_of_the_shipped_rules_can_be_lost_without_notice(path: tuple[Any, ...]) -> None:
    never_weaker(yaml.safe_dump(without(SHIPPED, path)))


SMALL = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from(["", "none", "x", "data", "read", "kibana"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "require"]), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(st.sampled_from(paths(SHIPPED)), SMALL)
def test_no_node_of_the_shipped_rules_can_be_spoilt_to_allow_more(path: tuple[Any, ...], value: object) -> None:
    never_weaker(yaml.safe_dump(replaced(SHIPPED, path, value)))
