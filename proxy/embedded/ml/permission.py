"""What the owner of a new job must hold on its indices (`SourceDestValidator`'s sibling in `TransportPut…Action`)."""

import json
from collections.abc import Sequence

from proxy.embedded.failure import Failure
from proxy.embedded.security.asking import has_privileges
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security
from proxy.privileges import Asked, AskedIndex


def require_on_indices(
    security: Security, owner: Subject, job_id: str, sources: Sequence[str], destination: str
) -> None:
    """Raise `Failure` 403 listing all that was asked, held or not. Remote sources are not asked about."""
    local = tuple(name for name in sources if ":" not in name)
    wanted = [AskedIndex(names=(destination,), privileges=("read", "index", "create_index"))]
    if local:
        wanted.insert(0, AskedIndex(names=local, privileges=("read",)))
    held = has_privileges(security, owner, Asked(index=tuple(wanted)))
    if held.complete:
        return
    shown = json.dumps({name: dict(privileges) for name, privileges in held.index.items()}, separators=(",", ":"))
    raise Failure(
        403,
        "security_exception",
        f"Cannot create data frame analytics [{job_id}] because user {owner.name} lacks permissions on the indices:"
        f" {shown}",
    )
