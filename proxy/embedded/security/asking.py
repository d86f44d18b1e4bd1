"""`_has_privileges`: what an identity holds, in Elasticsearch's JSON (`RestHasPrivilegesAction`, `RBACEngine`)."""

from collections.abc import Mapping
from typing import Any

from proxy.embedded.failure import Failure, bad_request
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security
from proxy.embedded.shapes import FLAG, OBJECTS, TEXT, TEXTS, shaped, texts
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
    body = shaped(body, {"cluster": TEXTS, "index": OBJECTS, "application": OBJECTS})
    cluster = tuple(texts(body.get("cluster")))
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


def _asked_index(entry: Mapping[str, Any]) -> AskedIndex:
    entry = shaped(entry, {"names": TEXTS, "privileges": TEXTS, "allow_restricted_indices": FLAG})
    if "names" not in entry or "privileges" not in entry:
        raise Failure(400, "parse_exception", "failed to parse indices privileges: names and privileges are required")
    return AskedIndex(
        names=tuple(texts(entry["names"])),
        privileges=tuple(texts(entry["privileges"])),
        allow_restricted=entry.get("allow_restricted_indices", False),
    )


def applications_answer(body: Mapping[str, Any], *, held: bool) -> dict[str, Any]:
    """Application privileges of a body that `parse_asked` took; the embedded cluster grants all of them (`held`) or
    none. Raises `Failure` 400."""
    entries = [
        shaped(entry, {"application": TEXT, "privileges": TEXTS, "resources": TEXTS})
        for entry in body.get("application") or ()
    ]
    return {
        entry.get("application", ""): {
            resource: dict.fromkeys(texts(entry.get("privileges")), held) for resource in texts(entry.get("resources"))
        }
        for entry in entries
    }
