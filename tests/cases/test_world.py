"""The cluster, journal and clock of a case."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from proxy.cases.world import CaseClock, CaseCluster, CaseJournal, authorization
from proxy.errors import PassedOn, Refusal
from proxy.model import Credential, Owner, OwnerKind
from proxy.privileges import Asked, AskedIndex
from proxy.rules.situation import RunningJob, SourceName, Target
from tests.cases.samples import sample

if TYPE_CHECKING:
    from proxy.cases.model import Case, Setting

FILE = sample()
SERVICE = Credential(whose="service", headers=(("authorization", "anything"),))


def cluster(**changes: Any) -> CaseCluster:
    setting: Setting = replace(FILE.setting, **changes)
    return CaseCluster(setting, FILE.cases[0])


def as_(name: str) -> Credential:
    return Credential(whose="caller", headers=(("authorization", authorization(name)),))


async def test_who_is_who() -> None:
    assert (await cluster().identify(as_("ada"))).roles == ("starter", "flights")
    key = await cluster().identify(as_("key"))
    assert (key.username, key.api_key_id, key.roles) == ("ada", "k1", ())


async def test_privileges_are_those_of_the_roles() -> None:
    asked = Asked(cluster=("manage_ml", "all"), index=(AskedIndex(names=("flights",), privileges=("read", "write")),))
    held = await cluster().held(asked, as_("ada"))
    assert held.cluster == {"manage_ml": True, "all": False}
    assert held.index == {"flights": {"read": True, "write": False}}
    assert (await cluster().held(asked, as_("key"))).cluster == held.cluster
    assert not (await cluster().held(asked, as_("guest"))).cluster["manage_ml"]


async def test_only_who_may_look_at_jobs_sees_them() -> None:
    assert (await cluster().job("delays", as_("bob"))).id == "delays"
    assert (await cluster().job("delays", SERVICE)).id == "delays"
    assert (await cluster().job_state("delays", as_("bob"))).state == "stopped"
    with pytest.raises(PassedOn, match="unauthorized for user \\[guest\\]") as caught:
        await cluster().job("delays", as_("guest"))
    assert caught.value.status == 403
    with pytest.raises(PassedOn, match="No known job with id 'other'"):
        await cluster().job("other", as_("bob"))


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (Owner(kind=OwnerKind.ROLES, roles=("flights", "superuser")), ["flights", "superuser"]),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k1"), ["starter", "flights"]),
    ],
)
async def test_grants_of_owners(owner: Owner, names: list[str]) -> None:
    assert [role.name for role in (await cluster().grants(owner)).roles] == names


@pytest.mark.parametrize(
    ("owner", "service", "told"),
    [
        (Owner(kind=OwnerKind.ROLES, roles=("gone",)), True, r"\['gone'\] do not exist"),
        (Owner(kind=OwnerKind.API_KEY, api_key_id="k2"), True, "api_key does not exist"),
        (Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/kibana"), True, "does not exist"),
        (Owner(kind=OwnerKind.UNKNOWN), True, "does not tell whose"),
        (Owner(kind=OwnerKind.ROLES, roles=("flights",)), False, "no service credential"),
    ],
)
async def test_owners_that_are_not_known(owner: Owner, service: bool, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        await cluster(service=service).grants(owner)


async def test_sources_and_destination() -> None:
    facts = await cluster().facts(("tri*",), "trips", as_("ada"))
    assert [(one.name, one.settings) for one in facts.sources] == [("flights", {"index.number_of_shards": "2"})]
    assert facts.destination is not None
    assert facts.destination.name == "flights"
    assert await cluster().index("flights-ml", as_("ada")) is None
    assert await cluster().given("flights-ml", as_("ada")) is None
    assert await cluster().documents("flights", as_("ada")) == 0
    assert await cluster().version(as_("ada")) == "8.15.3"
    with pytest.raises(Refusal, match=r"no such index \[none\]"):
        await cluster().facts(("none",), "out", as_("ada"))


async def test_what_names_stand_for() -> None:
    named = (SourceName(name="flights", aliases=("trips",)),)
    assert await cluster().resolution(("trips",), "out", as_("ada")) == (named, Target())
    assert (await cluster().resolution((), "trips", as_("ada")))[1] == Target(name="flights", aliases=("trips",))


async def idle() -> bool:
    """Nobody uses it."""
    return True


async def test_effects() -> None:
    one = cluster()
    assert await one.create("out", {"settings": {}}, as_("ada"))
    assert one.created == {"out": {"settings": {}}}
    assert await one.remove_if_empty("out", {}, as_("ada"), idle) == "removed"
    await one.stop("delays", as_("ada"))
    assert json.loads((await one.forward("/", (), b"", 1.0)).body)["acknowledged"] is True


async def test_the_cluster_of_a_case_may_refuse_the_start() -> None:
    case: Case = replace(FILE.cases[0], cluster_status=409, cluster_error="already started")
    answer = await CaseCluster(FILE.setting, case).forward("/", (), b"", 1.0)
    assert (answer.status, json.loads(answer.body)["error"]["reason"]) == (409, "already started")


async def test_running_jobs_are_those_of_the_case() -> None:
    job = RunningJob(id="r", analysis="regression", sources=(), destination="d", model_memory_limit_bytes=1)
    case: Case = replace(FILE.cases[0], running=(job,))
    assert await CaseCluster(FILE.setting, case).running(SERVICE) == (job,)


async def test_a_journal_keeps_what_was_written_as_it_was() -> None:
    journal, entry = CaseJournal(), {"a": {"b": 1}}
    await journal.append(entry)
    entry["a"]["b"] = 2
    assert journal.records == [{"a": {"b": 1}}]


def test_the_clock_stands_still() -> None:
    assert CaseClock(5).now_ms() == 5
    assert CaseClock(5).ticks_s() == 0.0
