"""Which identity is asked what.

Cluster privileges are always asked of the caller. Index privileges are asked of whoever the data is for: the secondary
identity when one was sent; the owner of the job when the caller is a trusted intermediary such as Kibana; else the
caller. `subjects: [data, owner]` asks the owner as well, `[owner]` only the owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proxy.model import Identity, Job, Owner, OwnerKind
from proxy.privileges import Asked, AskedIndex
from proxy.privileges.restricted import reaches_restricted
from proxy.rules.compiled import Rules, SubjectKind, Trusted

# How somebody can have authenticated who is to be trusted as an intermediary: as a user, or with a token of that user
# or service account. An API key carries its maker's name, but anybody may hold it.
_DIRECT = ("realm", "token")


class Subject(StrEnum):
    """The three identities of a start."""

    CALLER = "caller"
    SECONDARY = "secondary"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Who is who in one start.

    `data` is whose access to the data counts, and as whom the gate reads and creates; `asked` are those of whom index
    privileges are asked, `data` first; `intermediary` says that the caller is a trusted one; `owner` is how the
    cluster names the owner.
    """

    data: Subject
    asked: tuple[Subject, ...]
    intermediary: bool
    owner: OwnerKind = OwnerKind.UNKNOWN


def trusting(rules: Rules, caller: Identity) -> Trusted | None:
    """The entry by which the caller is a trusted intermediary: by name and realm, in person, not by API key, not run
    as; None where the caller is none.

    See docs/decisions/014-who-is-an-intermediary.md.
    """
    if caller.runs_as or caller.api_key_id is not None or caller.authentication_type not in _DIRECT:
        return None
    return next(
        (
            trusted
            for trusted in rules.trusted
            if (trusted.username, trusted.realm) == (caller.username, caller.realm)
            and trusted.realm_type in (None, caller.realm_type)
        ),
        None,
    )


def is_trusted(rules: Rules, caller: Identity) -> bool:
    """Whether the caller is a trusted intermediary."""
    return trusting(rules, caller) is not None


def subjects_of(rules: Rules, caller: Identity, secondary: Identity | None, owner: Owner) -> Subjects:
    """Who is asked for index privileges; an owner that the cluster does not name is asked, too, and so denies."""
    intermediary = is_trusted(rules, caller)
    of_request = Subject.OWNER if intermediary else Subject.CALLER
    data = of_request if secondary is None else Subject.SECONDARY
    if SubjectKind.DATA not in rules.subjects:
        data = Subject.OWNER
    also_owner = SubjectKind.OWNER in rules.subjects and data is not Subject.OWNER
    asked = (data, Subject.OWNER) if also_owner else (data,)
    return Subjects(data=data, asked=asked, intermediary=intermediary, owner=owner.kind)


def asked_of(rules: Rules, job: Job, subjects: Subjects) -> Mapping[Subject, Asked]:
    """What to ask of each subject, ready for `_has_privileges`; the caller is always in it, and first."""
    cluster = tuple(item.privilege for item in rules.cluster)
    of_caller = _indices(rules, job, Subject.CALLER) if Subject.CALLER in subjects.asked else ()
    asked = {Subject.CALLER: Asked(cluster=cluster, index=of_caller)}
    others = (subject for subject in subjects.asked if subject is not Subject.CALLER)
    return asked | {subject: Asked(index=_indices(rules, job, subject)) for subject in others}


def _indices(rules: Rules, job: Job, subject: Subject) -> tuple[AskedIndex, ...]:
    """Of patterns that reach for system indices (`.*`) whoever is not the owner is asked with those: the owner, as whom
    the job reads, may see them, and by default the cluster leaves them out of what it is asked."""
    names, reading = source_names(job), tuple(item.privilege for item in rules.source)
    whole = () if subject is Subject.OWNER else tuple(filter(reaches_restricted, names))
    entries = (
        AskedIndex(names=tuple(name for name in names if name not in whole), privileges=reading),
        AskedIndex(names=whole, privileges=reading, allow_restricted=True),
        AskedIndex(names=(job.destination,), privileges=tuple(item.privilege for item in rules.destination)),
    )
    # An entry without names is not a question; that there are none is for the verdict to say.
    return tuple(entry for entry in entries if entry.names)


def source_names(job: Job) -> tuple[str, ...]:
    """The source expressions of a job as they are asked about: verbatim, each once, without exclusions (`-x`).

    What an exclusion takes away needs no privilege; that it is taken away is not relied on: the whole pattern before it
    must be covered. `_all` is another word for `*`, but as text it would also be covered by a grant on `_*`. An
    expression with commas is several: in a request's path the cluster takes them apart, and as one text
    `logs-*,secret` would be covered by a grant on `logs-*`. See docs/decisions/012-how-sources-are-asked-about.md.
    """
    pieces = (piece for expression in job.sources for piece in expression.split(","))
    names = ("*" if piece == "_all" else piece for piece in pieces if piece and not piece.startswith("-"))
    return tuple(dict.fromkeys(names))
