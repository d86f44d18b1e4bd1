"""All checks, in their order."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from proxy.doctor import bypass, certificates, credential, features, host, journal, nodes, replicas, running, sinks
from proxy.doctor.ask import Asker, Facts, facts
from proxy.doctor.host import Host
from proxy.doctor.model import CHECKS, Finding, Patient, fail, ok, skip, without
from proxy.errors import Fault
from proxy.rules.compiled import Rules

OF_CLUSTER = (
    *("versions", "one-cluster", "clock", "licence", "security", "machine-learning", "ml-nodes"),
    *("credential", "credential-privileges", "credential-excess", "credential-expiry"),
    *("bypass", "sniffing", "audit-log"),
)


async def examine(patient: Patient, machine: Host | None = None) -> list[Finding]:
    """Everything but the configuration itself, which is read already. Raises nothing."""
    of_cluster = await _cluster(patient)
    found = [bypass.intermediaries(patient.rules), *of_cluster]
    here = await running.running(patient.admin)
    on = replace(machine or Host(), pid=here.worker)
    # The disk is waited for.
    found += await asyncio.to_thread(journal.examine, Path(patient.gate.journal), patient.gate.journaling, on)
    found += _host(patient, on)
    found += certificates.own(patient.listens, patient.admin, patient.gate.cluster_tls)
    found += await certificates.of_nodes(patient.gate.nodes, patient.gate.cluster_tls)
    found += [running.judged(here), *running.addresses(patient.listens, patient.admin, here, on)]
    found += await replicas.examine(patient.replicas, patient.replicas_ca)
    found += await sinks.examine(patient.gate)
    return found


def _host(patient: Patient, on: Host) -> list[Finding]:
    limits, workers = patient.edge.limits, patient.workers
    return [
        host.descriptors(on, limits),
        host.backlog(on),
        host.cpu(on, workers, len(os.sched_getaffinity(0))),
        host.ports(on, workers, limits, patient.listens),
    ]


async def _cluster(patient: Patient) -> list[Finding]:
    asker = Asker(patient.gate)
    try:
        told = await facts(asker, patient.gate.nodes)
        answering = nodes.answering(told)
        if not told.reachable:
            return [answering, *(skip(name, "no node answers") for name in OF_CLUSTER)]
        return [answering, *await _judged(asker, told, patient)]
    finally:
        await asker.close()


async def _judged(asker: Asker, told: Facts, patient: Patient) -> list[Finding]:
    now, own = time.time(), patient.gate.identity is not None
    return [
        nodes.versions(told),
        nodes.one_cluster(told),
        nodes.clock(told),
        features.licence(told, now),
        features.security(told, own_identities=own),
        features.machine_learning(told),
        features.ml_nodes(told),
        *await credential.examine(
            asker, told, configured=patient.gate.service is not None, own_identities=own, now=now
        ),
        await bypass.bypass(asker, told, patient.gate.nodes),
        bypass.sniffing(told, patient.edge.sniffing),
        features.audit_log(told),
    ]


def configured(where: str, rules: Rules | None, faults: Sequence[Fault]) -> list[Finding]:
    """What is to be said of the configuration, which loads, and of the rules; `where` is what was read."""
    good = ok("configuration", f"{where} is good")
    if rules is None:
        advice = "`startgate check` names every fault"
        return [good, *(fail("rules", str(fault), advice) for fault in faults)]
    return [good, ok("rules", f"{', '.join(rules.files)}: revision {rules.revision}, by {rules.authority}")]


def unconfigured(faults: Sequence[Fault]) -> list[Finding]:
    """Where the configuration does not load, nothing else can be looked at."""
    wrong = [fail("configuration", str(fault), "`startgate check` names every fault") for fault in faults]
    return [*wrong, *(skip(name, "the configuration does not load") for name in CHECKS[1:])]


def complete(findings: Sequence[Finding], skipped: Sequence[str]) -> tuple[Finding, ...]:
    """The findings in the order of the checks, those that were asked to be left out as skipped."""
    return tuple(sorted(without(findings, skipped), key=lambda one: CHECKS.index(one.check)))
