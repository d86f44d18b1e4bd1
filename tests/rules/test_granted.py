"""Who has which roles of the role files, and what follows of them."""

from dataclasses import replace

import pytest

from proxy.model import Identity, Owner, OwnerKind
from proxy.privileges import FieldSecurity, Held, IndexGrant, Role
from proxy.rules.compiled import Authority, DefinedRole, Origin, RoleMapping, Rules, SubjectKind
from proxy.rules.evaluate import judge
from proxy.rules.granted import roles_of, speaks_of
from proxy.rules.situation import Unknown
from proxy.rules.subjects import Subject
from tests.rules.samples import BOB, KEY, KIBANA, SERVICE, granted, rules, situation

CALLER = Subject.CALLER
PLACE = Origin("r.yml", 30)
STARTER = Role(name="starter", cluster=("manage_ml",))
COPIER = Role(
    name="copier",
    indices=(
        IndexGrant(names=("src",), privileges=("read", "view_index_metadata")),
        IndexGrant(names=("dest",), privileges=("all",)),
    ),
)


def mapping(
    *grants: str,
    users: tuple[str, ...] | None = None,
    roles: tuple[str, ...] | None = None,
    realms: tuple[str, ...] | None = None,
    api_keys: tuple[str, ...] | None = None,
) -> RoleMapping:
    return RoleMapping(grants=grants, users=users, roles=roles, realms=realms, api_keys=api_keys, origin=PLACE)


def by_roles(*mappings: RoleMapping, authority: Authority = Authority.ROLES) -> Rules:
    found = {role.name: DefinedRole(role, PLACE) for role in (STARTER, COPIER)}
    return replace(rules(), authority=authority, roles=found, role_mappings=mappings)


def names(wanted: Rules, who: Identity) -> list[str]:
    found = roles_of(wanted, who)
    assert not isinstance(found, Unknown)
    return [role.name for role in found]


@pytest.mark.parametrize(
    ("one", "who", "has"),
    [
        (mapping("starter", users=("b?b",)), BOB, True),
        (mapping("starter", users=("ann", "/b.b/")), BOB, True),
        (mapping("starter", users=("ann",)), BOB, False),
        (mapping("starter", roles=("r1",)), BOB, True),
        (mapping("starter", roles=("r3",)), BOB, False),
        (mapping("starter", users=("bob",), realms=("file1",)), BOB, True),
        (mapping("starter", users=("bob",), realms=("native1",)), BOB, False),
        (mapping("starter", realms=("_service_account",)), SERVICE, True),
        (mapping("starter"), BOB, True),
        # A key of bob's is not bob.
        (mapping("starter", users=("bob",)), KEY, False),
        (mapping("starter"), KEY, False),
        (mapping("starter", api_keys=("nightly-*",), users=("bob",)), replace(KEY, api_key_name="nightly-1"), True),
        # Anybody may name a key so.
        (mapping("starter", api_keys=("nightly-*",)), replace(KEY, api_key_name="nightly-1"), False),
        (
            mapping("starter", api_keys=("*",), roles=("*",)),
            replace(KEY, api_key_name="nightly-1", roles=("r",)),
            False,
        ),
        (mapping("starter", api_keys=("nightly-*",), users=("ann",)), replace(KEY, api_key_name="nightly-1"), False),
        (mapping("starter", api_keys=("*",), users=("*",)), KEY, False),
        (mapping("starter", api_keys=("*",), users=("*",)), BOB, False),
    ],
)
def test_a_mapping_matches_by_every_kind_of_name_that_it_gives(one: RoleMapping, who: Identity, has: bool) -> None:
    assert names(by_roles(one), who) == (["starter"] if has else [])


def test_a_mapping_speaks_of_whom_it_gives_its_roles() -> None:
    assert speaks_of(mapping("starter", users=("bob",)), BOB)
    assert not speaks_of(mapping("starter", users=("ann",)), BOB)
    assert speaks_of(mapping("starter", roles=("r1",)), Owner(kind=OwnerKind.ROLES, roles=("r1",)))
    assert not speaks_of(mapping("starter"), Owner(kind=OwnerKind.UNKNOWN))


def test_whoever_is_run_as_counts_by_their_own_realm() -> None:
    run_as = replace(BOB, realm="native1", lookup_realm="ldap1")
    assert names(by_roles(mapping("starter", realms=("ldap1",))), run_as) == ["starter"]
    assert names(by_roles(mapping("starter", realms=("native1",))), run_as) == []


def test_roles_add_up_each_once() -> None:
    both = by_roles(mapping("copier", "starter", users=("bob",)), mapping("starter", roles=("r1",)))
    assert names(both, BOB) == ["copier", "starter"]


def test_without_mappings_roles_are_those_of_the_same_name() -> None:
    assert names(by_roles(), replace(BOB, roles=("starter", "other"))) == ["starter"]
    assert names(by_roles(mapping("copier", users=("ann",))), replace(BOB, roles=("starter",))) == []
    # A key's own descriptors have names that its maker chose.
    assert names(by_roles(), replace(KEY, api_key_name="k", roles=("starter",))) == []


def test_a_role_that_is_nowhere_denies() -> None:
    found = roles_of(by_roles(mapping("lost", "gone", users=("bob",))), BOB)
    assert found == Unknown("[lost, gone] is in no role file; name the file under `roles`")


@pytest.mark.parametrize(
    ("owner", "one", "has"),
    [
        (Owner(kind=OwnerKind.ROLES, roles=("starter",)), None, True),
        (Owner(kind=OwnerKind.ROLES, roles=("r1",)), mapping("starter", roles=("r1",)), True),
        (Owner(kind=OwnerKind.ROLES, roles=("r1",)), mapping("starter", users=("*",)), False),
        (Owner(kind=OwnerKind.ROLES, roles=("r1",)), mapping("starter", realms=("*",)), False),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n"), mapping("starter", api_keys=("n",)), False),
        (
            Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n"),
            mapping("starter", api_keys=("n",), users=("*",)),
            False,
        ),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k"), mapping("starter", api_keys=("*",)), False),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n"), mapping("starter"), False),
        (
            Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/x"),
            mapping("starter", users=("elastic/x",), realms=("_service_account",)),
            True,
        ),
    ],
)
def test_the_owner_has_no_user_name_but_roles_or_a_key(owner: Owner, one: RoleMapping | None, has: bool) -> None:
    wanted = by_roles() if one is None else by_roles(one)
    assert roles_of(wanted, owner) == ((STARTER,) if has else ())


def test_nobody_has_no_roles() -> None:
    assert isinstance(roles_of(by_roles(), Owner(kind=OwnerKind.UNKNOWN)), Unknown)
    assert isinstance(roles_of(by_roles(), None), Unknown)
    assert roles_of(by_roles(), BOB) == ()


@pytest.mark.parametrize(
    "part",
    [
        IndexGrant(names=("src",), privileges=("all",), query='{"term": {"public": true}}'),
        IndexGrant(names=("src",), privileges=("all",), field_security=FieldSecurity(("a",), ())),
    ],
)
def test_a_grant_of_some_documents_or_fields_counts_for_nothing(part: IndexGrant) -> None:
    """A job copies all of them, and no role file keeps it from that."""
    roles = {"copier": DefinedRole(replace(COPIER, indices=(part, COPIER.indices[1])), PLACE)}
    wanted = replace(by_roles(), roles={**by_roles().roles, **roles})
    verdict = judge(wanted, situation(by=replace(BOB, roles=("starter", "copier"))))
    assert {reason.index for reason in verdict.reasons} == {"src"}


EVERYTHING = mapping("starter", "copier", users=("bob",))


def test_role_files_alone_may_decide() -> None:
    assert judge(by_roles(EVERYTHING), situation()).allowed
    verdict = judge(by_roles(mapping("copier", users=("bob",))), situation())
    (reason,) = verdict.reasons
    assert reason.text == "the caller lacks the cluster privilege [manage_ml] in the role files"
    assert reason.by == (Authority.ROLES,)


def test_what_the_cluster_holds_does_not_count_then() -> None:
    everything = granted(rules(), situation())
    assert len(judge(by_roles(), situation(held=everything)).reasons) == 7


def test_both_must_say_yes() -> None:
    both = by_roles(EVERYTHING, authority=Authority.BOTH)
    everything = granted(both, situation())
    assert judge(both, situation(held=everything)).allowed
    assert not judge(both, situation()).allowed
    without = judge(by_roles(mapping("starter", users=("bob",)), authority=Authority.BOTH), situation(held=everything))
    assert {reason.by for reason in without.reasons} == {(Authority.ROLES,)}
    nothing = judge(both, situation(held={CALLER: Held()}))
    assert {reason.by for reason in nothing.reasons} == {(Authority.CLUSTER,)}
    neither = judge(by_roles(authority=Authority.BOTH), situation(held={CALLER: Held()}))
    assert neither.reasons[0].text.endswith("[manage_ml] in the cluster and in the role files")
    assert neither.steps[-1].seen == {"privilege": "index", "index": "dest", "cluster": False, "roles": False}


def test_an_answer_that_is_missing_denies_though_the_other_says_yes() -> None:
    both = by_roles(EVERYTHING, authority=Authority.BOTH)
    (reason,) = judge(both, situation(held={CALLER: Unknown("down")})).reasons
    assert reason.text == "the privileges of the caller are not known: down"


def test_patterns_that_cannot_be_compared_deny() -> None:
    odd = by_roles(mapping("starter", users=("/b(/",)))
    (reason,) = judge(odd, situation()).reasons
    assert "the role files cannot be judged exactly" in reason.text


def test_the_owner_is_asked_in_the_role_files_too() -> None:
    wanted = replace(
        by_roles(mapping("starter", users=("kibana_system",)), mapping("copier", roles=("r1",))),
        subjects=(SubjectKind.DATA,),
    )
    assert judge(wanted, situation(by=KIBANA)).allowed
