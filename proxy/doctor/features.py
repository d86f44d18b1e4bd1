"""What the cluster may do: licence, security, machine learning, and its own audit log."""

from collections.abc import Mapping
from typing import Any, Final

from proxy.doctor.ask import Facts, at, each_node, refused
from proxy.doctor.model import Finding, day, fail, ok, skip, warn

# Those with machine learning (`License.OperationMode` of MachineLearningField.ML_API_FEATURE is PLATINUM).
ENOUGH: Final = frozenset({"trial", "platinum", "enterprise"})
DAY_S: Final = 24 * 3600.0
LICENCE_SOON_S: Final = 30 * DAY_S
NO_XPACK: Final = "this distribution has neither machine learning nor security (no X-Pack)"


def licence(facts: Facts, now: float) -> Finding:
    """Whether the licence has machine learning, and for how long; `now` is in seconds since 1970."""
    told = at(facts.features.content, "license")
    if not isinstance(told, Mapping):
        return _unknown("licence", facts)
    kind, status = str(told.get("mode") or told.get("type")), str(told.get("status"))
    if kind not in ENOUGH:
        advice = "data frame analytics need trial, platinum or enterprise: POST /_license/start_trial?acknowledge=true"
        return fail("licence", f"{kind}: machine learning is not in it", advice)
    if status != "active":
        return fail("licence", f"{kind}, {status}", "renew it: PUT /_license")
    ends = told.get("expiry_date_in_millis")
    if not isinstance(ends, int | float):
        return ok("licence", f"{kind}, active, without an end")
    seen = f"{kind}, active, until {day(ends / 1000)}"
    if ends / 1000 - now < LICENCE_SOON_S:
        return warn("licence", seen, "renew it: PUT /_license; without one no job can be started")
    return ok("licence", seen)


def security(facts: Facts, *, own_identities: bool) -> Finding:
    """Whether the cluster knows who asks; `own_identities`: Startgate finds that out itself (`identity`)."""
    enabled = at(facts.features.content, "features", "security", "enabled")
    if enabled is None and facts.who.status in (200, 401, 403):
        enabled = True
    if enabled is None and not facts.who.missing:
        return skip("security", refused(facts.features, "monitor"))
    if enabled:
        return ok("security", "on")
    if own_identities:
        return ok("security", "off; Startgate itself finds out who asks (identity)")
    advice = "xpack.security.enabled: true in elasticsearch.yml, or identity in startgate.yml (docs/identity.md)"
    return fail("security", "off: nobody can be identified, so every start is refused", advice)


def machine_learning(facts: Facts) -> Finding:
    """Whether there is machine learning at all."""
    told = at(facts.features.content, "features", "ml")
    if not isinstance(told, Mapping):
        if facts.features.missing and not facts.jobs.missing and facts.jobs.status:
            return ok("machine-learning", "answers")
        return _unknown("machine-learning", facts)
    if not told.get("enabled"):
        return fail("machine-learning", "switched off", "xpack.ml.enabled: true in elasticsearch.yml of every node")
    if not told.get("available"):
        return fail("machine-learning", "not in this licence", "see licence above")
    if at(facts.ml.content, "upgrade_mode") is True:
        seen = "in upgrade mode: no job can be started"
        return warn("machine-learning", seen, "POST /_ml/set_upgrade_mode?enabled=false, once the upgrade is over")
    return ok("machine-learning", "there, and on")


def ml_nodes(facts: Facts) -> Finding:
    """Whether a node may run jobs."""
    nodes = each_node(facts.info)
    if not nodes:
        return skip("ml-nodes", refused(facts.info, "monitor"))
    able = [str(one.get("name")) for one in nodes if _runs_jobs(one.get("roles"))]
    if able:
        return ok("ml-nodes", f"{len(able)} of {len(nodes)} nodes: {', '.join(able)}")
    advice = "node.roles with ml on one node at least, or a started job waits for ever"
    return fail("ml-nodes", f"none of {len(nodes)} nodes has the role ml", advice)


def _runs_jobs(roles: object) -> bool:
    return isinstance(roles, list) and "ml" in roles


def audit_log(facts: Facts) -> Finding:
    """Whether the cluster itself keeps a log of who did what: besides its notifications, the other witness of a start
    that went round Startgate."""
    nodes = each_node(facts.info)
    if not nodes:
        return skip("audit-log", refused(facts.info, "monitor"))
    on = [one for one in nodes if _audited(one)]
    if len(on) == len(nodes):
        return ok("audit-log", "on at every node")
    advice = (
        "nothing needs it; xpack.security.audit.enabled: true would name who started a job past Startgate, which "
        "`startgate audit bypasses` finds, and the cluster's notifications do not name"
    )
    return ok("audit-log", f"on at {len(on)} of {len(nodes)} nodes", advice)


def _audited(node: Mapping[str, Any]) -> bool:
    settings = node.get("settings")
    flat = at(settings, "xpack.security.audit.enabled")
    nested = at(settings, "xpack", "security", "audit", "enabled")
    return str(flat if flat is not None else nested).lower() == "true"


def _unknown(check: str, facts: Facts) -> Finding:
    if facts.features.missing:
        return fail(check, NO_XPACK, "front a cluster with the default distribution of Elasticsearch")
    return skip(check, refused(facts.features, "monitor"))
