"""The first two round trips: what is asked, what of the request counts, and that explanations go the same way."""

import asyncio
from typing import Any

import pytest

from proxy.errors import Refusal
from proxy.gate.flight import Flight
from proxy.gate.judged import explained, permitted, request_of
from proxy.gate.ports import Facts
from proxy.gate.request import Arrived, Wanted
from proxy.model import JobState, Stage
from proxy.rules import Request, Rules, Target, Unknown
from tests.gate.fakes import KIBANA, RULES, Scene, arrived, refused_by_cluster
from tests.gate.samples import guard, guarded

WANTED = Wanted(job_id="outliers", timeout_s=20.0)


def scene(**answers: Any) -> Scene:
    one = Scene()
    one.cluster.answers = answers
    return one


def flight(start: Arrived | None = None, rules: Rules = RULES) -> Flight:
    return Flight(arrived=start or arrived(), revision=rules.revision, begun_ms=1, begun_s=0.0)


def test_what_of_a_request_counts() -> None:
    start = arrived(
        ("User-Agent", "curl/8"), ("X-Opaque-Id", "o1"), ("X-Forwarded-For", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")
    )
    assert request_of(start, WANTED) == Request(
        peer="10.1.2.3:4567",
        forwarded_for=("1.1.1.1", "2.2.2.2"),
        user_agent="curl/8",
        opaque_id="o1",
        timeout_s=20.0,
    )
    bare = request_of(arrived(peer=""), Wanted(job_id="x", timeout_s=None))
    assert bare == Request(timeout_s=-1.0)


def test_what_a_client_sends_is_bounded() -> None:
    huge = request_of(arrived(("User-Agent", "x" * 100_000)), WANTED)
    assert len(huge.user_agent) < 1100


async def test_a_start_that_is_permitted_has_its_facts() -> None:
    one = scene()
    flown = flight()
    case, authorised, facts = await permitted(flown, WANTED, RULES, one.world())
    assert (case.known.job.id, authorised.verdict.allowed, facts is None) == ("outliers", True, False)
    assert flown.verdict is authorised.verdict
    assert isinstance(facts, Facts)
    assert flown.sources == tuple(one.name for one in facts.sources) != ()
    assert flown.situation is authorised.situation
    assert flown.situation.now_ms > 1_700_000_000_000
    assert set(one.calls[4:]) == {"held caller", "facts caller", "given caller"}


async def test_one_that_is_not_says_all_that_speaks_against_it() -> None:
    rules = guarded(guard("a", "true || job.id == ''"), guard("b", 'job.id == "outliers"', message="Not this one."))
    flown = flight()
    with pytest.raises(Refusal) as raised:
        await permitted(flown, WANTED, rules, scene().world())
    assert flown.sources == ("flights",), "what was asked for is on record of a denied start, too"
    assert raised.value.status == 403
    assert raised.value.reason == (
        "Cannot start data frame analytics [outliers] because the guard [a] denies it: Mind the gap.; "
        "and the guard [b] denies it: Not this one."
    )


async def test_an_explanation_reads_nothing_of_the_indices_and_denies_nobody() -> None:
    one = scene()
    rules = guarded(guard("a", 'job.id == "outliers"'))
    _, authorised = await explained(flight(), WANTED, rules, one.world())
    assert not authorised.verdict.allowed
    assert one.calls[4:] == ["held caller"]


async def test_an_explanation_of_a_job_that_is_not_shown_is_the_clusters_refusal() -> None:
    hidden = refused_by_cluster(404, "resource_not_found_exception", "No known job")
    with pytest.raises(Refusal, match="No known job"):
        await explained(flight(), WANTED, RULES, scene(job=hidden).world())


async def test_round_trips_do_not_grow_with_what_rules_need() -> None:
    """Names and running jobs are asked about while privileges are: no answer waits for another."""
    gathered = asyncio.Event()
    waiting: set[str] = set()

    def needs_all(name: str, answer: Any) -> Any:
        async def answered() -> Any:
            waiting.add(name)
            if waiting == {"held", "grants", "resolution", "running"}:
                gathered.set()
            await gathered.wait()
            return answer

        return answered

    one = scene(identify=KIBANA)
    for name, answer in (
        ("held", refused_by_cluster(403)),
        ("grants", Refusal(403, "security_exception", "no")),
        ("resolution", (Unknown("no"), Target())),
        ("running", ()),
    ):
        one.cluster.answers[name] = needs_all(name, answer)
    rules = guarded(guard("a", "running.size() > 3"), guard("b", "job.source.resolved.size() > 3"))
    async with asyncio.timeout(10):
        _, authorised = await explained(flight(), WANTED, rules, one.world())
    assert waiting == {"held", "grants", "resolution", "running"}
    assert not authorised.verdict.allowed


async def test_facts_that_cannot_be_read_are_kept_for_when_they_count() -> None:
    _, _, facts = await permitted(flight(), WANTED, RULES, scene(facts=refused_by_cluster(400)).world())
    assert isinstance(facts, Refusal)
    state = JobState(state="started", stage=Stage.FIRST_TIME)
    _, _, nothing = await permitted(flight(), WANTED, RULES, scene(state=state).world())
    assert nothing is None
