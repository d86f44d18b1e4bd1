"""A start with a value for everything that a condition can look at."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter
from proxy.rules.cel import Environment, environment_of
from proxy.rules.compiled import Authority, CreateAs, OnRefusedStart, Origin, Rules, SubjectKind, Trusted
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target
from proxy.rules.subjects import subjects_of

CREATED = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 8, 30, 1, 500_000, tzinfo=UTC)
BOB = Identity(username="bob", roles=("r2", "r1"), realm="file1", realm_type="file", lookup_realm="file1")
OWNER = Owner(kind=OwnerKind.ROLES, roles=("r2", "r1"))
RULES = Rules(
    files=("r.yml",),
    cluster=(),
    source=(),
    destination=(),
    authority=Authority.CLUSTER,
    subjects=(SubjectKind.DATA,),
    trusted=(Trusted("kibana_system", "reserved", Origin("r.yml", 1), "reserved"),),
    create_as=CreateAs.AUTO,
    on_refused_start=OnRefusedStart.REMOVE,
)
CONFIG = {
    "id": "j",
    "description": "how late a flight is",
    "model_memory_limit": "4gb",
    "max_num_threads": 2,
    "_meta": {"team": "a"},
}


def job(**changes: Any) -> Job:
    """The job, with other fields where given."""
    made = Job(
        id="j",
        create_time=int(CREATED.timestamp() * 1000),
        version="8.15.0",
        sources=("pii-*", "logs"),
        source_filter=SourceFilter(),
        runtime_mappings={},
        destination="dest",
        results_field="ml",
        analysis="regression",
        analysis_settings={"dependent_variable": "delay", "training_percent": 80},
        owner=OWNER,
        config=CONFIG,
    )
    return dataclasses.replace(made, **changes)


def situation(**changes: Any) -> Situation:
    """The start, with other fields where given."""
    made = Situation(
        caller=BOB,
        secondary=None,
        job=job(),
        request=Request(peer="10.0.0.9", forwarded_for=("192.0.2.1",), user_agent="curl/8.1"),
        now_ms=int(NOW.timestamp() * 1000),
        sources=(
            SourceName(name="pii-1", aliases=("harmless",)),
            SourceName(name="pii-2"),
            SourceName(name=".ds-ds-1", data_stream="ds"),
        ),
        target=Target(name="dest-1", aliases=("dest",)),
        running=tuple(
            RunningJob(
                id=f"r{number}",
                analysis="regression",
                sources=("logs",),
                destination="d",
                model_memory_limit_bytes=1 << 30,
                owner_roles=("admin",) * number,
            )
            for number in range(2)
        ),
    )
    return dataclasses.replace(made, **changes)


def environment(over: Situation | None = None) -> Environment:
    """The variables of that start."""
    of = over or situation()
    return environment_of(RULES, of, subjects_of(RULES, of.caller, of.secondary, of.job.owner))
