"""The text of a 403: what Elasticsearch says where it has a text for the case, and in its style where it has not."""

import json
from collections.abc import Iterable

from proxy.model import Identity, Job, Owner, OwnerKind
from proxy.privileges import granting_cluster_privileges, including_cluster_privileges
from proxy.rules.compiled import START_ACTION, Authority
from proxy.rules.subjects import Subject
from proxy.rules.verdict import Reason, ReasonKind, Verdict

_SERVICE_ACCOUNT_REALM = "_service_account"
# Whether the role files alone deny something → how that is said.
_WHERE = {False: "", True: " in the role files"}
# Of so many sources that no flow covers each is named.
FLOWS_TOLD = 10


def refusal_reason(verdict: Verdict, job: Job, caller: Identity, secondary: Identity | None, owner: Owner) -> str:
    """The `reason` of the 403 `security_exception` for a verdict that is not allowed.

    Where only cluster privileges are missing in the cluster it reads as Elasticsearch's own answer to that caller
    would; else it lists all that is missing, by subject, as Elasticsearch does when a job is created; then what flows
    and guards say.
    """
    missing = [one for one in verdict.reasons if one.kind is ReasonKind.CLUSTER and one.by != (Authority.ROLES,)]
    if len(missing) == len(verdict.reasons):
        return _denied(caller, including_cluster_privileges(one.privilege for one in missing if one.privilege))
    names = {
        Subject.CALLER: described(caller),
        Subject.SECONDARY: "the secondary " + described(secondary) if secondary else "the secondary user",
        Subject.OWNER: "the owner of the job" + _owner(owner),
    }
    parts = [
        f"{names[subject]} {text}"
        for subject in Subject
        for text in _lacks([reason for reason in verdict.reasons if reason.subject is subject])
    ]
    parts += _of_the_start([reason.text for reason in verdict.reasons if reason.kind is ReasonKind.FLOW])
    parts += [reason.text for reason in verdict.reasons if reason.kind is ReasonKind.GUARD]
    return f"Cannot start data frame analytics [{job.id}] because " + "; and ".join(parts)


def _of_the_start(flows: list[str]) -> list[str]:
    """A job may have thousands of sources that no flow covers; the record has them all."""
    if len(flows) <= FLOWS_TOLD:
        return flows
    return [*flows[:FLOWS_TOLD], f"no flow covers {len(flows) - FLOWS_TOLD} more of its sources"]


def described(identity: Identity) -> str:
    """How Elasticsearch names somebody in a 403 (`AuthorizationDenialMessages`)."""
    service = _SERVICE_ACCOUNT_REALM in (identity.realm, identity.realm_type)
    text = f"{'service account' if service else 'user'} [{identity.username}]"
    return text if identity.api_key_id is None else f"API key id [{identity.api_key_id}] of {text}"


def unauthorized_start(caller: Identity) -> str:
    """What Elasticsearch tells a caller who may not start jobs at all."""
    return _denied(caller, granting_cluster_privileges(START_ACTION))


def _denied(caller: Identity, granting: Iterable[str]) -> str:
    subject = described(caller)
    if subject.startswith("user "):
        # API keys and service accounts have privileges, but no roles.
        subject += f" with effective roles [{','.join(sorted(caller.roles))}]"
    text = f"action [{START_ACTION}] is unauthorized for {subject}"
    return f"{text}, this action is granted by the cluster privileges [{','.join(granting)}]"


def _owner(owner: Owner) -> str:
    match owner.kind:
        case OwnerKind.ROLES:
            return f" with roles [{','.join(sorted(owner.roles))}]"
        case OwnerKind.API_KEY:
            return f", API key id [{owner.api_key_id}],"
        case OwnerKind.SERVICE_ACCOUNT:
            return f", service account [{owner.service_account}],"
        case _:
            return ""


def _lacks(reasons: list[Reason]) -> list[str]:
    parts = []
    for by, where in _WHERE.items():
        denied = [reason for reason in reasons if (reason.by == (Authority.ROLES,)) is by]
        cluster = [reason.privilege for reason in denied if reason.kind is ReasonKind.CLUSTER]
        if cluster:
            parts.append(f"lacks the cluster privileges {json.dumps(cluster)}{where}")
        indices: dict[str, dict[str, bool]] = {}
        for reason in denied:
            if reason.index is not None and reason.privilege is not None:
                indices.setdefault(reason.index, {})[reason.privilege] = False
        if indices:
            listed = json.dumps(indices, separators=(",", ":"), ensure_ascii=False)
            parts.append(f"lacks permissions on the indices{where}: {listed}")
    parts.extend(f"cannot be judged: {reason.text}" for reason in reasons if reason.privilege is None)
    return parts
