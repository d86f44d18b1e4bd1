"""The questions to the cluster. Each reads only, and each may be refused: that is an answer, too."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Final

from proxy.cluster.transport import Transport, refusal_of
from proxy.errors import ClusterUnreachable
from proxy.model import Credential
from proxy.preflight import in_words
from proxy.settings import GateSettings

# A node that takes longer for such a question would carry no traffic either.
ASK_S: Final = 5.0
# More jobs than any cluster has; the names of all are then in one question about privileges.
JOBS_MAX: Final = 1000

NODES_INFO: Final = "/_nodes/http,settings"
NODES_STATS: Final = "/_nodes/stats/process?filter_path=nodes.*.name,nodes.*.timestamp"
FEATURES: Final = "/_xpack?categories=license,features"
ML: Final = "/_ml/info"
WHO: Final = "/_security/_authenticate"
JOBS: Final = f"/_ml/data_frame/analytics?size={JOBS_MAX}&exclude_generated=true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer. `content` is None where there is none, and `why` then says why; `status` is 0 where nobody answered.
    `sent` and `got` are seconds since 1970, `date` is what the answer says of the time (RFC 9110 §6.6.1), if it
    does."""

    status: int = 0
    content: Any = field(default=None, repr=False)
    why: str = ""
    sent: float = 0.0
    got: float = 0.0
    date: float | None = None

    @property
    def missing(self) -> bool:
        """Whether the cluster has no such call: a distribution without X-Pack, or something else in its place."""
        return self.status in (400, 404, 405)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the cluster told. `roots` are the answers of each node by its address, in order; `key` is what it says of
    the API key that the service credential is, None where it is none."""

    roots: Mapping[str, Told]
    features: Told
    info: Told
    stats: Told
    who: Told
    jobs: Told
    ml: Told = field(default_factory=Told)
    key: Told | None = None

    @property
    def reachable(self) -> bool:
        """Whether any node answered at all."""
        return any(told.status for told in self.roots.values())


class Asker:
    """Asks with the service credential, or with none. Close it in the end."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._transport = Transport(settings.nodes, settings.cluster_tls, ASK_S)
        headers = (("authorization", settings.service),) if settings.service else ()
        self._credential = Credential(whose="service", headers=headers)

    async def ask(self, path: str, body: object = None) -> Told:
        """The answer of the first node that gives one; a question with a body is a POST."""
        return await _asked(self._transport, self._credential, path, body)

    async def root(self, node: str, *, anonymous: bool = False) -> Told:
        """`GET /` of one node; `anonymous`: without any credential or certificate."""
        tls = self._settings.cluster_tls
        if anonymous:
            tls = replace(tls, certificate=None, key=None)
        transport = Transport((node,), tls, ASK_S)
        nobody = Credential(whose="service", headers=())
        try:
            return await _asked(transport, nobody if anonymous else self._credential, "/", None)
        finally:
            await transport.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()


async def facts(asker: Asker, nodes: Sequence[str]) -> Facts:
    """Everything that the checks of the cluster go by. Raises nothing: what is not told says why."""
    roots = await asyncio.gather(*(asker.root(node) for node in nodes))
    # One after the other: times are compared with this machine's, and a busy node would blur them.
    features = await asker.ask(FEATURES)
    info = await asker.ask(NODES_INFO)
    stats = await asker.ask(NODES_STATS)
    who = await asker.ask(WHO)
    key = None
    if identity := at(who.content, "api_key", "id"):
        # `owner`: whoever may not see others' keys still may see their own.
        key = await asker.ask(f"/_security/api_key?id={identity}&owner=true")
    found = dict(zip(nodes, roots, strict=True))
    jobs, ml = await asker.ask(JOBS), await asker.ask(ML)
    return Facts(roots=found, features=features, info=info, stats=stats, who=who, jobs=jobs, ml=ml, key=key)


async def _asked(transport: Transport, credential: Credential, path: str, body: object) -> Told:
    sent = time.time()
    try:
        reply = await transport.call("GET" if body is None else "POST", path, credential, body=body, safe=True)
    except ClusterUnreachable as failure:
        return Told(why=in_words(str(failure)), sent=sent, got=time.time())
    got, date = time.time(), _date(reply.headers.get("date"))
    if reply.good:
        return Told(status=reply.status, content=reply.content, sent=sent, got=got, date=date)
    why = f"status {reply.status}: {refusal_of(reply).reason}"
    return Told(status=reply.status, why=why, sent=sent, got=got, date=date)


def _date(written: str | None) -> float | None:
    try:
        return None if written is None else parsedate_to_datetime(written).timestamp()
    except ValueError:
        return None


def at(content: object, *path: str) -> Any:  # noqa: ANN401 -- decoded JSON
    """What stands at a path of decoded JSON; None where there is nothing."""
    for piece in path:
        if not isinstance(content, Mapping):
            return None
        content = content.get(piece)
    return content


def each_node(told: Told) -> list[Mapping[str, Any]]:
    """The nodes of an answer of `_nodes`, in the order of their names."""
    nodes = at(told.content, "nodes")
    listed = nodes.values() if isinstance(nodes, Mapping) else ()
    return sorted((one for one in listed if isinstance(one, Mapping)), key=lambda one: str(one.get("name")))


def refused(told: Told, privilege: str) -> str:
    """Why something is not known; `privilege` is what asking takes."""
    if told.status == 403:
        return f"not known: who asks lacks the cluster privilege {privilege}"
    if told.status == 401:
        return "not known: the cluster wants a credential (cluster.service), or refuses the one that it got"
    return f"not known: {told.why}" if told.why else "not known: the answer does not say"
