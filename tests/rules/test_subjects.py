"""Which identity is asked what."""

from dataclasses import replace

import pytest

from proxy.model import Identity, Owner, OwnerKind
from proxy.privileges import Asked, AskedIndex, IndexGrant, Role, check
from proxy.rules.compiled import Origin, SubjectKind, Trusted
from proxy.rules.subjects import Subject, Subjects, asked_of, is_trusted, source_names, subjects_of
from tests.rules.samples import BOB, KEY, KIBANA, OWNER, SERVICE, job, rules

CALLER, SECONDARY, THE_OWNER = Subject
DATA, ALSO_OWNER = SubjectKind.DATA, SubjectKind.OWNER


@pytest.mark.parametrize(
    ("caller", "trusted"),
    [
        (KIBANA, True),
        (SERVICE, True),
        (replace(KIBANA, authentication_type="token"), True),
        (BOB, False),
        # A user of the same name in another realm, or in a realm that was given the other's name.
        (replace(KIBANA, realm="file1", lookup_realm="file1"), False),
        (replace(KIBANA, realm_type="ldap"), False),
        (replace(SERVICE, realm="file1", realm_type="file"), False),
        # Somebody else's credentials, run as the trusted user; also where both are of one realm.
        (replace(KIBANA, realm="file1", realm_type="file", lookup_realm="reserved"), False),
        (replace(KIBANA, asked_to_run_as=True), False),
        # A key that the trusted user made, or that claims to be of its realm.
        (replace(KEY, username="kibana_system"), False),
        (replace(KIBANA, api_key_id="k", authentication_type="api_key"), False),
        (replace(KIBANA, api_key_id="k"), False),
        (replace(KIBANA, authentication_type="anonymous"), False),
        (replace(KIBANA, authentication_type="internal"), False),
        (replace(KIBANA, username="Kibana_system"), False),
    ],
)
def test_trust_is_by_name_and_realm_in_person(caller: Identity, trusted: bool) -> None:
    assert is_trusted(rules(), caller) is trusted


def test_a_named_realm_is_trusted_by_its_name() -> None:
    portal = rules(trusted=(Trusted("bob", "file1", Origin("r.yml", 1)),))
    assert is_trusted(portal, BOB)
    assert not is_trusted(portal, KIBANA)
    assert not is_trusted(rules(trusted=()), KIBANA)


@pytest.mark.parametrize(
    ("kinds", "caller", "secondary", "data", "asked"),
    [
        ((DATA,), BOB, None, CALLER, (CALLER,)),
        ((DATA,), BOB, KEY, SECONDARY, (SECONDARY,)),
        ((DATA,), KIBANA, None, THE_OWNER, (THE_OWNER,)),
        ((DATA,), SERVICE, BOB, SECONDARY, (SECONDARY,)),
        ((DATA, ALSO_OWNER), BOB, None, CALLER, (CALLER, THE_OWNER)),
        ((DATA, ALSO_OWNER), BOB, KEY, SECONDARY, (SECONDARY, THE_OWNER)),
        ((DATA, ALSO_OWNER), KIBANA, None, THE_OWNER, (THE_OWNER,)),
        ((ALSO_OWNER,), BOB, None, THE_OWNER, (THE_OWNER,)),
        ((ALSO_OWNER,), BOB, KEY, THE_OWNER, (THE_OWNER,)),
    ],
)
def test_who_is_asked(
    kinds: tuple[SubjectKind, ...],
    caller: Identity,
    secondary: Identity | None,
    data: Subject,
    asked: tuple[Subject, ...],
) -> None:
    found = subjects_of(rules(*kinds), caller, secondary, OWNER)
    assert found == Subjects(data=data, asked=asked, intermediary=caller is not BOB, owner=OwnerKind.ROLES)


def test_an_owner_who_is_not_named_is_asked_all_the_same() -> None:
    found = subjects_of(rules(), KIBANA, None, Owner(kind=OwnerKind.UNKNOWN))
    assert found.asked == (THE_OWNER,)
    assert found.owner is OwnerKind.UNKNOWN


def test_cluster_privileges_are_always_the_callers() -> None:
    index = (
        AskedIndex(names=("src",), privileges=("read", "view_index_metadata")),
        AskedIndex(names=("dest",), privileges=("read", "create_index", "manage", "index")),
    )
    one = Subjects(data=CALLER, asked=(CALLER,), intermediary=False)
    assert asked_of(rules(), job(), one) == {CALLER: Asked(cluster=("manage_ml",), index=index)}
    two = Subjects(data=SECONDARY, asked=(SECONDARY, THE_OWNER), intermediary=False)
    assert asked_of(rules(), job(), two) == {
        CALLER: Asked(cluster=("manage_ml",)),
        SECONDARY: Asked(index=index),
        THE_OWNER: Asked(index=index),
    }


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (("a", "b*"), ("a", "b*")),
        (("a", "a"), ("a",)),
        (("logs-*", "-logs-old*"), ("logs-*",)),
        (("_all",), ("*",)),
        (("<logs-{now/d}>",), ("<logs-{now/d}>",)),
        (("remote:a",), ("remote:a",)),
        (("-a",), ()),
        (("logs-*,secret", "secret,,-x"), ("logs-*", "secret")),
        ((",",), ()),
    ],
)
def test_source_expressions_are_asked_about_verbatim(sources: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert source_names(job(*sources)) == names


def test_without_any_source_only_the_destination_is_asked_about() -> None:
    one = Subjects(data=CALLER, asked=(CALLER,), intermediary=False)
    assert [entry.names for entry in asked_of(rules(), job("-a"), one)[CALLER].index] == [("dest",)]


def test_who_is_not_the_owner_is_asked_about_system_indices_that_a_pattern_reaches_for() -> None:
    """The job reads as its owner, who may see them; whoever may read `*` would else have them copied."""
    both = Subjects(data=CALLER, asked=(CALLER, THE_OWNER), intermediary=False)
    asked = asked_of(rules(), job("logs-*", ".*", ".alerts-*"), both)
    assert [(one.names, one.allow_restricted) for one in asked[CALLER].index] == [
        (("logs-*", ".alerts-*"), False),
        ((".*",), True),
        (("dest",), False),
    ]
    assert [(one.names, one.allow_restricted) for one in asked[THE_OWNER].index] == [
        (("logs-*", ".*", ".alerts-*"), False),
        (("dest",), False),
    ]


@pytest.mark.parametrize("allowed", [False, True])
def test_a_grant_on_everything_does_not_reach_system_indices_by_itself(*, allowed: bool) -> None:
    grant = IndexGrant(names=("*",), privileges=("all",), allow_restricted=allowed)
    one = Subjects(data=CALLER, asked=(CALLER,), intermediary=False)
    held = check([Role(name="all", indices=(grant,))], asked_of(rules(), job(".*"), one)[CALLER])
    assert held.index[".*"] == {"read": allowed, "view_index_metadata": allowed}
