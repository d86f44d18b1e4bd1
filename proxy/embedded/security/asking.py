"""`_has_privileges`: what an identity holds, in Elasticsearch's JSON (`RestHasPrivilegesAction`, `RBACEngine`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure, bad_request
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security
from proxy.privileges import (
    Asked,
    AskedIndex,
    Held,
    UnknownPrivilege,
    check,
    check_limited,
    require_cluster_privilege,
    require_index_privilege,
)


def has_privileges(security: Security, subject: Subject, asked: Asked) -> Held:
    """What the subject holds of `asked`; a key holds what both it and its owner held."""
    sets = security.permissions(subject)
    return check(sets[0], asked) if len(sets) == 1 else check_limited(sets[0], sets[1], asked)


def parse_asked(body: Mapping[str, Any]) -> Asked:
    """The body of a `_has_privileges` request. Raises `Failure` 400 for shapes and names that are not known."""
    cluster = _texts(body.get("cluster", ()), "cluster")
    index = tuple(_asked_index(entry) for entry in body.get("index", ()))
    if not cluster and not index and not body.get("application"):
        raise Failure(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: must specify at least one privilege;",
        )
    try:
        for name in cluster:
            require_cluster_privilege(name)
        for name in (privilege for entry in index for privilege in entry.privileges):
            require_index_privilege(name)
    except UnknownPrivilege as fault:
        raise bad_request(str(fault)) from fault
    return Asked(cluster=cluster, index=index)


def _asked_index(entry: Json) -> AskedIndex:
    if not isinstance(entry, Mapping) or "names" not in entry or "privileges" not in entry:
        raise Failure(400, "parse_exception", "failed to parse indices privileges: names and privileges are required")
    return AskedIndex(
        names=_texts(entry["names"], "names"),
        privileges=_texts(entry["privileges"], "privileges"),
        allow_restricted=entry.get("allow_restricted_indices") is True,
    )


def _texts(value: Json, name: str) -> tuple[str, ...]:
    values: Sequence[Any] = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
        raise Failure(400, "parse_exception", f"failed to parse [{name}]: expected an array of strings")
    return tuple(values)


def applications_answer(asked: Sequence[Mapping[str, Any]], *, held: bool) -> dict[str, Any]:
    """Application privileges; the embedded cluster grants all of them (`held`) or none."""
    return {
        entry["application"]: {
            resource: dict.fromkeys(entry.get("privileges", ()), held) for resource in entry.get("resources", ())
        }
        for entry in asked
    }
