"""A subject's permissions against an action, with Elasticsearch's texts (`AuthorizationDenialMessages`)."""

import re
from collections.abc import Sequence

from proxy.embedded.failure import Failure
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security
from proxy.privileges import (
    allows_cluster,
    allows_index,
    allows_run_as,
    granting_cluster_privileges,
    granting_index_privileges,
)

_BACKING = re.compile(r"\.[df]s-(.+)-\d{4}\.\d{2}\.\d{2}-\d{6}")


def may_run_as(security: Security, subject: Subject, action: str) -> None:
    """Raise `Failure` 403 where the subject runs as somebody without being allowed to."""
    runner = subject.run_by
    if runner is None or all(allows_run_as(roles, subject.name) for roles in security.permissions(runner)):
        return
    raise _denied(
        f"{_action(action)} {_person(runner)}{_roles(security, runner)},"
        f" because {_person(runner)} is unauthorized to run as [{subject.name}]"
    )


def require_cluster(security: Security, subject: Subject, action: str) -> None:
    """Raise `Failure` 403 unless the subject may do the cluster action."""
    may_run_as(security, subject, action)
    if not may_cluster(security, subject, action):
        raise cluster_denial(security, subject, action)


def may_cluster(security: Security, subject: Subject, action: str) -> bool:
    """Whether the subject may do the cluster action."""
    return all(allows_cluster(roles, action) for roles in security.permissions(subject))


def may_index(security: Security, subject: Subject, name: str, action: str) -> bool:
    """Whether the subject may do the action on this index, alias or data stream; a grant on a data stream covers
    its backing indices too."""
    backing = _BACKING.fullmatch(name)
    names = (name, backing[1]) if backing else (name,)
    return all(any(allows_index(roles, n, action) for n in names) for roles in security.permissions(subject))


def cluster_denial(security: Security, subject: Subject, action: str) -> Failure:
    """403 for a cluster action."""
    granting = granting_cluster_privileges(action)
    granted = f", this action is granted by the cluster privileges [{','.join(granting)}]" if granting else ""
    return _denied(_denial(security, subject, action) + granted)


def index_denial(security: Security, subject: Subject, action: str, names: Sequence[str]) -> Failure:
    """403 for an action on indices; `names` are those that it may not touch."""
    where = f" on indices [{','.join(names)}]" if names else ""
    granting = granting_index_privileges(action)
    granted = f", this action is granted by the index privileges [{','.join(granting)}]" if granting else ""
    return _denied(_denial(security, subject, action) + where + granted)


def _denied(reason: str) -> Failure:
    return Failure(403, "security_exception", reason)


def _action(action: str) -> str:
    return f"action [{action}] is unauthorized for"


def _person(subject: Subject) -> str:
    if subject.token_name is not None:
        return f"service account [{subject.name}]"
    of_key = f"API key id [{subject.api_key.id}] of " if subject.api_key is not None else ""
    return f"{of_key}user [{subject.name}]"


def _denial(security: Security, subject: Subject, action: str) -> str:
    run_as = f" run as [{subject.name}]" if subject.run_by is not None else ""
    return f"{_action(action)} {_person(subject.authenticating)}{run_as}{_roles(security, subject)}"


def _roles(security: Security, subject: Subject) -> str:
    if not subject.has_roles:
        return ""
    missing = security.missing_roles(subject)
    found = sorted(set(subject.user.roles) - set(missing))
    unknown = f" (assigned roles [{','.join(missing)}] were not found)" if missing else ""
    return f" with effective roles [{','.join(found)}]{unknown}"
