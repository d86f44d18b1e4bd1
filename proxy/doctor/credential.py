"""The service credential: whether it is good, for how long, and whether it may do what it must and no more.

What it must be allowed stands in docs/service-credential.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.doctor.ask import Asker, Facts, Told, at, refused
from proxy.doctor.model import Finding, day, fail, ok, skip, warn

HOLDS: Final = "/_security/user/_has_privileges"
CLUSTER: Final = ("monitor", "monitor_ml", "read_security")
SOURCE: Final = ("read", "view_index_metadata")
DESTINATION: Final = ("read", "create_index", "manage", "delete_index")
# What whoever has got hold of the credential could do harm with, and Startgate never does.
EXCESS_CLUSTER: Final = ("all", "manage", "manage_security", "manage_ml", "manage_pipeline")
EXCESS_EVERYWHERE: Final = ("all", "read", "write", "manage", "delete_index")
EXCESS_ON_SOURCES: Final = ("write", "manage", "delete_index")
EXPIRES_SOON_S: Final = 14 * 24 * 3600.0
HOW: Final = "docs/service-credential.md has the role; `startgate init` writes the commands that make it"
# Enough to see what is meant.
SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Names and patterns of all jobs, but for those of other clusters and such as only the node can resolve."""

    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


def jobs(told: Told) -> Jobs:
    """The names that jobs read and write, each once."""
    listed = at(told.content, "data_frame_analytics")
    known = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return Jobs(
        sources=_names(at(one, "source", "index") for one in known),
        destinations=_names(at(one, "dest", "index") for one in known),
    )


def _names(written: Iterable[object]) -> tuple[str, ...]:
    found = [name for one in written for name in (one if isinstance(one, list) else [one])]
    plain = [name for name in found if isinstance(name, str) and ":" not in name and name[:1] not in ("<", "-", "")]
    return tuple(dict.fromkeys(plain))


async def examine(asker: Asker, facts: Facts, *, configured: bool, own_identities: bool, now: float) -> list[Finding]:
    """All that can be said of the credential. `configured`: there is one; `own_identities`: Startgate itself finds out
    who asks, and the cluster may have no security; `now` is in seconds since 1970."""
    one = whether_good(facts, configured=configured, own_identities=own_identities)
    if not configured or facts.who.status != 200:
        why = "there is no service credential" if not configured else "it is not known whose it is"
        rest = [skip(name, why) for name in ("credential-privileges", "credential-excess", "credential-expiry")]
        return [one, *rest]
    named = jobs(facts.jobs)
    return [one, await _enough(asker, named, facts), await _excess(asker, named), expiry(facts, now)]


def whether_good(facts: Facts, *, configured: bool, own_identities: bool) -> Finding:
    """Whether there is one, and the cluster takes it."""
    if not configured:
        if facts.who.missing:
            return ok("credential", "none, and none is needed: the cluster has no security")
        if own_identities:
            return ok("credential", "none: the cluster is asked as nobody")
        return warn("credential", "none: starts whose owner must be judged, such as Kibana's, are denied", HOW)
    who = facts.who
    if who.status == 401:
        advice = "is it expired or invalidated? make a new one and put it into the file of cluster.service"
        return fail("credential", f"the cluster refuses it: {who.why}", advice)
    if who.missing:
        return warn("credential", "there is one, and the cluster has no security that would take it", "take it out")
    if who.status != 200:
        return skip("credential", refused(who, "monitor"))
    key = at(who.content, "api_key", "name")
    called = f"API key {key} of" if key else "user"
    return ok("credential", f"{called} {at(who.content, 'username')}")


async def _enough(asker: Asker, named: Jobs, facts: Facts) -> Finding:
    """Whether it holds what it needs, on the indices of all jobs that there are now."""
    wanted = [*_entries(named.sources, SOURCE), *_entries(named.destinations, DESTINATION)]
    told = await asker.ask(HOLDS, _question(CLUSTER, wanted))
    if told.status == 400 and "read_security" in told.why:
        # Before 8.x there is no such privilege, and manage_security is more than it is worth.
        seen = "this version has no privilege read_security: owners that are roles or API keys cannot be looked up"
        return warn("credential-privileges", seen, "starts that Kibana sends are denied; upgrade Elasticsearch")
    if told.status != 200:
        return skip("credential-privileges", refused(told, "monitor"))
    missing = list(_answers(told, held=False))
    if missing:
        return fail("credential-privileges", f"missing: {_shown(missing)}", HOW)
    if facts.jobs.status != 200:
        seen = f"all of {', '.join(CLUSTER)}; jobs, and so their indices, are {refused(facts.jobs, 'monitor_ml')}"
        return ok("credential-privileges", seen)
    count = len(named.sources) + len(named.destinations)
    return ok("credential-privileges", f"all that is needed, on {count} names of sources and destinations")


async def _excess(asker: Asker, named: Jobs) -> Finding:
    """Whether it holds what it never uses."""
    wanted = [*_entries(("*",), EXCESS_EVERYWHERE), *_entries(_narrow(named), EXCESS_ON_SOURCES)]
    told = await asker.ask(HOLDS, _question(EXCESS_CLUSTER, wanted))
    if told.status != 200:
        return skip("credential-excess", refused(told, "monitor"))
    held = list(_answers(told, held=True))
    if held:
        return warn("credential-excess", f"it also holds {_shown(held)}", f"give it less: {HOW}")
    return ok("credential-excess", "nothing beyond what is needed")


def _narrow(named: Jobs) -> tuple[str, ...]:
    """Sources that are no job's destination: there it never writes."""
    return tuple(name for name in named.sources if name not in named.destinations and name != "*")


def _entries(names: Sequence[str], privileges: Sequence[str]) -> list[dict[str, Any]]:
    return [{"names": list(names), "privileges": list(privileges)}] if names else []


def _question(cluster: Sequence[str], index: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"cluster": list(cluster), "index": list(index)}


def _answers(told: Told, *, held: bool) -> Iterator[str]:
    """What is held, or is not: `monitor`, `read on flights`."""
    cluster, index = at(told.content, "cluster"), at(told.content, "index")
    for privilege, has in cluster.items() if isinstance(cluster, Mapping) else ():
        if has is held:
            yield str(privilege)
    for name, given in index.items() if isinstance(index, Mapping) else ():
        found = [str(privilege) for privilege, has in given.items() if has is held]
        if found:
            yield f"{', '.join(found)} on {name}"


def _shown(found: Sequence[str]) -> str:
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def expiry(facts: Facts, now: float) -> Finding:
    """How long the API key is good for; `now` is in seconds since 1970."""
    if facts.key is None:
        return ok("credential-expiry", "it is no API key; a user has no end that the cluster knows of")
    listed = at(facts.key.content, "api_keys")
    if facts.key.status != 200 or not isinstance(listed, list) or not listed:
        return skip("credential-expiry", refused(facts.key, "read_security or manage_own_api_key"))
    ends = at(listed[0], "expiration")
    if not isinstance(ends, int | float):
        return ok("credential-expiry", "the API key has no end")
    seen = f"the API key ends at {day(ends / 1000)}"
    if ends / 1000 - now < EXPIRES_SOON_S:
        advice = "make a new one in time; the file of cluster.service is read when Startgate starts"
        return warn("credential-expiry", seen, advice)
    return ok("credential-expiry", seen)
