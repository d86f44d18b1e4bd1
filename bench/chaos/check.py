"""What must hold whatever is killed when: each invariant says how much it looked at, and what violates it."""

import functools
import json
import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.chaos.descriptors import OVER, Watched
from bench.chaos.ledger import Failure, How, Told, Window, explained_by
from bench.chaos.rest import Held, Rest, more
from bench.soak_watch import Trend
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from proxy.journal.verify import verify

# How far the fitted line of one life may rise: caches, pools and the list of starts that the page shows fill slowly.
BAR_MIB = 12.0
# Samples at the end of a life, of half a minute: a file that is opened for a moment is not in all of them.
_LAST = 15
# Calls that only clients make: the gate makes some of its own under the id of the start that they are for.
_CLIENTS = re.compile(
    r"POST \S+/_start |POST /chaos/|POST /_search/scroll |POST /bulk-\d+/_bulk|POST /_ms?earch |POST /_mget "
    r"|(PUT|DELETE) /_ml/|DELETE /bulk-|POST \S+/_stop"
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that must hold: over how many it was looked at, and each violation in a line."""

    name: str
    checked: int
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A start that came to the cluster, by the id that the client gave it."""

    job: str
    opaque: str


def right(failures: Sequence[Failure], asked: int) -> Invariant:
    """Every answer was the one that belongs to its request."""
    wrong = tuple(f"{one.kind}: {one.what}" for one in failures if one.how is How.WRONG)
    return Invariant("no wrong answer", asked, wrong)


def explained(failures: Sequence[Failure], windows: list[Window], began: float) -> Invariant:
    """Every 5xx and every answer that broke off has a fault that was under way and can have it as a consequence."""
    judged = [one for one in failures if one.how is not How.WRONG]
    left = tuple(
        f"{one.kind} at {one.began - began:.1f} s: {one.how}: {one.what}"
        for one in judged
        if explained_by(one, windows) is None
    )
    return Invariant("every failure explained by a fault", len(judged), left)


def recorded(told: Sequence[Told], starts: Sequence[Start]) -> Invariant:
    """Every start that was answered is on record: with an outcome, and with an intent where it was granted. One that
    was answered with 5xx may have met no gate, or no disk."""
    known = {one.receipt: one.records for one in starts}
    bad = []
    for one in told:
        phases = known.get(one.receipt, {})
        if one.status < 500 and Phase.OUTCOME not in phases:
            bad.append(f"{one.receipt} of {one.job}: answered with {one.status}, without an outcome")
        if one.status < 300 and Phase.INTENT not in phases:
            bad.append(f"{one.receipt} of {one.job}: granted, without an intent")
    return Invariant("no lost record", len(told), tuple(bad))


def closed(starts: Sequence[Start]) -> Invariant:
    """No start stays open."""
    return Invariant("no start left open", len(starts), tuple(one.receipt for one in starts if one.open))


def judged(arrived: Iterable[Arrived], starts: Sequence[Start]) -> Invariant:
    """Every start that came to the cluster was granted, on record, before."""
    granted = set()
    for one in starts:
        intent = one.records.get(Phase.INTENT)
        if intent is not None and intent["startgate"]["verdict"]["allowed"]:
            granted.add(Arrived(intent["startgate"]["job"]["id"], intent.get("labels", {}).get("x_opaque_id", "")))
    came = list(arrived)
    return Invariant("no start without verdict", len(came), tuple(str(one) for one in came if one not in granted))


def once(came: Counter[str]) -> Invariant:
    """No request that changes something came to a node twice. `came` counts `METHOD target id`."""
    counted = {one: times for one, times in came.items() if _CLIENTS.match(one)}
    return Invariant(
        "no request sent twice", len(counted), tuple(f"{times} x {one}" for one, times in counted.items() if times > 1)
    )


def counted(files: Iterable[Path]) -> Counter[str]:
    """What came to the nodes."""
    came: Counter[str] = Counter()
    for path in files:
        with path.open() as lines:
            came.update(line.rstrip("\n") for line in lines)
    return came


def proven(journal: Path) -> Invariant:
    """The journal's chain is whole."""
    verified = verify(journal)
    findings = tuple(str(one) for one in verified.findings)
    return Invariant(
        "chain of the journal",
        verified.records,
        findings or (() if verified.whole and verified.records else ("no record",)),
    )


def meant(made: Mapping[str, Any], starts: Sequence[Start]) -> Invariant:
    """Every destination that exists was intended, and none was left without writes."""
    known = set()
    for one in starts:
        destination = one.records.get(Phase.INTENT, {}).get("startgate", {}).get("destination", {})
        known.add((destination.get("index"), _canonical(destination.get("meta"))))
    bad = []
    for name, index in made.items():
        if (name, _canonical(index["mappings"].get("_meta"))) not in known:
            bad.append(f"{name} exists and nobody meant to make it")
        if "blocks" in index["settings"]["index"]:
            bad.append(f"{name} was left blocked")
    return Invariant("no destination unmeant or blocked", len(made), tuple(bad))


def _canonical(meta: object) -> str:
    """The cluster may give an object back in another order."""
    return json.dumps(meta, sort_keys=True)


def flat(lives: Sequence[Trend]) -> Invariant:
    """No process that lived long enough grew beyond the bar."""
    bad = [f"{one.name}: {one.grown_mib:+.1f} MiB" for one in lives if one.grown_mib > BAR_MIB]
    return Invariant("memory flat", len(lives), tuple(bad))


def dropped(watched: Watched) -> Invariant:
    """No process keeps a socket that is over, or one over which nothing has gone for longer than anybody waits."""
    return Invariant("no socket forgotten", watched.looked_at, tuple(watched.forgotten.values()))


def kept(lives: Mapping[tuple[str, int], Sequence[Counter[str]]], fresh: Held) -> Invariant:
    """No process ends its life with more files, pipes and listeners than one has that has just been started: those do
    not depend on who asks for what."""
    bad, judged = [], 0
    for (name, pid), samples in lives.items():
        if len(samples) < _LAST:
            continue
        judged += 1
        least = functools.reduce(operator.and_, samples[-_LAST:])
        own = Counter({what: count for what, count in least.items() if not what.startswith(("to ", "at ", OVER))})
        bad += more({f"{name} ({pid})": own}, fresh)
    return Invariant("no file, pipe or listener left open", judged, tuple(bad))


def rested(found: Rest) -> Invariant:
    """At rest, each process holds what one does that has just been started."""
    held = sum(sum(kinds.values()) for kinds in found.held.values())
    return Invariant("at rest no descriptor is left over", held, tuple(more(found.held, found.fresh)))


def recovered(late: Sequence[str], faults: int) -> Invariant:
    """After every fault all was as before in time."""
    return Invariant("recovered from every fault", faults, tuple(late))


def silent(log: str) -> Invariant:
    """No process logged an exception that nobody expected."""
    parts = log.split("Traceback (most recent call last):")
    told = tuple(
        " | ".join([*before.splitlines()[-1:], *part.splitlines()[-40:]][:40]) for before, part in pairwise(parts)
    )
    return Invariant("no traceback in the log", log.count("\n"), told)
