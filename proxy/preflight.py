"""What is found out before anything listens: is the cluster there, is the service credential good, do the rules load.

Everything that would only show at the first start shows here, while an operator is looking.
See docs/decisions/041-no-cluster-no-start.md.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proxy.cluster import security
from proxy.cluster.transport import Reply, Transport
from proxy.errors import CannotServe, ClusterUnreachable, ExitStatus, PassedOn, Refusal, RulesError
from proxy.identity.conflicts import identity_conflicts
from proxy.model import Credential
from proxy.rules.compiled import Rules
from proxy.rules.load import load as load_rules
from proxy.settings import GateSettings

T = TypeVar("T")

NO_SERVICE = (
    "no service credential (cluster.service): starts whose owner must be judged, such as those that Kibana sends, "
    "will be denied"
)
CHAIN_REMEDY = "cluster.tls.ca must name the authority that signed it"
NAME_REMEDY = "name the nodes in cluster.nodes as the certificate does, or one of its names in cluster.tls.server_name"
# What a failed call's text holds, and what it is most likely to mean.
HINTS = {
    "WRONG_VERSION_NUMBER": "; does the node speak plain http?",
    "RECORD_LAYER_FAILURE": "; does the node speak plain http?",
    "Server disconnected": "; does the node speak https?",
    "Connection reset by peer": "; does the node speak https?",
    "the answer is not JSON": "; is this Elasticsearch?",
}
OWN_IDENTITIES = (
    "the cluster has security, and is not asked who starts a job: identity in startgate.yml says that; whatever the "
    "rules allow is done with the service credential, or without any"
)
PAUSE_S = 0.25
# One try: a node that takes longer to answer `GET /` would not carry traffic either.
TRY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the cluster and the rule files say of themselves.

    `name` and `version` are None where the cluster tells them only to who may ask; `service` is the user of the
    service credential or None; `warnings` are texts for the operator.
    """

    name: str | None
    version: str | None
    service: str | None
    rules: Rules
    warnings: tuple[str, ...] = ()

    @property
    def cluster(self) -> str:
        """The cluster in a few words."""
        return f"{self.name} (Elasticsearch {self.version})" if self.version else "a cluster that hides its name"


async def run(settings: GateSettings, *, wait_s: float) -> Found:
    """Everything that a start-up needs to know. An unreachable cluster is tried again for `wait_s` seconds.

    Raises:
        RulesError: a rule file is wrong, or does not go with `settings.identity`.
        CannotServe: the cluster does not answer, is not Elasticsearch, or refuses the service credential.
    """
    rules = load_rules(Path(settings.rules), settings.break_glass_keys)
    if conflicts := identity_conflicts(settings.identity, rules):
        raise RulesError(conflicts)
    credential = Credential(whose="service", headers=(("authorization", settings.service),) if settings.service else ())
    transport = Transport(settings.nodes, settings.cluster_tls, TRY_S)
    patience = _Patience(settings.nodes, time.monotonic() + wait_s)
    try:
        root = await patience.ask(lambda: transport.call("GET", "/", credential))
        name, version = _banner(root, settings.service is not None)
        service, warnings = await _service(patience, transport, credential, settings.service is not None)
        if settings.identity is not None:
            warnings = _with_own_identities(service, warnings)
    finally:
        await transport.close()
    return Found(name=name, version=version, service=service, rules=rules, warnings=warnings)


@dataclass(frozen=True, slots=True)
class _Patience:
    """Asks until `until` (monotonic seconds), and each node at least once: the transport takes them in turn."""

    nodes: tuple[str, ...]
    until: float

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The first answer. Raises CannotServe where none comes in time."""
        tries = 0
        while True:
            try:
                return await question()
            except ClusterUnreachable as failure:
                tries += 1
                if tries >= len(self.nodes) and time.monotonic() + PAUSE_S > self.until:
                    text = f"the cluster does not answer at {', '.join(self.nodes)}: {in_words(str(failure))}"
                    raise CannotServe(ExitStatus.UNREACHABLE, text) from failure
            await asyncio.sleep(PAUSE_S)


def in_words(failure: str) -> str:
    """Why a call failed, as an operator would say it: without what aiohttp and OpenSSL say of themselves, and with what
    is likely to be wrong."""
    # aiohttp says ssl:default or ssl:True of every connection, of plain ones too.
    reason = re.sub(r" ssl:\S+", "", failure)
    refused = re.search(r"certificate verify failed: (.+?)\.? \(_ssl\.c", reason)
    if refused:
        remedy = NAME_REMEDY if "mismatch" in refused[1] else CHAIN_REMEDY
        return f"the certificate is not accepted: {refused[1]}; {remedy}"
    hint = next((hint for mark, hint in HINTS.items() if mark in reason), "")
    return reason + hint


def _banner(root: Reply, with_service: bool) -> tuple[str | None, str | None]:
    """Name and version from `GET /`."""
    if root.status in (401, 403):
        if with_service and root.status == 401:
            raise CannotServe(ExitStatus.INVALID, "the cluster refuses the service credential of cluster.service (401)")
        return None, None
    content: Any = root.content if isinstance(root.content, Mapping) else {}
    version = content.get("version")
    number = version.get("number") if isinstance(version, Mapping) else None
    if not root.good or not isinstance(number, str):
        text = f"what answers is not Elasticsearch: GET / gave status {root.status} without a version"
        raise CannotServe(ExitStatus.INVALID, text)
    return str(content.get("cluster_name", "?")), number


async def _service(
    patience: _Patience, transport: Transport, credential: Credential, with_service: bool
) -> tuple[str | None, tuple[str, ...]]:
    """The user behind the service credential, and what an operator should know about it."""
    try:
        identity = await patience.ask(lambda: security.identify(transport, credential))
    except PassedOn as refusal:
        if with_service:
            text = f"the cluster refuses the service credential of cluster.service: {refusal.reason}"
            raise CannotServe(ExitStatus.INVALID, text) from refusal
    except Refusal as refusal:
        return None, (refusal.reason,)
    else:
        if with_service:
            return identity.username, ()
    return None, (NO_SERVICE,)


def _with_own_identities(service: str | None, warnings: tuple[str, ...]) -> tuple[str, ...]:
    """What of the warnings matters where Startgate says who asks: that a cluster has no security is then expected."""
    if service is None and warnings == (security.NO_SECURITY,):
        return ()
    return (OWN_IDENTITIES, *warnings)
