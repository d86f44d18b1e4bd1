"""Role files and mappings: who has which roles of the role files."""

import pytest

from proxy.rules.compiled import Authority, Origin, RoleMapping
from proxy.rules.mappings import role_paths
from proxy.rules.schema import RoleFiles, compile_rules
from proxy.rules.source import read
from tests.rules.samples import VALID
from tests.rules.texts import RICH, compiled, valid

BASE = VALID + "  authority: roles\nroles: [roles.yml]\n"


def test_mappings_are_read_in_their_order() -> None:
    rules = valid(RICH)
    assert rules.authority is Authority.BOTH
    assert set(rules.roles) == {"ml_reader", "ml_writer"}
    assert rules.role_mappings[0] == RoleMapping(
        grants=("ml_reader",), users=("anna",), roles=None, realms=("file1",), api_keys=None, origin=Origin("a.yml", 38)
    )
    assert rules.role_mappings[2].api_keys == ("nightly-?",)


def test_roles_without_mappings_belong_to_who_has_them_in_the_cluster() -> None:
    assert valid(BASE).role_mappings == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "[{grants: [ml_reader]}]",
            "9:17: this would give the roles to everybody; say who, by `users`, `roles`, `realms` or `api_keys`",
        ),
        (
            "[{grants: [ml_reader], roles: [a], api_keys: [k]}]",
            "9:51: anybody may give an API key this name; say whose keys are meant, by `users`",
        ),
        ("[{users: [a]}]", "9:17: `grants` is missing: the roles that the mapping gives"),
        (
            "[{grants: [ml_raeder], users: [a]}]",
            "9:27: no role file defines the role `ml_raeder` (did you mean 'ml_reader'?)",
        ),
        ("[{grants: [ml_reader, ml_reader], users: [a]}]", "9:38: `ml_reader` is there twice"),
        (
            "[{grants: [], users: [a]}]",
            "9:26: `grants` is empty; name at least one, or leave the key out where it may be",
        ),
        (
            "[{grants: [ml_reader], users: []}]",
            "9:46: `users` is empty; name at least one, or leave the key out where it may be",
        ),
        ("[{grants: [ml_reader], users: ['']}]", "9:47: `users` takes text, not an empty one"),
        ("[{grants: [ml_reader], users: [a*, ab]}]", "9:51: `ab` is covered by `a*` beside it; remove it"),
        (
            "[{grants: [ml_reader], users: [ab]}, {grants: [ml_reader, ml_writer], users: [a*]}]",
            "9:17: the mapping in a.yml:9 gives all of this to all of these; remove it",
        ),
        (
            "[{grants: [ml_reader], users: [a]}, {grants: [ml_reader], users: [a], realms: [b]}]",
            "9:52: the mapping in a.yml:9 gives all of this to all of these; remove it",
        ),
        (
            "[{grants: [ml_reader], users: [a]}, {grants: [ml_reader], users: [a]}]",
            "9:52: the mapping in a.yml:9 gives all of this to all of these; remove it",
        ),
        ("[a]", "9:17: an item of `role_mappings` is a mapping with the keys `grants`, `users`, `roles`, `realms`, "
                "`api_keys`"),
    ],
)  # fmt: skip
def test_faults(text: str, fault: str) -> None:
    assert compiled(BASE + f"role_mappings: {text}\n") == (None, [f"a.yml:{fault}"])


def test_each_fault_is_told_once_and_the_first_ends_nothing() -> None:
    wide = "{grants: [ml_reader], users: ['*']}, {grants: [ml_reader, ml_writer], users: ['*']}"
    covered = "gives all of this to all of these; remove it"
    assert compiled(BASE + f"role_mappings: [{wide}, {{grants: [ml_reader], users: [a]}}]\n") == (
        None,
        [f"a.yml:9:{column}: the mapping in a.yml:9 {covered}" for column in (17, 102)],
    )
    _, faults = compiled(BASE + "role_mappings: [a, {grants: [ml_reader]}]\n")
    assert [fault.split(":")[2] for fault in faults] == ["17", "20"]


@pytest.mark.parametrize(
    "text",
    [
        "[{grants: [ml_reader], users: [a]}, {grants: [ml_writer], users: [a]}]",
        "[{grants: [ml_reader], users: [a], realms: [b]}, {grants: [ml_reader], users: [a], realms: [c]}]",
        # Only the one with `api_keys` speaks of keys.
        "[{grants: [ml_reader], users: [a]}, {grants: [ml_reader], users: [a], api_keys: [k]}]",
    ],
)
def test_mappings_that_stand_beside_each_other(text: str) -> None:
    assert len(valid(BASE + f"role_mappings: {text}\n").role_mappings) == 2


def test_an_authority_needs_somebody_to_ask() -> None:
    message = "needs role files: name them under `roles`, at the top of a rule file"
    assert compiled(VALID + "  authority: both\n") == (None, [f"a.yml:7:14: `authority: both` {message}"])


def test_roles_that_nobody_asks_are_a_fault() -> None:
    _, faults = compiled(VALID + "roles: [roles.yml]\nrole_mappings: [{grants: [ml_reader], users: [a]}]\n")
    assert [fault.split(":", 3)[1] for fault in faults] == ["7", "8"]
    assert all("has no use: under `authority: cluster` nobody asks role files" in fault for fault in faults)


def test_roles_may_be_in_a_file_that_could_not_be_read() -> None:
    root, _ = read(BASE + "role_mappings: [{grants: [x], users: [a]}]\n", "a.yml")
    assert root is not None
    rules, faults = compile_rules({"a.yml": root}, role_files=RoleFiles(complete=False), draft=True)
    assert not faults
    assert rules is not None


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("roles: [a.yml, b/c.yml]\n", ["a.yml", "b/c.yml"]),
        ("roles: a.yml\n", []),
        ("roles: [[a], 1, x]\n", ["x"]),
        ("version: 1\n", []),
        ("other: [a.yml]\nroles: [b.yml]\nrole: [c.yml]\n", ["b.yml"]),
        ("[roles]\n", []),
    ],
)
def test_the_files_that_a_file_names(text: str, paths: list[str]) -> None:
    root, _ = read(text, "a.yml")
    assert root is not None
    assert [scalar.text for scalar in role_paths(root)] == paths


def test_mappings_and_role_files_count_for_revision_and_seal() -> None:
    rules = valid(RICH)
    other = valid(RICH.replace("users: [anna]", "users: [ben]"))
    assert (rules.revision == other.revision, rules.seal == other.seal) == (False, False)
    renamed = compiled(RICH)[0]
    assert renamed is not None
    assert renamed.seal == rules.seal
