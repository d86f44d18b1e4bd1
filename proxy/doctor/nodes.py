"""The nodes: whether they answer, are of one cluster and of versions that are tried, and have the right time."""

from collections.abc import Iterator, Mapping
from typing import Final

from proxy.doctor.ask import Facts, Told, at, each_node, refused
from proxy.doctor.model import Finding, fail, ok, skip, warn

# The versions that Startgate is tried with, as (major, minor): the last 7, all of 8 and 9.
OLDEST: Final = (7, 17)
NEWEST_MAJOR: Final = 9
# Beyond this, times in the record cannot be put in order with the cluster's, and a guard that goes by the clock may
# let through what it should not. NTP keeps machines within milliseconds.
SKEW_S: Final = 2.0


def answering(facts: Facts) -> Finding:
    """Whether every node of `cluster.nodes` answers."""
    # Whoever refuses is there: 401 and 403 are the credential's fault.
    away = {node: told.why for node, told in facts.roots.items() if not told.status}
    if not away:
        return ok("nodes", f"{len(facts.roots)} of {len(facts.roots)} answer: {', '.join(facts.roots)}")
    seen = "; ".join(f"{node} does not answer: {why}" for node, why in away.items())
    advice = "start it, or take it out of cluster.nodes; between here and there a firewall may be in the way"
    if len(away) == len(facts.roots):
        return fail("nodes", seen, advice)
    return warn("nodes", seen, advice)


def versions(facts: Facts) -> Finding:
    """Whether what answers is Elasticsearch, of versions that Startgate is tried with."""
    found = {node: at(told.content, "version", "number") for node, told in facts.roots.items() if told.status == 200}
    if not found:
        return skip("versions", _nobody(facts))
    if other := [node for node, version in found.items() if not isinstance(version, str)]:
        seen = f"{', '.join(other)}: what answers is not Elasticsearch; it tells no version"
        return fail("versions", seen, "name the nodes themselves in cluster.nodes")
    distribution = [
        node for node, told in facts.roots.items() if at(told.content, "version", "distribution") == "opensearch"
    ]
    if distribution:
        return fail(
            "versions",
            f"{', '.join(distribution)}: OpenSearch, which has no data frame analytics",
            "front Elasticsearch",
        )
    # A cluster under a rolling upgrade has other nodes than those that are named here.
    known = {str(one) for one in found.values()} | {
        str(one["version"]) for one in each_node(facts.info) if "version" in one
    }
    return _supported(sorted(known))


def _supported(known: list[str]) -> Finding:
    odd = [one for one in known if not _is_tried(one)]
    if odd:
        seen = f"{', '.join(odd)}: Startgate is tried with 7.17, 8 and 9"
        return warn("versions", seen, "try it with `make test` against that version before you rely on it")
    if len({one.partition(".")[0] for one in known}) > 1:
        return warn("versions", f"{', '.join(known)} in one cluster", "finish the upgrade: jobs may not be started now")
    return ok("versions", ", ".join(known))


def _is_tried(version: str) -> bool:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        return False
    return (int(major), int(minor)) >= OLDEST and int(major) <= NEWEST_MAJOR


def one_cluster(facts: Facts) -> Finding:
    """Whether all nodes are of the same cluster: a start would else be judged by one and made by another."""
    told = {node: at(one.content, "cluster_uuid") for node, one in facts.roots.items()}
    found = {node: uuid for node, uuid in told.items() if isinstance(uuid, str)}
    if not found:
        return skip("one-cluster", _nobody(facts))
    # What a node says that has not yet found a master (ClusterState.UNKNOWN_UUID).
    alone = [node for node, uuid in found.items() if uuid == "_na_"]
    if alone:
        return fail("one-cluster", f"{', '.join(alone)} has joined no cluster", "look at that node's log")
    if len(set(found.values())) > 1:
        seen = "; ".join(f"{node} is of {uuid}" for node, uuid in found.items())
        return fail("one-cluster", seen, "name nodes of one cluster only in cluster.nodes")
    return ok("one-cluster", f"{next(iter(found.values()))}, {len(found)} of {len(facts.roots)} nodes asked")


def _nobody(facts: Facts) -> str:
    told = next((one for one in facts.roots.values() if one.status), None)
    return "not known: no node answers" if told is None else refused(told, "monitor")


def clock(facts: Facts) -> Finding:
    """Whether this machine and the nodes have the same time."""
    skews = dict(_skews(facts))
    if not skews:
        return skip("clock", refused(facts.stats, "monitor"))
    wrong = {name: skew for name, skew in skews.items() if abs(skew) > SKEW_S}
    if wrong:
        seen = "; ".join(f"{name} is {abs(by):.1f} s {'ahead' if by > 0 else 'behind'}" for name, by in wrong.items())
        return warn("clock", seen, "have both follow the same time (chrony or systemd-timesyncd, NTP)")
    furthest = max(abs(skew) for skew in skews.values())
    return ok("clock", f"within {furthest:.1f} s of this machine: {', '.join(skews)}")


def _skews(facts: Facts) -> Iterator[tuple[str, float]]:
    """By how many seconds each node is ahead, at least. A node of Elasticsearch sends no `Date`; what stands before it
    may. Its statistics say when they were made."""
    for node in each_node(facts.stats):
        made = node.get("timestamp")
        if isinstance(made, int | float):
            yield str(node.get("name")), beyond(made / 1000, facts.stats)
    for address, told in facts.roots.items():
        if told.date is not None:
            # A date is in whole seconds, cut off.
            skew = beyond(told.date, told)
            yield address, skew if skew > 0 else min(skew + 1, 0)


def beyond(when: float, told: Told | Mapping[str, float]) -> float:
    """How far a time lies after the moment of its answer, or before (negative) that of its question; 0 between."""
    sent, got = (told.sent, told.got) if isinstance(told, Told) else (told["sent"], told["got"])
    return max(when - got, 0) or min(when - sent, 0)
