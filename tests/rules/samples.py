"""Rules, identities and jobs for the tests of this folder."""

from collections.abc import Mapping

from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter
from proxy.privileges import Asked, Held
from proxy.rules.compiled import (
    Authority,
    CreateAs,
    OnRefusedStart,
    Origin,
    Requirement,
    Rules,
    SubjectKind,
    Trusted,
)
from proxy.rules.situation import Request, Situation, Unknown
from proxy.rules.subjects import Subject, asked_of, subjects_of

VALID = """\
version: 1
start_data_frame_analytics:
  require:
    cluster: [manage_ml]
    source: [read, view_index_metadata]
    destination: [read, create_index, manage, index]
"""


def required(*privileges: str, line: int = 1) -> tuple[Requirement, ...]:
    """Requirements written in one line."""
    return tuple(Requirement(privilege, Origin("r.yml", line)) for privilege in privileges)


def rules(
    *subjects: SubjectKind,
    cluster: tuple[str, ...] = ("manage_ml",),
    source: tuple[str, ...] = ("read", "view_index_metadata"),
    trusted: tuple[Trusted, ...] | None = None,
) -> Rules:
    """Rules as shipped, but for what is given."""
    origin = Origin("r.yml", 9)
    return Rules(
        files=("r.yml",),
        cluster=required(*cluster, line=4),
        source=required(*source, line=5),
        destination=required("read", "create_index", "manage", "index", line=6),
        authority=Authority.CLUSTER,
        subjects=subjects or (SubjectKind.DATA,),
        trusted=(
            (
                Trusted("kibana_system", "reserved", origin, "reserved"),
                Trusted("elastic/kibana", "_service_account", origin, "_service_account"),
            )
            if trusted is None
            else trusted
        ),
        create_as=CreateAs.AUTO,
        on_refused_start=OnRefusedStart.REMOVE,
    )


def job(*sources: str, owner: Owner | None = None) -> Job:
    """A job over these source expressions."""
    return Job(
        id="job-1",
        create_time=1,
        version="12.0.0",
        sources=sources or ("src",),
        source_filter=SourceFilter(),
        runtime_mappings={},
        destination="dest",
        results_field="ml",
        analysis="outlier_detection",
        analysis_settings={},
        owner=owner or OWNER,
        config={},
    )


OWNER = Owner(kind=OwnerKind.ROLES, roles=("r2", "r1"))
BOB = Identity(username="bob", roles=("r2", "r1"), realm="file1", realm_type="file", lookup_realm="file1")
KIBANA = Identity(
    username="kibana_system",
    roles=("kibana_system",),
    realm="reserved",
    realm_type="reserved",
    lookup_realm="reserved",
)
SERVICE = Identity(
    username="elastic/kibana",
    realm="_service_account",
    realm_type="_service_account",
    lookup_realm="_service_account",
    authentication_type="token",
)
KEY = Identity(
    username="bob",
    realm="_es_api_key",
    realm_type="_es_api_key",
    lookup_realm="_es_api_key",
    authentication_type="api_key",
    api_key_id="k1",
)


def all_of(asked: Asked) -> Held:
    """The answer that everything asked is held."""
    return Held(
        cluster=dict.fromkeys(asked.cluster, True),
        index={name: dict.fromkeys(entry.privileges, True) for entry in asked.index for name in entry.names},
    )


def situation(
    over: Job | None = None,
    *,
    by: Identity = BOB,
    secondary: Identity | None = None,
    held: Mapping[Subject, Held | Unknown] | None = None,
) -> Situation:
    """A start of a job, as it is judged."""
    return Situation(
        caller=by, secondary=secondary, job=over or job(), request=Request(), now_ms=1_000, held=held or {}
    )


def granted(wanted: Rules, of: Situation) -> dict[Subject, Held | Unknown]:
    """Answers by which every subject that is asked holds everything."""
    subjects = subjects_of(wanted, of.caller, of.secondary, of.job.owner)
    return {subject: all_of(asked) for subject, asked in asked_of(wanted, of.job, subjects).items()}
