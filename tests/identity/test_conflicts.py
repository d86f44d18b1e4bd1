"""Rules that do not go with an identity of our own."""

import dataclasses
from pathlib import Path

import pytest

from proxy.identity.conflicts import identity_conflicts
from proxy.rules.compiled import Authority
from proxy.rules.load import load
from proxy.settings import IdentitySettings

RULES = load(Path(__file__).parents[2] / "rules" / "start.yml")
OWN = IdentitySettings(users_file="users")


@pytest.mark.parametrize("authority", Authority)
def test_only_role_files_go_with_it(authority: Authority) -> None:
    rules = dataclasses.replace(RULES, authority=authority)
    assert identity_conflicts(None, rules) == []
    faults = identity_conflicts(OWN, rules)
    assert bool(faults) is (authority is not Authority.ROLES)
    for fault in faults:
        assert fault.where == RULES.files[-1]
        assert f"authority is {authority}" in fault.message
        assert "authority: roles" in fault.message
