"""Puts into the cluster what a data stream needs. Done again, it brings what is there up to date."""

from proxy.cluster.transport import Reply, Transport, refusal_of
from proxy.errors import PassedOn
from proxy.model import Credential
from proxy.ship.model import SinkFailure
from proxy.ship.templates import Call, calls

_EXISTS = "resource_already_exists_exception"


async def cluster_version(transport: Transport, credential: Credential) -> str:
    """The cluster's version, such as `8.15.3`.

    Raises:
        SinkFailure: it is not told; ClusterUnreachable: no node answers.
    """
    try:
        content = await transport.ask("GET", "/", credential)
        return str(content["version"]["number"])
    except PassedOn as refusal:
        raise SinkFailure(f"the cluster does not tell its version: {refusal}") from refusal
    except (KeyError, TypeError) as failure:
        raise SinkFailure("the cluster does not tell its version: is this Elasticsearch?") from failure


async def install(transport: Transport, credential: Credential, stream: str, keep_days: int) -> list[str]:
    """Make the templates and the data stream; what was done, a line for each call.

    Raises:
        SinkFailure: the cluster refused a call; those before it are done. ClusterUnreachable: no node answers.
    """
    version = await cluster_version(transport, credential)
    return [await _done(transport, credential, call) for call in calls(stream, keep_days, version)]


async def _done(transport: Transport, credential: Credential, call: Call) -> str:
    reply = await transport.call(call.method, call.path, credential, body=call.body, safe=True)
    if reply.good:
        return f"{call.method} {call.path}: done"
    if _kind(reply) == _EXISTS:
        return f"{call.method} {call.path}: was there"
    raise SinkFailure(f"{call.method} {call.path}: status {reply.status}, {refusal_of(reply).reason}")


def _kind(reply: Reply) -> str:
    return refusal_of(reply).type
