"""Who somebody is and what is held, as the cluster tells; who cannot be judged is refused with the way out."""

import json
from typing import Any

import pytest

from proxy.cluster.security import NO_SECURITY, grants, held, identify
from proxy.cluster.transport import in_pieces
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.model import Credential, Identity, Owner, OwnerKind
from proxy.privileges import Asked, AskedIndex, Held
from tests.cluster.nodes import ANN, node, refusal, reply, transport

WHO = "GET /_security/_authenticate"
HOLDS = "POST /_security/user/_has_privileges"
SERVICE = Credential(whose="service", headers=(("authorization", "ApiKey s"),))
# What a name is not.
NO_TEXTS: tuple[object, ...] = (None, 5, True, ["ann"], {})
ANSWER = {
    "username": "ann",
    "roles": ["analyst"],
    "enabled": True,
    "authentication_realm": {"name": "native1", "type": "native"},
    "lookup_realm": {"name": "native1", "type": "native"},
    "authentication_type": "realm",
}
ANALYST = {"cluster": [], "indices": [{"names": ["flights"], "privileges": ["read"]}], "run_as": []}


async def who(answer: bytes, credential: Credential = ANN) -> Identity:
    async with node({WHO: answer}) as one, transport(one.url) as opened:
        return await identify(opened, credential)


async def test_somebody_is_who_the_cluster_says() -> None:
    assert await who(reply(200, ANSWER)) == Identity(
        username="ann", roles=("analyst",), realm="native1", realm_type="native", lookup_realm="native1"
    )


async def test_api_keys_tokens_and_run_as_are_told() -> None:
    told = await who(
        reply(
            200,
            ANSWER
            | {
                "roles": [],
                "authentication_realm": {"name": "_es_api_key", "type": "_es_api_key"},
                "authentication_type": "api_key",
                "api_key": {"id": "k", "name": "n"},
            },
        )
    )
    assert (told.api_key_id, told.api_key_name, told.authentication_type) == ("k", "n", "api_key")
    assert told.runs_as


async def test_asking_to_run_as_is_told_by_the_request() -> None:
    asking = Credential(whose="caller", headers=(("authorization", "Basic a"), ("es-security-runas-user", "b")))
    assert (await who(reply(200, ANSWER), asking)).asked_to_run_as
    assert not (await who(reply(200, ANSWER))).asked_to_run_as


async def test_an_old_cluster_has_only_realms() -> None:
    answer = {key: value for key, value in ANSWER.items() if key != "authentication_type"}
    assert (await who(reply(200, answer))).authentication_type == "realm"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_passed_on_with_its_challenge(status: int) -> None:
    answer = reply(
        status, json.loads(refusal(status, reason="why").partition(b"\r\n\r\n")[2]), ("WWW-Authenticate", "ApiKey")
    )
    with pytest.raises(PassedOn, match="why") as told:
        await who(answer)
    assert told.value.headers == (("WWW-Authenticate", "ApiKey"),)


@pytest.mark.parametrize("answer", [reply(400, {"error": "no handler"}), refusal(404), reply(405, {"error": "x"})])
async def test_a_cluster_without_security_refuses_everybody_with_the_way_out(answer: bytes) -> None:
    with pytest.raises(Refusal, match=r"the cluster has no security.*xpack\.security\.enabled") as told:
        await who(answer)
    assert told.value.status == 403


@pytest.mark.parametrize(
    "content",
    [
        *({}, [], None, "text"),
        *({**ANSWER, "roles": None}, {**ANSWER, "lookup_realm": None}, {**ANSWER, "api_key": [1]}),
        {key: value for key, value in ANSWER.items() if key != "username"},
        *({**ANSWER, "username": value} for value in NO_TEXTS),
        *({**ANSWER, "roles": [value]} for value in (None, 5, ["analyst"])),
        *({**ANSWER, "authentication_realm": {"name": 5, "type": "file"}}, {**ANSWER, "lookup_realm": {"name": None}}),
        *({**ANSWER, "authentication_realm": {"name": "a", "type": None}}, {**ANSWER, "authentication_type": 5}),
    ],
)
async def test_an_answer_that_names_nobody_is_no_answer(content: Any) -> None:
    with pytest.raises(ClusterUnreachable, match="the answer lacks"):
        await who(reply(200, content))


ASKED = Asked(
    cluster=("manage_ml",),
    index=(
        AskedIndex(names=("flights", "a*"), privileges=("read",)),
        AskedIndex(names=("out",), privileges=("index",), allow_restricted=True),
    ),
)


async def test_what_is_held_is_asked_with_the_subjects_own_credential() -> None:
    answer = {
        "username": "ann",
        "has_all_requested": False,
        "cluster": {"manage_ml": True, "monitor": False, "manage": "yes"},
        "index": {"flights": {"read": True}, "a*": {"read": False}, "out": {"index": "yes"}},
        "application": {},
    }
    async with node({HOLDS: reply(200, answer)}) as one, transport(one.url) as opened:
        assert await held(opened, ASKED, ANN) == Held(
            cluster={"manage_ml": True, "monitor": False, "manage": False},
            index={"flights": {"read": True}, "a*": {"read": False}, "out": {"index": False}},
        )
        (seen,) = one.seen
    assert seen.header("authorization") == "Basic YW5u"
    assert json.loads(seen.body) == {
        "cluster": ["manage_ml"],
        "index": [
            {"names": ["flights", "a*"], "privileges": ["read"], "allow_restricted_indices": False},
            {"names": ["out"], "privileges": ["index"], "allow_restricted_indices": True},
        ],
        "application": [],
    }


async def test_a_question_that_the_cluster_refuses_is_passed_on() -> None:
    async with node({HOLDS: refusal(400, reason="unknown index privilege [x]")}) as one, transport(one.url) as opened:
        with pytest.raises(PassedOn, match="unknown index privilege"):
            await held(opened, ASKED, ANN)


@pytest.mark.parametrize(
    "content", [{}, [], {"cluster": {}}, {"cluster": [], "index": {}}, {"cluster": {}, "index": {"a": []}}, "x"]
)
async def test_an_answer_that_tells_nothing_is_no_answer(content: Any) -> None:
    async with node({HOLDS: reply(200, content)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match="the answer lacks"):
            await held(opened, ASKED, ANN)


def owner(**fields: Any) -> Owner:
    kinds = {"roles": OwnerKind.ROLES, "api_key_id": OwnerKind.API_KEY, "service_account": OwnerKind.SERVICE_ACCOUNT}
    kind = next((kinds[name] for name in fields if name in kinds), OwnerKind.UNKNOWN)
    return Owner(kind=kind, **fields)


async def looked_up(whose: Owner, script: dict[str, bytes], service: Credential | None = SERVICE) -> Any:
    async with node(script) as one, transport(one.url) as opened:
        try:
            return await grants(opened, whose, service)
        finally:
            assert {seen.header("authorization") for seen in one.seen} <= {"ApiKey s"}


async def denied(whose: Owner, script: dict[str, bytes], service: Credential | None = SERVICE) -> str:
    with pytest.raises(Refusal) as told:
        await looked_up(whose, script, service)
    assert (told.value.status, told.value.type) == (403, "security_exception")
    assert not isinstance(told.value, PassedOn)
    return told.value.reason


async def test_without_a_service_nobody_is_looked_up() -> None:
    assert "cluster.service" in await denied(owner(roles=("a",)), {}, None)


async def test_an_owner_that_is_not_told_is_denied_with_the_way_out() -> None:
    assert "secondary authorization headers" in await denied(owner(), {})


ROLES = "GET /_security/role/analyst,other"
TWO = owner(roles=("analyst", "other"))


async def test_roles_are_looked_up() -> None:
    found = await looked_up(TWO, {ROLES: reply(200, {"other": {}, "analyst": ANALYST})})
    assert [role.name for role in found.roles] == ["analyst", "other"]
    assert found.roles[0].indices[0].names == ("flights",)
    assert found.limited_by is None


async def test_more_roles_than_fit_a_request_line_are_looked_up_in_pieces() -> None:
    names = tuple(f"a-role-with-quite-a-long-name-{number:03d}" for number in range(200))
    script = {
        f"GET /_security/role/{','.join(piece)}": reply(200, dict.fromkeys(piece, ANALYST))
        for piece in in_pieces(names)
    }
    assert len(script) > 1
    assert max(map(len, script)) < 4_000
    found = await looked_up(owner(roles=names), script)
    assert tuple(role.name for role in found.roles) == names


async def test_an_owner_without_roles_holds_nothing() -> None:
    assert (await looked_up(owner(roles=()), {})).roles == ()


@pytest.mark.parametrize("answer", [refusal(404), reply(404, {}), reply(200, {"analyst": ANALYST})])
async def test_a_role_that_is_gone_denies(answer: bytes) -> None:
    assert "roles that do not exist any more: [" in await denied(TWO, {ROLES: answer})
    assert "other" in await denied(TWO, {ROLES: answer})


@pytest.mark.parametrize(
    "content",
    [[], "x", ["analyst", "other"], {"analyst": 1, "other": {}}, {"analyst": {"indices": 1}, "other": {}},
     {"analyst": {"indices": [{"names": [1]}]}, "other": {}}],
)  # fmt: skip
async def test_roles_that_are_not_understood_deny(content: Any) -> None:
    await denied(TWO, {ROLES: reply(200, content)})


async def test_a_service_that_may_not_look_denies_with_what_it_was_told() -> None:
    told = await denied(TWO, {ROLES: refusal(403, reason="action [role/get] is unauthorized")})
    assert told == "the service credential could not look the job's owner up: action [role/get] is unauthorized"


async def test_a_cluster_that_does_not_answer_denies_nobody() -> None:
    with pytest.raises(ClusterUnreachable):
        await looked_up(TWO, {ROLES: refusal(500)})


KEYS = "GET /_security/api_key"
KEY = {
    "id": "k",
    "name": "n",
    "invalidated": False,
    "role_descriptors": {"mine": ANALYST},
    "limited_by": [{"analyst": ANALYST, "more": {}}],
}


async def test_api_keys_are_looked_up_with_their_limits() -> None:
    async with node({KEYS: reply(200, {"api_keys": [KEY | {"id": "x"}, KEY]})}) as one, transport(one.url) as opened:
        found = await grants(opened, owner(api_key_id="k"), SERVICE)
        assert one.seen[0].line == "GET /_security/api_key?id=k&with_limited_by=true HTTP/1.1"
    assert [role.name for role in found.roles] == ["mine"]
    assert [role.name for role in found.limited_by or ()] == ["analyst", "more"]


async def test_a_key_that_has_not_expired_yet_is_good() -> None:
    answer = reply(200, {"api_keys": [KEY | {"expiration": 99_999_999_999_999}]})
    assert (await looked_up(owner(api_key_id="k"), {KEYS: answer})).roles


async def test_a_key_without_roles_of_its_own_has_its_makers() -> None:
    found = await looked_up(owner(api_key_id="k"), {KEYS: reply(200, {"api_keys": [KEY | {"role_descriptors": {}}]})})
    assert found.roles == found.limited_by


async def test_a_key_that_expires_in_time_to_come_is_good() -> None:
    lasting = KEY | {"expiration": 32_503_680_000_000}
    found = await looked_up(owner(api_key_id="k"), {KEYS: reply(200, {"api_keys": [lasting]})})
    assert [role.name for role in found.roles] == ["mine"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refusal(404), "which is gone or invalidated"),
        (reply(200, {"api_keys": []}), "which is gone or invalidated"),
        (reply(200, {"api_keys": [KEY | {"invalidated": True}]}), "which is gone or invalidated"),
        (reply(200, {"api_keys": [KEY | {"expiration": 1_700_000_000_000}]}), "which has expired"),
        (reply(200, {"api_keys": [KEY | {"expiration": 1}]}), "which has expired"),
        (reply(200, {"api_keys": [KEY | {"expiration": "soon"}]}), "is not understood"),
        (reply(200, {"api_keys": [{"id": "k", "invalidated": False}]}), "before 8.5"),
        (reply(200, {"api_keys": [{**KEY, "limited_by": None}]}), "is not understood"),
        (reply(200, {}), "is not understood"),
        (reply(200, {"api_keys": [{}]}), "is not understood"),
        (refusal(403, reason="no"), "could not look the job's owner up: no"),
    ],
)
async def test_a_key_that_cannot_be_judged_denies(answer: bytes, why: str) -> None:
    assert why in await denied(owner(api_key_id="k"), {KEYS: answer})


ACCOUNT = "GET /_security/service/elastic/fleet-server"


async def test_service_accounts_are_looked_up() -> None:
    answer = reply(200, {"elastic/fleet-server": {"role_descriptor": ANALYST}})
    found = await looked_up(owner(service_account="elastic/fleet-server"), {ACCOUNT: answer})
    assert [role.name for role in found.roles] == ["elastic/fleet-server"]


@pytest.mark.parametrize("answer", [reply(200, {}), reply(200, []), refusal(404), refusal(403)])
async def test_a_service_account_that_is_not_told_denies(answer: bytes) -> None:
    await denied(owner(service_account="elastic/fleet-server"), {ACCOUNT: answer})


@pytest.mark.parametrize("realm", ["startgate_users", "startgate_certificates", "startgate_header"])
async def test_a_realm_of_the_cluster_cannot_pose_as_ours(realm: str) -> None:
    with pytest.raises(Refusal, match=rf"realm \[{realm}\].*Startgate's own") as told:
        await who(reply(200, ANSWER | {"authentication_realm": {"name": realm, "type": "native"}}))
    assert told.value.status == 403


def test_the_way_out_without_security_is_told() -> None:
    assert "identity in startgate.yml" in NO_SECURITY
    assert "authority: roles" in NO_SECURITY


@pytest.mark.parametrize("limits", [[], [{"analyst": ANALYST}, {"less": {}}]])
async def test_limits_that_would_bound_each_other_are_not_guessed_at(limits: list[Any]) -> None:
    """Joined they would allow more than each alone."""
    answer = reply(200, {"api_keys": [{**KEY, "limited_by": limits}]})
    assert "is not understood" in await denied(owner(api_key_id="k"), {KEYS: answer})


async def test_a_key_whose_maker_held_nothing_holds_nothing() -> None:
    answer = reply(200, {"api_keys": [{**KEY, "limited_by": [{}]}]})
    found = await looked_up(owner(api_key_id="k"), {KEYS: answer})
    assert found.limited_by == ()


async def test_a_key_that_is_bound_to_a_workflow_grants_nothing_here() -> None:
    bound = {"mine": ANALYST | {"restriction": {"workflows": ["search_application_query"]}}}
    found = await looked_up(
        owner(api_key_id="k"), {KEYS: reply(200, {"api_keys": [{**KEY, "role_descriptors": bound}]})}
    )
    assert found.roles[0].indices == ()


async def test_a_role_that_the_licence_switched_off_grants_nothing() -> None:
    answer = reply(200, {"analyst": ANALYST | {"transient_metadata": {"enabled": False}}, "other": {}})
    assert (await looked_up(TWO, {ROLES: answer})).roles[0].indices == ()
