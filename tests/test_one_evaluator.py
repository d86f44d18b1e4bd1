"""Whatever a verdict is made for, it is the same: enforced, only recorded, explained, run as a case, judged again.

Rules and situations are made up at random from few names, so that they have to do with each other; the seed is fixed.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from proxy.cases.model import Case, CaseJob, Expected, Index, Setting, Wanted
from proxy.cases.run import arrived as of_case
from proxy.cases.run import played
from proxy.cases.world import CaseCluster
from proxy.cluster.jobs import job_of
from proxy.errors import Refusal
from proxy.model import Identity, Job, JobState, OwnerKind, Stage
from proxy.privileges import Held, IndexGrant, Role
from proxy.rules import (
    Authority,
    Origin,
    Rules,
    RunningJob,
    Situation,
    SourceName,
    Subject,
    SubjectKind,
    Target,
    Unknown,
    asked_of,
    from_record,
    judge,
    subjects_of,
)
from proxy.rules.cel import compile_condition
from proxy.rules.compiled import BreakGlass, DefinedRole, Flow, Guard, Mode, RoleMapping
from tests.gate.fakes import ANN, BOB, CONFIG, KIBANA, RULES, FakeClock, Scene, arrived

CASES = 10_000
PLACE = Origin("r.yml", 1)
PATTERNS = ("*", "flights", "hr-*", "f*", "/[a-f].*/", "logs-?")
CONDITIONS = (
    'job.source.index.exists(i, i.startsWith("hr-"))',
    '!("dpo" in data.roles)',
    "job.model_memory_limit_bytes > 512 * mib",
    "running.size() >= 2",
    'job.source.resolved.exists(i, i == "hr-1")',
    "destination.exists",
    "caller.intermediary",
    'owner.kind == "roles"',
    "request.timeout_seconds < 1.0",
    "job.config.x == 1",
    'now < timestamp("2024-01-01T00:00:00Z")',
    "job.settings.size() > 1",
)
PROGRAMS = {text: compile_condition(text) for text in CONDITIONS}
Verdict = tuple[bool, list[str], list[str], list[str], list[tuple[str, str]]]


class Maker:
    """Makes up rules and starts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- made up starts, no secrets

    def some(self, of: tuple[str, ...], least: int = 0, most: int = 2) -> tuple[str, ...]:
        return tuple(self.random.sample(of, self.random.randint(least, min(most, len(of)))))

    def perhaps(self, of: tuple[str, ...]) -> tuple[str, ...] | None:
        return self.some(of, 1) if self.random.random() < 0.5 else None

    def rules(self) -> Rules:
        flows = tuple(
            Flow(sources=self.some(PATTERNS, 1), destinations=self.some(PATTERNS, 1), origin=PLACE)
            for _ in range(self.random.randint(0, 2))
        )
        guards = tuple(
            Guard(
                id=f"g{number}",
                mode=self.random.choice(list(Mode)),
                deny=text,
                program=PROGRAMS[text],
                message=f"No {number}.",
                origin=PLACE,
            )
            for number, text in enumerate(self.some(CONDITIONS, 0, 3))
        )
        mappings = tuple(
            RoleMapping(
                grants=("all",),
                users=self.perhaps(("a*", "bob")),
                roles=self.perhaps(("analyst", "data")),
                realms=self.perhaps(("native1", "res*")),
                api_keys=self.perhaps(("k*",)),
                origin=PLACE,
            )
            for _ in range(self.random.randint(0, 2))
        )
        glass = BreakGlass(
            id="fire",
            from_ms=0,
            until_ms=self.random.choice([1, 2**45]),
            users=self.some(("a*", "bob", "kibana_system"), 1),
            jobs=self.some(("out*", "other"), 1),
            reason="r",
            signed_by="c",
            signature="s",
            origin=PLACE,
        )
        whole = Role(name="all", cluster=("all",), indices=(IndexGrant(names=("*",), privileges=("all",)),))
        analyst = replace(whole, name="analyst", indices=(IndexGrant(names=("f*",), privileges=("all",)),))
        return replace(
            RULES,
            authority=self.random.choice(list(Authority)),
            subjects=self.random.choice([(SubjectKind.DATA,), (SubjectKind.OWNER,), tuple(SubjectKind)]),
            flows=flows if self.random.random() < 0.5 else None,
            guards=guards,
            roles={role.name: DefinedRole(role, PLACE) for role in (whole, analyst)},
            role_mappings=mappings,
            break_glass=(glass,) if self.random.random() < 0.3 else (),
        )

    def identity(self) -> Identity:
        who = self.random.choice([ANN, BOB, KIBANA])
        if self.random.random() < 0.2:
            return replace(who, api_key_id="id", api_key_name="k1", authentication_type="api_key", roles=())
        return replace(who, asked_to_run_as=self.random.random() < 0.1)

    def job(self) -> Job:
        owner = self.random.choice([{"roles": ["analyst"]}, {"api_key": {"id": "i", "name": "k1"}}, None])
        query = self.random.choice([{"match_all": {}}, {"term": {"a": 1}}])
        changes: dict[str, Any] = {
            "source": {"index": list(self.some(("flights", "hr-*", "f*", "-x", "logs-1"), 1)), "query": query},
            "dest": {"index": self.random.choice(["flights-out", "hr-out"])},
            "model_memory_limit": self.random.choice(["1gb", "100mb", "much"]),
        }
        if owner is not None:
            changes["authorization"] = owner
        config = {key: value for key, value in CONFIG.items() if key != "authorization"} | changes
        return job_of(config)

    def held(self, rules: Rules, job: Job, caller: Identity, secondary: Identity | None) -> Mapping[Subject, Held]:
        sure = self.random.random() < 0.7
        asked = asked_of(rules, job, subjects_of(rules, caller, secondary, job.owner))
        return {
            subject: Held(
                cluster={one: sure or self.random.random() < 0.5 for one in question.cluster},
                index={
                    name: {one: sure or self.random.random() < 0.9 for one in entry.privileges}
                    for entry in question.index
                    for name in entry.names
                },
            )
            for subject, question in asked.items()
        }

    def scene(self, rules: Rules) -> tuple[Scene, Any]:
        """A world in which a start finds all this, and the start."""
        one, job = Scene(), self.job()
        caller = self.identity()
        secondary = self.identity() if self.random.random() < 0.2 else None
        held = self.held(rules, job, caller, secondary)
        nothing = Refusal(403, "security_exception", "no")
        untold = (Unknown("no sources"), Unknown("no destination"))
        running = tuple(
            RunningJob(id=f"j{at}", analysis="regression", sources=(), destination="d", model_memory_limit_bytes=at)
            for at in range(self.random.randint(0, 3))
        )
        concrete = tuple(SourceName(name=name) for name in self.some(("flights", "hr-1", "logs-1")))
        target = Target(name=self.random.choice([None, "hr-out", "flights-out"]))
        one.cluster.answers = {
            "identify caller": caller,
            "identify secondary": secondary,
            "job": job,
            "held caller": held[Subject.CALLER],
            "held secondary": held.get(Subject.SECONDARY, Held()),
            "resolution": self.random.choice([untold, (concrete, target), (concrete, target)]),
            "running": self.random.choice([nothing, running, running]),
        }
        headers = [] if secondary is None else [("es-secondary-authorization", "Basic Ym9i")]
        return one, arrived(*headers)

    def case(self) -> tuple[Setting, Case]:
        """A start as a file of cases has it: the cluster answers by roles, and by the indices that are there."""
        roles = {
            name: Role(
                name=name,
                cluster=(self.random.choice(["monitor_ml", "manage_ml", "manage_ml", "manage_ml"]),),
                indices=(IndexGrant(names=self.some(("*", "f*", "flights*", "hr-*"), 1), privileges=("all",)),),
            )
            for name in ("analyst", "data", "kibana_system")
        }
        people = {name: self.identity() for name in ("caller", "secondary")}
        # In a file, an API key may do what its roles say; by the cluster's word it has none.
        people = {
            name: replace(one, roles=one.roles or self.some(("analyst", "data"), 1)) for name, one in people.items()
        }
        people["key"] = replace(ANN, api_key_id="i", api_key_name="k1", roles=self.some(("analyst", "data"), 1))
        names = self.some(("flights", "hr-1", "logs-1", "hr-out"), 0, 4)
        indices = {name: Index(name=name, aliases=self.some(("flights-out", "free"), 0, 1)) for name in names}
        job = self.job()
        setting = Setting(
            identities=people,
            roles=roles,
            jobs={job.id: CaseJob(job=job, state=JobState(state="stopped", stage=Stage.FIRST_TIME))},
            indices=indices,
        )
        running = tuple(
            RunningJob(id=f"j{at}", analysis="regression", sources=(), destination="d", model_memory_limit_bytes=at)
            for at in range(self.random.randint(0, 3))
        )
        one = Case(
            name="one",
            origin=PLACE,
            caller="caller",
            secondary="secondary" if self.random.random() < 0.2 else None,
            job=job.id,
            expected=Expected(verdict=Wanted.ALLOWED),
            now_ms=self.random.choice([1_700_000_100_000, 1_800_000_000_000]),
            running=running,
        )
        return setting, one


def told(record: Mapping[str, Any]) -> Verdict:
    """What counts of a verdict in a record or an explanation."""
    return (
        record["allowed"],
        [one["text"] for one in record["reasons"]],
        [one["id"] for one in record.get("warnings") or ()],
        [one["id"] for one in record.get("shadowed") or ()],
        [(one["outcome"], one["text"]) for one in record["steps"]],
    )


async def enforced(rules: Rules, one: Scene, start: Any) -> tuple[Verdict, Situation]:
    """By the gate: the answer must be what the record says."""
    reply = await one.run(start, rules)
    ours = one.outcome["startgate"]
    assert (reply.status != 403) is ours["verdict"]["allowed"], reply
    assert ("forward" in one.calls) is (reply.status == 200)
    return told(ours["verdict"]), from_record(msgspec.json.decode(msgspec.json.encode(ours["situation"])))


async def explained(rules: Rules, one: Scene, start: Any) -> Verdict:
    """By the header that asks for an explanation."""
    reply = await one.run(replace(start, explain=("only",)), rules)
    assert reply.status == 200, reply
    return told(json.loads(reply.body))


def judged(rules: Rules, situation: Situation) -> Verdict:
    """By the evaluator alone."""
    verdict = judge(rules, situation)
    return (
        verdict.allowed,
        [one.text for one in verdict.reasons],
        [one.id for one in verdict.warnings],
        [one.id for one in verdict.shadowed],
        [(one.outcome.value, one.text) for one in verdict.steps],
    )


# Ways from a situation in a record to a verdict; each must come to what was enforced.
AGAIN: dict[str, Callable[[Rules, Situation], Verdict]] = {"replay": judged}


def in_shadow(rules: Rules) -> Rules:
    """The same rules with every guard in shadow."""
    return replace(rules, guards=tuple(replace(one, mode=Mode.SHADOW) for one in rules.guards))


async def agree(seed: int) -> bool:
    """Every way comes to the same; whether the start was allowed."""
    maker = Maker(seed)
    rules = maker.rules()
    state = maker.random.getstate()

    def again() -> tuple[Scene, Any]:
        maker.random.setstate(state)
        return maker.scene(rules)

    verdict, situation = await enforced(rules, *again())
    assert await explained(rules, *again()) == verdict, seed
    # A guard that looks at a configuration of which a record leaves something out cannot be told from that record.
    if not any("config" in one.program.mentions for one in rules.guards):
        for way, judge_again in AGAIN.items():
            assert judge_again(rules, situation) == verdict, (seed, way)
    shadow, _ = await enforced(in_shadow(rules), *again())
    would = {one.id for one in rules.guards} & {*shadow[3]}
    spoke = {one.id for one in judge(rules, situation).reasons if one.id} | {*verdict[2], *verdict[3]}
    assert would == spoke or situation.left_out, seed
    return verdict[0]


async def agree_as_a_case(seed: int) -> bool:
    """A case, its explanation, the evaluator and the gate come to the same; whether the start was allowed."""
    maker = Maker(seed)
    rules = maker.rules()
    setting, case = maker.case()
    _, _, records = await played(setting, case, rules)
    (ours,) = [one["startgate"] for one in records if one["startgate"]["phase"] == "outcome"]
    verdict, situation = told(ours["verdict"]), from_record(ours["situation"])
    reply, _, _ = await played(setting, case, rules, explain=True)
    assert told(json.loads(reply.body)) == verdict, seed
    if not any("config" in one.program.mentions for one in rules.guards):
        assert judged(rules, situation) == verdict, seed
    one = Scene(clock=FakeClock(case.now_ms))
    one.cluster.answers = await answers(setting, case, situation)
    await one.run(of_case(case), rules)
    assert told(one.outcome["startgate"]["verdict"]) == verdict, seed
    return verdict[0]


async def answers(setting: Setting, case: Case, situation: Situation) -> dict[str, Any]:
    """What a cluster answers for the gate to find this situation."""
    job = setting.jobs[case.job].job
    cluster = CaseCluster(setting, case)
    try:
        grants: Any = await cluster.grants(job.owner)
    except Refusal as refusal:
        grants = refusal
    given: dict[str, Any] = {
        "identify caller": situation.caller,
        "identify secondary": situation.secondary,
        "job": job,
        "grants": grants,
        "running": case.running,
    }
    given |= {f"held {subject}": held for subject, held in situation.held.items() if isinstance(held, Held)}
    if situation.sources is not None:
        given["resolution"] = (situation.sources, situation.target)
    return given


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """In a loop of its own."""

    async def body() -> Any:
        return await work()

    return asyncio.run(body())


def test_every_way_comes_to_the_same() -> None:
    async def work() -> list[bool]:
        return [await agree(seed) for seed in range(300)]

    allowed = run(work)
    assert {*allowed} == {True, False}, "both must come about, else nothing was compared"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_way_comes_to_the_same_ten_thousand_times() -> None:
    async def work() -> list[bool]:
        return [await agree(seed) for seed in range(300, CASES)]

    allowed = run(work)
    assert 500 < sum(allowed) < CASES - 500


def test_owners_of_all_kinds_and_unknown_facts_come_about() -> None:
    """The generator reaches what it is for."""
    kinds, unknown = set(), 0
    for seed in range(200):
        maker = Maker(seed)
        kinds.add(maker.job().owner.kind)
        scene, _ = maker.scene(maker.rules())
        unknown += isinstance(scene.cluster.answers["running"], Refusal)
    assert kinds == {OwnerKind.ROLES, OwnerKind.API_KEY, OwnerKind.UNKNOWN}
    assert unknown > 10
    assert Unknown("x") != Unknown("y")


def test_a_case_comes_to_the_same() -> None:
    async def work() -> list[bool]:
        return [await agree_as_a_case(seed) for seed in range(300)]

    allowed = run(work)
    assert {*allowed} == {True, False}, "both must come about, else nothing was compared"


@pytest.mark.slow
def test_a_case_comes_to_the_same_ten_thousand_times() -> None:
    async def work() -> list[bool]:
        return [await agree_as_a_case(seed) for seed in range(300, CASES)]

    allowed = run(work)
    assert 500 < sum(allowed) < CASES - 500
